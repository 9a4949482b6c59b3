use proptest::prelude::*;

use super::*;
use crate::http::header::Header;

const UNLIMITED: u32 = u32::MAX;
const LENGTH: (&str, &str) = ("Content-Length", "5");
const CHUNKED: (&str, &str) = ("Transfer-Encoding", "chunked");

fn response(status: u16, fields: &[(&str, &str)]) -> ParsedResponse {
    ParsedResponse {
        version: Version::Http11,
        status,
        reason: Vec::new(),
        headers: fields
            .iter()
            .map(|&(name, value)| Header::new(name, value))
            .collect(),
    }
}

/// What is read of a body that comes in chunks of this length: its bytes, how many bytes
/// of the input it took, and how it ended, if it did before the input.
fn read_in_pieces(
    response: &ParsedResponse,
    limit: u32,
    input: &[u8],
    chunk: usize,
) -> (Vec<u8>, usize, Option<Outcome>) {
    let mut reader = BodyReader::new(response, limit);
    let (mut body, mut taken) = (Vec::new(), 0);
    for chunk in input.chunks(chunk) {
        let count = reader.read(chunk, &mut body);
        taken += count;
        if reader.outcome().is_some() {
            break;
        }
        assert_eq!(count, chunk.len(), "a body that goes on takes all");
    }
    (body, taken, reader.outcome())
}

/// What is read of a 403 with these fields and the default limit.
fn read(fields: &[(&str, &str)], input: &str) -> (String, usize, Option<Outcome>) {
    let (body, taken, outcome) =
        read_in_pieces(&response(403, fields), 65_536, input.as_bytes(), usize::MAX);
    (String::from_utf8(body).unwrap(), taken, outcome)
}

#[track_caller]
fn is_complete(fields: &[(&str, &str)], input: &str, body: &str) {
    let expected = (body.into(), input.len(), Some(Outcome::Complete));
    assert_eq!(read(fields, input), expected, "{fields:?} {input:?}");
    let behind = format!("{input}more");
    assert_eq!(read(fields, &behind), expected, "{fields:?} {behind:?}");
}

#[test]
fn a_body_of_a_known_length_is_complete_with_its_last_byte() {
    is_complete(&[LENGTH], "hello", "hello");
    is_complete(&[("content-length", "005")], "hello", "hello");
    is_complete(&[("Content-Length", "5, 5"), LENGTH], "hello", "hello");
    assert_eq!(read(&[LENGTH], "hell"), ("hell".into(), 4, None));
}

#[test]
fn a_chunked_body_is_what_its_chunks_hold() {
    is_complete(&[CHUNKED], "0\r\n\r\n", "");
    is_complete(&[CHUNKED], "5\r\nhello\r\n000\r\n\r\n", "hello");
    is_complete(&[CHUNKED], "2\r\nhe\r\n03\r\nllo\r\n0\r\n\r\n", "hello");
    is_complete(
        &[("transfer-encoding", "Chunked")],
        "A;name=\"v\"\r\n0123456789\r\n0 ;x\r\nTrailer: dropped\r\n\r\n",
        "0123456789",
    );
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let response = response(403, &[]);
    let mut reader = BodyReader::new(&response, 65_536);
    let mut body = Vec::new();
    assert_eq!(reader.read(b"hello", &mut body), 5);
    assert_eq!((reader.outcome(), &*body), (None, &b"hello"[..]));
    assert_eq!(reader.end_of_input(), Outcome::Complete);
}

#[test]
fn a_body_that_is_cut_by_the_end_of_the_connection_is_incomplete() {
    for (field, input) in [
        (LENGTH, "hell"),
        (CHUNKED, ""),
        (CHUNKED, "5\r\nhello\r\n"),
        (CHUNKED, "0\r\n"),
    ] {
        let mut reader = BodyReader::new(&response(403, &[field]), 65_536);
        reader.read(input.as_bytes(), &mut Vec::new());
        assert_eq!(reader.outcome(), None, "{input:?}");
        assert_eq!(reader.end_of_input(), Outcome::Incomplete, "{input:?}");
    }
}

#[test]
fn some_statuses_have_no_body_whatever_their_fields_say() {
    for status in [101, 199, 204, 304] {
        for fields in [&[][..], &[LENGTH], &[CHUNKED], &[LENGTH, CHUNKED]] {
            let reader = BodyReader::new(&response(status, fields), 65_536);
            assert_eq!(reader.outcome(), Some(Outcome::Complete), "{status}");
        }
    }
    let empty = BodyReader::new(&response(403, &[("Content-Length", "0")]), 65_536);
    assert_eq!(empty.outcome(), Some(Outcome::Complete));
}

#[test]
fn class_18_a_body_whose_end_two_recipients_might_see_differently_is_not_read() {
    for fields in [
        &[LENGTH, CHUNKED][..],
        &[LENGTH, ("Content-Length", "6")],
        &[("Content-Length", "5, 6")],
        &[("Content-Length", "5, x")],
        &[("Content-Length", "")],
        &[("Content-Length", ",")],
        &[("Content-Length", "+5")],
        &[("Content-Length", "-5")],
        &[("Content-Length", "0x5")],
        &[("Content-Length", "5 5")],
        &[("Content-Length", "18446744073709551616")],
        &[("Transfer-Encoding", "")],
        &[("Transfer-Encoding", "identity")],
        &[("Transfer-Encoding", "gzip, chunked")],
        &[("Transfer-Encoding", "chunked, gzip")],
        &[("Transfer-Encoding", "chunked;a=b")],
        &[CHUNKED, CHUNKED],
    ] {
        let expected = (String::new(), 0, Some(Outcome::Incomplete));
        assert_eq!(read(fields, "5\r\nhello"), expected, "{fields:?}");
    }
    let old = ParsedResponse {
        version: Version::Http10,
        ..response(403, &[CHUNKED])
    };
    let reader = BodyReader::new(&old, 65_536);
    assert_eq!(reader.outcome(), Some(Outcome::Incomplete));
}

#[test]
fn class_18_a_malformed_chunk_ends_the_body_at_its_first_wrong_byte() {
    for (good, bad) in [
        ("", "\r"),
        ("", ";"),
        ("", " "),
        ("", "g"),
        ("", "-"),
        ("5", "\n"),
        ("5", "g"),
        ("5\r", "\r"),
        ("5;a", "\n"),
        ("5;a", "\0"),
        ("5\r\nhello", "\n"),
        ("5\r\nhello", "x"),
        ("5\r\nhello\r", "x"),
        ("5\r\nhello\r\n", "\r"),
        ("0\r\n", "\n"),
        ("0\r\n\r", "x"),
        ("0\r\na", "\n"),
        ("0\r\na\r", "x"),
        ("ffffffffffffffff", "f"),
    ] {
        let (_, taken, outcome) = read(&[CHUNKED], good);
        assert_eq!((taken, outcome), (good.len(), None), "{good:?}");
        let (_, taken, outcome) = read(&[CHUNKED], &format!("{good}{bad}more"));
        let expected = (good.len() + 1, Some(Outcome::Incomplete));
        assert_eq!((taken, outcome), expected, "{good:?} {bad:?}");
    }
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let input = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n".as_slice();
    let chunked = response(403, &[CHUNKED]);
    let read = |limit| read_in_pieces(&chunked, limit, input, usize::MAX);
    let whole = (b"hello!".to_vec(), input.len(), Some(Outcome::Complete));
    assert_eq!(read(6), whole);
    assert_eq!(read(UNLIMITED), whole);
    assert_eq!(read(5), (b"hello".to_vec(), 13, Some(Outcome::Incomplete)));
    assert_eq!(read(0), (vec![], 0, Some(Outcome::Incomplete)));

    let until_end = response(403, &[]);
    let read = |limit| read_in_pieces(&until_end, limit, b"hello", usize::MAX);
    assert_eq!(read(5), (b"hello".to_vec(), 5, None));
    assert_eq!(read(4), (b"hell".to_vec(), 4, Some(Outcome::Incomplete)));
    assert_eq!(read(0), (vec![], 0, Some(Outcome::Incomplete)));

    let counted = response(403, &[LENGTH]);
    let read = |limit| read_in_pieces(&counted, limit, b"hello", usize::MAX);
    assert_eq!(read(5), (b"hello".to_vec(), 5, Some(Outcome::Complete)));
    assert_eq!(read(4), (vec![], 0, Some(Outcome::Incomplete)));
}

#[test]
fn class_14_a_length_or_a_chunk_of_any_size_reserves_nothing_up_front() {
    for (field, input) in [
        (("Content-Length", "18446744073709551615"), "a"),
        (CHUNKED, "ffffffffffffffff\r\na"),
    ] {
        let mut reader = BodyReader::new(&response(403, &[field]), UNLIMITED);
        let mut body = Vec::new();
        assert_eq!(reader.read(input.as_bytes(), &mut body), input.len());
        assert_eq!((reader.outcome(), &*body), (None, &b"a"[..]));
        assert!(body.capacity() < 64);
    }
}

/// Bodies that are whole, cut short, or wrong somewhere.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), any::<u8>()];
    let change = (any::<prop::sample::Index>(), byte, any::<bool>());
    prop::collection::vec(change, 0..3).prop_map(|changes| {
        let mut body =
            b"5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\nmore".to_vec();
        for (index, byte, insert) in changes {
            let at = index.index(body.len());
            if insert {
                body.insert(at, byte);
            } else {
                body[at] = byte;
            }
        }
        body
    })
}

proptest! {
    #[test]
    fn class_26_however_a_body_is_cut_the_outcome_is_the_same(
        input in bodies(),
        chunk in 1..20usize,
        limit in prop_oneof![Just(0), 1..25u32, Just(UNLIMITED)],
        field in prop_oneof![Just(Some(LENGTH)), Just(Some(CHUNKED)), Just(None)],
    ) {
        let fields: Vec<_> = field.into_iter().collect();
        let response = response(403, &fields);
        let whole = read_in_pieces(&response, limit, &input, usize::MAX);
        prop_assert_eq!(&whole, &read_in_pieces(&response, limit, &input, chunk));
        prop_assert_eq!(&whole, &read_in_pieces(&response, limit, &input, 1));
    }
}
