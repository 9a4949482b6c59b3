use super::*;

const UNLIMITED: u32 = u32::MAX;

fn limits(head: u32, headers: u32) -> Limits {
    let mut limits = Limits::default();
    (limits.head, limits.headers) = (head, headers);
    limits
}

/// The first byte that breaks a rule, and which.
fn first_wrong_byte(kind: HeadKind, limits: &Limits, input: &[u8]) -> Option<(usize, Rule)> {
    first_wrong_byte_from(Version::Http11, kind, limits, input)
}

/// The same, if heads of that version are taken too.
fn first_wrong_byte_from(
    oldest: Version,
    kind: HeadKind,
    limits: &Limits,
    input: &[u8],
) -> Option<(usize, Rule)> {
    let mut scanner = Scanner::new(kind, oldest, limits);
    input
        .iter()
        .enumerate()
        .find_map(|(at, &byte)| scanner.step(byte).err().map(|rule| (at, rule)))
}

/// The same, with runs wherever there are some.
fn first_wrong_byte_of_runs(
    kind: HeadKind,
    limits: &Limits,
    input: &[u8],
) -> Option<(usize, Rule)> {
    let mut scanner = Scanner::new(kind, Version::Http11, limits);
    let mut at = 0;
    while at < input.len() {
        if let Err(rule) = scanner.step(input[at]) {
            return Some((at, rule));
        }
        at += 1;
        at += scanner.run(&input[at..]);
    }
    None
}

/// Asserts that the last byte of the input, and none before it, breaks the rule.
#[track_caller]
fn fails_at_its_end(kind: HeadKind, limits: &Limits, input: &[u8], rule: Rule) {
    assert_eq!(
        first_wrong_byte(kind, limits, input),
        Some((input.len() - 1, rule)),
        "{:?}",
        String::from_utf8_lossy(input)
    );
}

#[test]
fn runs_find_what_steps_do_whatever_byte_stands_wherever() {
    let request = b"\r\nGET /a HTTP/1.1\r\nHost: a b\r\nX:\r\n\r\n";
    let response = b"HTTP/1.1 101 Ok then\r\nHost: a b\r\nX:\r\n\r\n";
    let heads = [
        (HeadKind::Request, &request[..]),
        (HeadKind::Response, &response[..]),
    ];
    let limits = [
        limits(UNLIMITED, UNLIMITED),
        limits(7, UNLIMITED),
        limits(30, UNLIMITED),
        limits(UNLIMITED, 1),
    ];
    for (kind, head) in heads {
        for at in (0..head.len()).step_by(if cfg!(miri) { 7 } else { 1 }) {
            for byte in (0..=u8::MAX).step_by(if cfg!(miri) { 31 } else { 1 }) {
                let mut head = head.to_vec();
                head[at] = byte;
                for limits in &limits {
                    assert_eq!(
                        first_wrong_byte_of_runs(kind, limits, &head),
                        first_wrong_byte(kind, limits, &head),
                        "{:?}",
                        String::from_utf8_lossy(&head)
                    );
                }
            }
        }
    }
}

#[test]
fn the_grammar_fails_at_the_byte() {
    let limits = Limits::default();
    for bad in [
        "\n",
        " ",
        ":",
        "GET\t",
        "GET\r",
        "G(",
        "GET  ",
        "GET /a\t",
        "GET /a\r",
        "GET /a\n",
        "GET /a\x7f",
        "GET /a  ",
        "GET /a HTTX",
        "GET /a h",
        "GET /a HTTP/1.1 ",
        "GET /a HTTP/1.10",
        "GET /a HTTP/1.1\n",
        "GET /a HTTP/1.1\r\r",
        "GET /a HTTP/1.1\r\n ",
        "GET /a HTTP/1.1\r\n\t",
        "GET /a HTTP/1.1\r\n\n",
        "GET /a HTTP/1.1\r\n:",
        "GET /a HTTP/1.1\r\nHost ",
        "GET /a HTTP/1.1\r\nHost\r",
        "GET /a HTTP/1.1\r\nHo\0",
        "GET /a HTTP/1.1\r\nHost: a\n",
        "GET /a HTTP/1.1\r\nHost: a\rb",
        "GET /a HTTP/1.1\r\nHost: a\0",
        "GET /a HTTP/1.1\r\nHost: a\x0b",
        "GET /a HTTP/1.1\r\nHost: a\x7f",
        "GET /a HTTP/1.1\r\nHost: a\r\n ",
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\r",
    ] {
        fails_at_its_end(
            HeadKind::Request,
            &limits,
            bad.as_bytes(),
            Rule::HeadMalformed,
        );
    }
    for bad in [
        "h",
        "I",
        "HTTP/1.1\r",
        "HTTP/1.1 \r",
        "HTTP/1.1  ",
        "HTTP/1.1 0",
        "HTTP/1.1 10 ",
        "HTTP/1.1 1010",
        "HTTP/1.1 101\n",
        "HTTP/1.1 101\t",
        "HTTP/1.1 101 OK\n",
        "HTTP/1.1 101 O\0",
        "HTTP/1.1 101 OK\r\n ",
    ] {
        fails_at_its_end(
            HeadKind::Response,
            &limits,
            bad.as_bytes(),
            Rule::HeadMalformed,
        );
    }
}

#[test]
fn a_tls_client_hello_fails_at_its_first_byte() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01";
    let wrong = first_wrong_byte(HeadKind::Request, &Limits::default(), hello);
    assert_eq!(wrong, Some((0, Rule::HeadMalformed)));
}

#[test]
fn any_version_but_1_1_fails_at_the_digit() {
    let limits = Limits::default();
    for (kind, line, rule) in [
        (HeadKind::Request, "GET / HTTP/2", Rule::HttpVersion),
        (HeadKind::Request, "GET / HTTP/0", Rule::HttpVersion),
        (HeadKind::Request, "GET / HTTP/1.0", Rule::HttpVersion),
        (HeadKind::Request, "GET / HTTP/1.2", Rule::HttpVersion),
        (HeadKind::Request, "GET / HTTP/x", Rule::HeadMalformed),
        (HeadKind::Request, "GET / HTTP/1,", Rule::HeadMalformed),
        (HeadKind::Request, "GET / HTTP/1.\r", Rule::HeadMalformed),
        (HeadKind::Request, "PRI * HTTP/2", Rule::HttpVersion),
        (HeadKind::Response, "HTTP/1.0", Rule::HttpVersion),
        (HeadKind::Response, "HTTP/2", Rule::HttpVersion),
    ] {
        fails_at_its_end(kind, &limits, line.as_bytes(), rule);
    }
}

#[test]
fn http_1_0_is_taken_where_the_caller_says_so_and_no_other_version_with_it() {
    let limits = Limits::default();
    let wrong =
        |kind, line: &str| first_wrong_byte_from(Version::Http10, kind, &limits, line.as_bytes());
    for (kind, head) in [
        (HeadKind::Request, "GET / HTTP/1.0\r\n\r\n"),
        (HeadKind::Request, "OPTIONS * HTTP/1.0\r\n\r\n"),
        (HeadKind::Request, "GET / HTTP/1.1\r\n\r\n"),
        (HeadKind::Response, "HTTP/1.0 200 OK\r\n\r\n"),
        (HeadKind::Response, "HTTP/1.1 200 OK\r\n\r\n"),
    ] {
        assert_eq!(wrong(kind, head), None, "{head:?}");
    }
    for line in ["GET / HTTP/1.2", "GET / HTTP/0", "GET / HTTP/2"] {
        let last = line.len() - 1;
        let expected = Some((last, Rule::HttpVersion));
        assert_eq!(wrong(HeadKind::Request, line), expected, "{line:?}");
    }
}

#[test]
fn one_empty_line_may_stand_before_a_request_and_none_before_a_response() {
    let limits = Limits::default();
    fails_at_its_end(HeadKind::Request, &limits, b"\r\n\r", Rule::HeadMalformed);
    fails_at_its_end(HeadKind::Request, &limits, b"\rG", Rule::HeadMalformed);
    fails_at_its_end(HeadKind::Response, &limits, b"\r", Rule::HeadMalformed);
}

#[test]
fn class_04_high_bytes_fail_in_all_but_values() {
    let limits = Limits::default();
    for byte in 0x80..=0xFF {
        for (before, rule) in [
            ("", Rule::HeadMalformed),
            ("GE", Rule::HeadMalformed),
            ("GET ", Rule::TargetMalformed),
            ("GET /", Rule::TargetMalformed),
            ("GET / ", Rule::HeadMalformed),
            ("GET / HTTP/", Rule::HeadMalformed),
            ("GET / HTTP/1.1", Rule::HeadMalformed),
            ("GET / HTTP/1.1\r\n", Rule::HeadMalformed),
            ("GET / HTTP/1.1\r\nHost", Rule::HeadMalformed),
        ] {
            let input = [before.as_bytes(), &[byte]].concat();
            fails_at_its_end(HeadKind::Request, &limits, &input, rule);
        }
    }
}

#[test]
fn class_01_an_endless_line_fails_at_the_limit_of_the_head() {
    let limits = limits(100, UNLIMITED);
    let (endless, fields) = ("a".repeat(1000), "a:\r\n".repeat(1000));
    for (kind, input, rule) in [
        (HeadKind::Request, endless.clone(), Rule::RequestLineTooLong),
        (
            HeadKind::Request,
            format!("GET /{endless}"),
            Rule::RequestLineTooLong,
        ),
        (
            HeadKind::Request,
            format!("GET / HTTP/1.1\r\n{endless}"),
            Rule::HeadTooLong,
        ),
        (
            HeadKind::Request,
            format!("GET / HTTP/1.1\r\nX: {endless}"),
            Rule::HeadTooLong,
        ),
        (
            HeadKind::Request,
            format!("GET / HTTP/1.1\r\n{fields}"),
            Rule::HeadTooLong,
        ),
        (
            HeadKind::Response,
            format!("HTTP/1.1 101 {endless}"),
            Rule::HeadTooLong,
        ),
        (
            HeadKind::Response,
            format!("HTTP/1.1 101 \r\nX: {endless}"),
            Rule::HeadTooLong,
        ),
        (
            HeadKind::Response,
            format!("HTTP/1.1 101\r\n{fields}"),
            Rule::HeadTooLong,
        ),
    ] {
        let wrong = first_wrong_byte(kind, &limits, input.as_bytes());
        assert_eq!(wrong, Some((100, rule)), "{input:?}");
    }
}

#[test]
fn a_limit_of_zero_refuses_without_panic() {
    let wrong = first_wrong_byte(HeadKind::Request, &limits(0, 9), b"GET");
    assert_eq!(wrong, Some((0, Rule::RequestLineTooLong)));
}

#[test]
fn class_02_one_field_too_many_fails_at_its_first_byte() {
    let limits = limits(UNLIMITED, 100);
    let head = format!("GET / HTTP/1.1\r\n{}x", "a: b\r\n".repeat(100));
    fails_at_its_end(
        HeadKind::Request,
        &limits,
        head.as_bytes(),
        Rule::TooManyHeaders,
    );
}
