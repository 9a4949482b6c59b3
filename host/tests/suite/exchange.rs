//! The batched call: a client and a server in memory.

use websocket_host::protocol::{
    Acceptance, Compression, Config, Event, EventKind, Outgoing, OutgoingKind, Request, Rule, State,
};
use websocket_host::{CallError, Exchanged, Guest, SandboxError, Session};

use crate::support::sandbox;

const CAPACITY: u32 = 64 << 10;
const ENTROPY: [u8; 32] = [7; 32];

fn request() -> Request {
    Request {
        target: "/chat".into(),
        authority: "example.com".into(),
        subprotocols: vec!["one".into(), "two".into()],
        extensions: Vec::new(),
        headers: Vec::new(),
    }
}

fn acceptance() -> Acceptance {
    Acceptance {
        subprotocol: Some("two".into()),
        extensions: Vec::new(),
        headers: Vec::new(),
    }
}

fn record(kind: OutgoingKind, start: usize, length: usize) -> Outgoing {
    Outgoing {
        kind,
        start: start.try_into().expect("32 bits"),
        length: length.try_into().expect("32 bits"),
        context: None,
    }
}

/// A client and a server in one guest, as in a relay, both open.
fn open(guest: &mut Guest) -> (Session, Session) {
    let config = Config::default();
    let client = guest.client(&config, &ENTROPY, 0).expect("a client");
    let server = guest.server(&config, 0).expect("a server");
    guest
        .connect(&client, &request(), 0)
        .expect("a good request");
    let head = guest
        .exchange(&client, b"", &[], b"", 1, CAPACITY)
        .expect("a result")
        .output
        .to_vec();
    let result = guest
        .exchange(&server, &head, &[], b"", 1, CAPACITY)
        .expect("a result");
    assert_eq!(kinds(&result), [EventKind::Request]);
    let negotiated = guest
        .accept(&server, &acceptance(), 0)
        .expect("a good answer");
    assert_eq!(negotiated.subprotocol.as_deref(), Some("two"));
    let head = guest
        .exchange(&server, b"", &[], b"", 2, CAPACITY)
        .expect("a result")
        .output
        .to_vec();
    let result = guest
        .exchange(&client, &head, &[], b"", 2, CAPACITY)
        .expect("a result");
    assert_eq!(
        (kinds(&result), result.state),
        (vec![EventKind::Opened], State::Open)
    );
    (client, server)
}

fn kinds(result: &Exchanged<'_>) -> Vec<EventKind> {
    result.events.iter().map(|event| event.kind).collect()
}

/// Passes all output of `from` to `to`, 64 KiB at a time. Returns the events of `to`.
fn carry(guest: &mut Guest, from: &Session, to: &Session) -> Vec<(EventKind, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        let result = guest
            .exchange(from, b"", &[], b"", 3, CAPACITY)
            .expect("a result");
        let (output, more) = (result.output.to_vec(), result.more);
        let mut rest = &output[..];
        loop {
            let result = guest
                .exchange(to, rest, &[], b"", 3, CAPACITY)
                .expect("a result");
            let bytes = |event: &Event| (event.kind, result.bytes(event).to_vec());
            received.extend(result.events.iter().map(bytes));
            rest = &rest[result.consumed..];
            if rest.is_empty() {
                break;
            }
        }
        if !more {
            return received;
        }
    }
}

#[test]
fn messages_of_all_sizes_arrive_as_they_were_sent() {
    let mut guest = sandbox().guest().expect("a guest");
    let (client, server) = open(&mut guest);
    for (from, to) in [(&client, &server), (&server, &client)] {
        for size in [0, 1, 125, 126, 65_535, 65_536, 100_000, 16 << 20] {
            let payload: Vec<u8> = (0..size).map(|at: usize| (at * 31 % 251) as u8).collect();
            let record = record(OutgoingKind::Binary(Compression::Automatic), 0, size);
            let result = guest
                .exchange(from, b"", &[record], &payload, 3, 1)
                .expect("a result");
            assert_eq!((result.accepted, &result.refused), (1, &None));
            let first = result.output.to_vec();
            let result = guest
                .exchange(to, &first, &[], b"", 3, CAPACITY)
                .expect("a result");
            assert!(result.events.is_empty());
            let received = carry(&mut guest, from, to);
            assert!(received == [(EventKind::Binary, payload)], "{size} bytes");
        }
    }
    assert!(guest.memory() <= 192 << 20, "{} bytes", guest.memory());
}

#[test]
fn a_relay_takes_sessions_of_its_own_guest_only() {
    let mut guest = sandbox().guest().expect("a guest");
    let (client, server) = open(&mut guest);
    let mut other = sandbox().guest().expect("a guest");
    let (stranger, _) = open(&mut other);
    for (source, target) in [(&client, &stranger), (&stranger, &server)] {
        let relayed = guest.relay(source, target, b"", 3, CAPACITY);
        assert!(
            matches!(relayed, Err(SandboxError::ForeignSession)),
            "{relayed:?}"
        );
    }
    assert!(guest.relay(&client, &server, b"", 3, CAPACITY).is_ok());
}

#[test]
fn several_messages_go_in_one_call_and_come_in_one() {
    let mut guest = sandbox().guest().expect("a guest");
    let (client, server) = open(&mut guest);
    let records = [
        record(OutgoingKind::Text(Compression::Automatic), 0, 5),
        record(OutgoingKind::Binary(Compression::Automatic), 5, 3),
        record(OutgoingKind::TextFragment(Compression::Automatic), 8, 1),
        record(OutgoingKind::Text(Compression::Automatic), 9, 1),
    ];
    let result = guest
        .exchange(&client, b"", &records, b"helloabcxy", 3, CAPACITY)
        .expect("a result");
    assert_eq!((result.accepted, result.more), (4, false));
    let output = result.output.to_vec();
    let result = guest
        .exchange(&server, &output, &[], b"", 3, CAPACITY)
        .expect("a result");
    let bytes: Vec<_> = result
        .events
        .iter()
        .map(|event| (event.kind, result.bytes(event)))
        .collect();
    assert_eq!(
        bytes,
        [
            (EventKind::Text, &b"hello"[..]),
            (EventKind::Binary, b"abc"),
            (EventKind::Text, b"xy")
        ]
    );
}

#[test]
fn a_refused_record_is_named_and_those_before_it_are_sent() {
    let mut guest = sandbox().guest().expect("a guest");
    let (client, _) = open(&mut guest);
    let records = [
        record(OutgoingKind::Text(Compression::Automatic), 0, 5),
        record(OutgoingKind::Text(Compression::Automatic), 3, 3),
    ];
    let result = guest
        .exchange(&client, b"", &records, b"hello", 3, CAPACITY)
        .expect("a result");
    let rule = result.refused.as_ref().and_then(|failure| failure.rule());
    assert_eq!((result.accepted, rule), (1, Some(Rule::PayloadOutOfBounds)));
    assert!(!result.output.is_empty());
}

#[test]
fn a_rule_that_is_broken_ends_the_session_and_not_the_guest() {
    let mut guest = sandbox().guest().expect("a guest");
    let (_, server) = open(&mut guest);
    let unmasked = b"\x81\x02hi";
    let result = guest
        .exchange(&server, unmasked, &[], b"", 3, CAPACITY)
        .expect("a result");
    let failure = result.failure.as_ref().expect("a failure");
    assert_eq!(
        (failure.rule(), failure.close_code),
        (Some(Rule::FrameNotMasked), Some(1002))
    );
    assert_eq!(result.output[..1], [0x88]);
    assert!(guest.fault().is_none());
    assert_eq!(
        guest
            .failure(&server)
            .expect("asked")
            .and_then(|failure| failure.rule()),
        Some(Rule::FrameNotMasked)
    );
    guest.drop_session(server).expect("dropped");
    open(&mut guest);
}

#[test]
fn a_failure_of_the_hosts_is_no_end() {
    let mut guest = sandbox().guest().expect("a guest");
    let config = Config::default();
    let Err(CallError::Failure(failure)) = guest.client(&config, b"too short", 0) else {
        panic!("that is no entropy");
    };
    assert_eq!(failure.rule(), Some(Rule::EntropyTooShort));
    let mut bad = config;
    bad.send_buffer = 1;
    let Err(CallError::Failure(failure)) = guest.server(&bad, 0) else {
        panic!("that is out of range");
    };
    assert_eq!(failure.rule(), Some(Rule::ConfigOutOfRange));
    assert_eq!(failure.section, "set-send-buffer");
    assert_eq!((failure.limit, failure.value), (Some(16), Some(1)));
    guest.server(&config, 0).expect("a server");
}

#[test]
fn a_session_is_no_other_guests() {
    let mut guest = sandbox().guest().expect("a guest");
    let mut other = sandbox().guest().expect("a guest");
    let config = Config::default();
    let session = guest.server(&config, 0).expect("a server");
    let same = other.server(&config, 0).expect("a server");
    assert_eq!(other.state(&session), Err(SandboxError::ForeignSession));
    let result = other.exchange(&session, b"", &[], b"", 1, 1);
    assert_eq!(result.map(|_| ()), Err(SandboxError::ForeignSession));
    assert_eq!(other.state(&same), Ok(State::Connecting));
    assert_eq!(guest.state(&session), Ok(State::Connecting));
}

#[test]
fn a_payload_that_the_caller_writes_costs_the_guest_no_memory() {
    let mut guest = sandbox().guest().expect("a guest");
    let mut other = sandbox().guest().expect("a guest");
    let sides = [open(&mut guest), open(&mut other)];
    let before = guest.memory();
    let payload = vec![b'x'; 1 << 20];
    for is_text in [true, false] {
        // Another guest has the receiver.
        let (from, to) = match is_text {
            true => (&sides[0].0, &sides[1].1),
            false => (&sides[0].1, &sides[1].0),
        };
        let header = guest.frame_header(from, is_text, true, payload.len() as u64);
        let header = header.expect("it is open").expect("nothing waits");
        let mut frame = [header.as_bytes(), &payload].concat();
        header.mask(&mut frame[header.as_bytes().len()..], 0);
        assert_eq!(guest.memory(), before);
        let result = other.exchange(to, &frame, &[], b"", 3, 2 << 20);
        let result = result.expect("a result");
        assert_eq!(result.consumed, frame.len());
        let [event] = &result.events[..] else {
            panic!("{:?}", result.events);
        };
        assert_eq!(event.kind == EventKind::Text, is_text);
        assert!(result.bytes(event) == payload);
    }
}

#[test]
fn a_header_is_given_only_if_nothing_else_has_to_be_written_first() {
    let mut guest = sandbox().guest().expect("a guest");
    let (client, server) = open(&mut guest);
    let ping = record(OutgoingKind::Ping, 0, 2);
    // One byte of it is handed out.
    guest
        .exchange(&server, b"", &[ping], b"hi", 3, 1)
        .expect("a result");
    let header = guest
        .frame_header(&server, false, true, 5)
        .expect("it is open");
    assert_eq!(header.map(|header| header.as_bytes().to_vec()), None);
    guest
        .exchange(&server, b"", &[], b"", 3, CAPACITY)
        .expect("a result");
    let header = guest
        .frame_header(&server, true, true, 5)
        .expect("it is open");
    assert_eq!(header.expect("nothing waits").as_bytes(), [0x81, 5]);
    // In the middle of a binary message no text can begin.
    let fragment = record(OutgoingKind::BinaryFragment(Compression::Automatic), 0, 1);
    guest
        .exchange(&client, b"", &[fragment], b"x", 3, CAPACITY)
        .expect("a result");
    match guest.frame_header(&client, true, true, 5) {
        Err(CallError::Failure(failure)) => {
            assert_eq!(failure.rule(), Some(Rule::FragmentMismatch));
        }
        other => panic!("{other:?}"),
    }
    let header = guest
        .frame_header(&client, false, true, 5)
        .expect("it is open");
    let header = header.expect("nothing waits");
    assert_eq!(header.as_bytes()[..2], [0x80, 0x85]);
}
