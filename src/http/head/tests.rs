use proptest::prelude::*;

use super::*;

const REQUEST: &[u8] =
    b"GET /chat?a=b HTTP/1.1\r\nHost: example.org\r\nX-Empty:\r\nX: \t\xFF y \r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

fn limits(head: u32, headers: u32) -> Limits {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (head, headers);
    limits
}

const UNLIMITED: u32 = u32::MAX;

/// Reads chunks of the given length, as a session does. Returns how many bytes were
/// taken, and the reader if the head is complete.
fn read_in_pieces(
    kind: HeadKind,
    limits: &Limits,
    input: &[u8],
    chunk: usize,
) -> (usize, Result<Option<HeadReader>, Rule>) {
    let mut reader = HeadReader::new(kind, Version::Http11, limits);
    let mut total = 0;
    for chunk in input.chunks(chunk) {
        match reader.read(chunk) {
            Ok((taken, true)) => return (total + taken, Ok(Some(reader))),
            Ok((taken, false)) => {
                assert_eq!(taken, chunk.len(), "an incomplete head takes all");
                total += taken;
            }
            Err(rule) => return (total, Err(rule)),
        }
    }
    (total, Ok(None))
}

fn request(input: &[u8]) -> Result<ParsedRequest, Rule> {
    let limits = Limits::default();
    let (_, whole) = read_in_pieces(HeadKind::Request, &limits, input, usize::MAX);
    whole?.ok_or(Rule::HeadMalformed)?.request()
}

fn response(input: &[u8]) -> Result<ParsedResponse, Rule> {
    let limits = Limits::default();
    let (_, whole) = read_in_pieces(HeadKind::Response, &limits, input, usize::MAX);
    whole?.ok_or(Rule::HeadMalformed)?.response()
}

#[test]
fn a_request_has_a_method_a_target_and_fields() {
    let parsed = request(REQUEST).unwrap();
    assert_eq!((&*parsed.method, &*parsed.target), ("GET", "/chat?a=b"));
    let expected = [
        Header::new("Host", "example.org"),
        Header::new("X-Empty", ""),
        Header::new("X", b"\xFF y".as_slice()),
    ];
    assert_eq!(parsed.headers, expected);
    assert_eq!(
        request(b"a-b! * HTTP/1.1\r\n\r\n").map(|parsed| parsed.method),
        Ok("a-b!".into())
    );
}

#[test]
fn a_response_has_a_status_a_reason_and_fields() {
    let parsed = response(RESPONSE).unwrap();
    assert_eq!(
        (parsed.status, &*parsed.reason),
        (101, b"Switching Protocols".as_slice())
    );
    assert_eq!(parsed.headers, [Header::new("Upgrade", "websocket")]);
}

#[test]
fn a_reason_may_be_empty_absent_or_of_any_bytes() {
    for (line, expected) in [
        (
            b"HTTP/1.1 101 a \xFF\tb\r\n\r\n".as_slice(),
            b"a \xFF\tb".as_slice(),
        ),
        (b"HTTP/1.1 999 \r\n\r\n", b""),
        (b"HTTP/1.1 404\r\n\r\n", b""),
        (b"HTTP/1.1 200  x\r\n\r\n", b" x"),
    ] {
        let parsed = response(line).unwrap();
        assert_eq!(
            parsed.reason,
            expected,
            "{:?}",
            String::from_utf8_lossy(line)
        );
    }
}

#[test]
fn a_head_of_http_1_0_is_told_from_one_of_http_1_1() {
    let limits = Limits::default();
    for (head, version) in [
        (b"GET / HTTP/1.0\r\n\r\n".as_slice(), Version::Http10),
        (b"GET / HTTP/1.1\r\n\r\n", Version::Http11),
    ] {
        let mut reader = HeadReader::new(HeadKind::Request, Version::Http10, &limits);
        assert_eq!(reader.read(head), Ok((head.len(), true)));
        assert_eq!(reader.request().map(|parsed| parsed.version), Ok(version));
    }
    for (head, version) in [
        (b"HTTP/1.0 403 No\r\n\r\n".as_slice(), Version::Http10),
        (b"HTTP/1.1 403 No\r\n\r\n", Version::Http11),
    ] {
        let mut reader = HeadReader::new(HeadKind::Response, Version::Http10, &limits);
        assert_eq!(reader.read(head), Ok((head.len(), true)));
        let parsed = reader.response().unwrap();
        assert_eq!(
            (parsed.version, &*parsed.reason),
            (version, b"No".as_slice())
        );
    }
}

#[test]
fn interim_responses_are_all_1xx_but_101() {
    for (status, expected) in [
        (100, true),
        (101, false),
        (103, true),
        (199, true),
        (200, false),
    ] {
        let parsed = response(format!("HTTP/1.1 {status} x\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(parsed.is_interim(), expected, "{status}");
    }
}

#[test]
fn class_18_bytes_after_the_head_stay_with_the_caller() {
    for (kind, head) in [(HeadKind::Request, REQUEST), (HeadKind::Response, RESPONSE)] {
        let input = [head, b"\x81\x05hello\r\n\r\n"].concat();
        for chunk in 1..input.len() {
            let (taken, outcome) = read_in_pieces(kind, &Limits::default(), &input, chunk);
            assert_eq!(taken, head.len());
            let mut reader = outcome.unwrap().unwrap();
            assert_eq!(reader.read(b"more"), Ok((0, true)));
        }
    }
}

#[test]
fn an_incomplete_head_is_not_parsed() {
    for (kind, head) in [(HeadKind::Request, REQUEST), (HeadKind::Response, RESPONSE)] {
        for end in 0..head.len() {
            let mut reader = HeadReader::new(kind, Version::Http11, &Limits::default());
            assert_eq!(reader.read(&head[..end]), Ok((end, false)));
            assert_eq!(reader.clone().request(), Err(Rule::HeadMalformed));
            assert_eq!(reader.response(), Err(Rule::HeadMalformed));
        }
    }
}

#[test]
fn one_empty_line_before_a_request_is_passed_over() {
    let input = [b"\r\n", REQUEST].concat();
    assert_eq!(request(&input), request(REQUEST));
}

#[test]
fn class_04_high_bytes_are_carried_in_values() {
    for byte in 0x80..=0xFF {
        let input = [b"GET / HTTP/1.1\r\nHost: a", &[byte][..], b"\r\n\r\n"].concat();
        assert_eq!(request(&input).unwrap().headers[0].value, [b'a', byte]);
    }
}

#[test]
fn class_18_no_line_end_of_any_kind_hides_in_a_field() {
    for hidden in [
        "\n", "\r", "\n\r", "\r\n ", "\r\n\t", "\0\r\n", "\u{b}", "\u{c}",
    ] {
        let input = format!("GET / HTTP/1.1\r\nA: b{hidden}Host: evil\r\n\r\n");
        assert_eq!(
            request(input.as_bytes()),
            Err(Rule::HeadMalformed),
            "{hidden:?}"
        );
    }
}

#[test]
fn a_head_exactly_at_its_limits_is_read() {
    let head = REQUEST.len() as u32;
    let complete = |limits: &Limits| {
        let (_, outcome) = read_in_pieces(HeadKind::Request, limits, REQUEST, usize::MAX);
        outcome.map(|reader| reader.is_some())
    };
    assert_eq!(complete(&limits(head, 3)), Ok(true));
    assert_eq!(complete(&limits(head - 1, 3)), Err(Rule::HeadTooLong));
    assert_eq!(complete(&limits(head, 2)), Err(Rule::TooManyHeaders));
}

#[test]
fn class_02_one_field_too_many_is_refused() {
    let limits = limits(UNLIMITED, 100);
    let head = |fields: usize| format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(fields));
    let whole = head(100) + "\r\n";
    let (taken, outcome) = read_in_pieces(HeadKind::Request, &limits, whole.as_bytes(), 7);
    assert_eq!(taken, whole.len());
    assert_eq!(
        outcome.unwrap().unwrap().request().unwrap().headers.len(),
        100
    );
    let input = head(101);
    let (_, outcome) = read_in_pieces(HeadKind::Request, &limits, input.as_bytes(), 7);
    assert_eq!(outcome.err(), Some(Rule::TooManyHeaders));
}

#[test]
fn class_01_a_long_head_fed_one_byte_at_a_time_is_scanned_once() {
    // Work that grew with the square of these bytes would take hours.
    let limits = limits(UNLIMITED, UNLIMITED);
    let mut head = b"GET /".to_vec();
    head.resize(1 << 20, b'a');
    head.extend_from_slice(b" HTTP/1.1\r\nX: ");
    head.resize(2 << 20, b',');
    head.extend_from_slice(b"\r\n");
    for number in 0..1 << 17 {
        head.extend_from_slice(format!("x{number}:\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    let (taken, outcome) = read_in_pieces(HeadKind::Request, &limits, &head, 1);
    assert_eq!(taken, head.len());
    let parsed = outcome.unwrap().unwrap().request().unwrap();
    assert_eq!(parsed.headers.len(), 1 + (1 << 17));
}

#[test]
fn no_limit_reserves_nothing_up_front() {
    let limits = limits(UNLIMITED, UNLIMITED);
    let mut reader = HeadReader::new(HeadKind::Request, Version::Http11, &limits);
    assert_eq!(reader.bytes.capacity(), 0);
    assert_eq!(reader.read(b"GET"), Ok((3, false)));
    assert!(reader.bytes.capacity() < 64);
}

/// Heads that are whole, cut short, or wrong somewhere.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let head = prop_oneof![Just(REQUEST), Just(RESPONSE)];
    let byte = prop_oneof![
        Just(b'\r'),
        Just(b'\n'),
        Just(b' '),
        Just(b':'),
        any::<u8>()
    ];
    let change = (any::<prop::sample::Index>(), byte, any::<bool>());
    (head, prop::collection::vec(change, 0..3)).prop_map(|(head, changes)| {
        let mut head = [head, b"rest"].concat();
        for (index, byte, insert) in changes {
            let at = index.index(head.len());
            if insert {
                head.insert(at, byte);
            } else {
                head[at] = byte;
            }
        }
        head
    })
}

proptest! {
    #[test]
    fn class_26_however_a_head_is_cut_the_outcome_is_the_same(
        input in heads(),
        cuts in prop::collection::vec(0..120usize, 0..8),
        kind in prop_oneof![Just(HeadKind::Request), Just(HeadKind::Response)],
        longest in 10..120u32,
        fields in 0..4u32,
    ) {
        let limits = limits(longest, fields);
        let read = |chunks: &mut dyn Iterator<Item = &[u8]>| {
            let mut reader = HeadReader::new(kind, Version::Http11, &limits);
            let mut total = 0;
            for chunk in chunks {
                let (taken, complete) = reader.read(chunk)?;
                total += taken;
                if complete {
                    break;
                }
            }
            let complete = reader.scanner.is_complete();
            Ok::<_, Rule>((total, complete, reader.clone().request(), reader.response()))
        };
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let whole = read(&mut std::iter::once(input.as_slice()));
        let cut = read(&mut cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]));
        let single = read(&mut input.chunks(1));
        prop_assert_eq!(&whole, &cut);
        prop_assert_eq!(&whole, &single);
    }

    #[test]
    fn a_head_that_the_scanner_lets_pass_is_parsed(input in heads()) {
        // httparse is the second opinion: it never knows better.
        let mut reader = HeadReader::new(HeadKind::Request, Version::Http11, &Limits::default());
        if let Ok((_, true)) = reader.read(&input) {
            prop_assert!(reader.request().is_ok());
        }
        let mut reader = HeadReader::new(HeadKind::Response, Version::Http11, &Limits::default());
        if let Ok((_, true)) = reader.read(&input) {
            prop_assert!(reader.response().is_ok());
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = request(&input);
        let _ = response(&input);
    }
}
