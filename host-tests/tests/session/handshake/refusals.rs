//! Responses that refuse, and their bodies: read up to a limit, and always a refusal, whatever the body is.

use host_tests::engine::START;
use host_tests::{Engine, Subject, heads, on_both_engines};
use websocket_component::handshake::ResponseHead;
use websocket_component::{Config, Role, Rule, State};

use super::{header, plain};

on_both_engines![
    a_refusal_is_shown_with_its_body,
    the_session_ends_with_the_last_byte_of_the_body,
    a_body_without_a_length_ends_with_the_connection,
    a_body_that_is_cut_is_shown_as_far_as_it_came,
    a_refusal_whose_body_takes_too_long_is_a_refusal,
    a_refusal_whose_body_is_longer_than_the_limit_ends_there,
    a_refusal_whose_body_is_malformed_ends_there,
    class_18_a_refusal_with_contradictory_lengths_has_no_body,
    a_refusal_that_can_have_no_body_ends_at_its_head,
    without_room_for_a_body_a_refusal_ends_at_its_head,
    class_18_frames_behind_a_refusal_are_not_heard,
    a_body_is_read_by_actions_too,
];

type Fields<'a> = &'a [(&'a str, &'a str)];

const LENGTH: (&str, &str) = ("Content-Length", "5");
const CHUNKED: (&str, &str) = ("Transfer-Encoding", "chunked");

fn asking<E: Engine>(change: impl FnOnce(&mut Config)) -> Subject<E> {
    let mut config = Config::default();
    change(&mut config);
    let mut subject = Subject::<E>::new(Role::Client, &config);
    subject.engine.connect(&plain(), subject.now).unwrap();
    subject.writes_text();
    subject
}

fn refusal(fields: Fields<'_>, body: &str) -> Vec<u8> {
    [heads::head("HTTP/1.1 401 Who?", fields), body.into()].concat()
}

/// Checks that the session was ended by the refusal, which is reported.
#[track_caller]
fn is_refused<E: Engine>(subject: &mut Subject<E>) -> ResponseHead {
    let failure = subject.engine.failure().expect("it has failed");
    assert_eq!(failure, Rule::HandshakeRefused.into());
    assert_eq!(subject.state(), State::Closed);
    assert_eq!(subject.writes_bytes(), b"");
    assert_eq!(subject.next_deadline(), None);
    subject.engine.response().expect("the refusal")
}

/// The same, with this much of its body.
#[track_caller]
fn is_refused_with<E: Engine>(subject: &mut Subject<E>, body: &str, complete: bool) {
    let shown = is_refused(subject);
    let shown_body = String::from_utf8(shown.body).unwrap();
    assert_eq!((&*shown_body, shown.body_complete), (body, complete));
}

fn a_refusal_is_shown_with_its_body<E: Engine>() {
    let chunks = "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n";
    for (field, body) in [(LENGTH, "hello"), (CHUNKED, chunks)] {
        let mut subject = asking::<E>(|_| ());
        let fields = [("WWW-Authenticate", "Basic"), field];
        assert_eq!(subject.receives(refusal(&fields, body)), []);
        let shown = is_refused(&mut subject);
        assert_eq!((shown.status, &*shown.reason), (401, &b"Who?"[..]));
        assert_eq!(
            shown.headers,
            fields.map(|(name, value)| header(name, value))
        );
        assert_eq!((&*shown.body, shown.body_complete), (&b"hello"[..], true));
    }
}

fn the_session_ends_with_the_last_byte_of_the_body<E: Engine>() {
    let mut subject = asking::<E>(|_| ());
    let response = refusal(&[LENGTH], "hello");
    let (last, others) = response.split_last().unwrap();
    for byte in others {
        assert_eq!(subject.receives([*byte]), []);
        assert_eq!(
            (subject.state(), subject.failed_by()),
            (State::Connecting, None)
        );
    }
    let so_far = subject.engine.response().expect("the head has come");
    assert_eq!((&*so_far.body, so_far.body_complete), (&b"hell"[..], false));
    subject.receives([*last]);
    is_refused_with(&mut subject, "hello", true);
}

fn a_body_without_a_length_ends_with_the_connection<E: Engine>() {
    for body in ["", "hello"] {
        let mut subject = asking::<E>(|_| ());
        subject.receives(refusal(&[], body));
        assert_eq!(subject.failed_by(), None);
        subject.engine.end_of_input(subject.now);
        is_refused_with(&mut subject, body, true);
    }
}

fn a_body_that_is_cut_is_shown_as_far_as_it_came<E: Engine>() {
    for (field, came, body) in [
        (LENGTH, "hell", "hell"),
        (CHUNKED, "5\r\nhell", "hell"),
        (CHUNKED, "5\r\nhello\r\n", "hello"),
    ] {
        let mut subject = asking::<E>(|_| ());
        subject.receives(refusal(&[field], came));
        subject.engine.end_of_input(subject.now);
        is_refused_with(&mut subject, body, false);
    }
}

fn a_refusal_whose_body_takes_too_long_is_a_refusal<E: Engine>() {
    for fields in [&[LENGTH][..], &[]] {
        let mut subject = asking::<E>(|_| ());
        subject.receives(refusal(fields, "hell"));
        let left = subject.next_deadline().expect("the handshake's");
        subject.waits(left);
        is_refused_with(&mut subject, "hell", false);
        // The end of the connection comes too late to complete it.
        subject.engine.end_of_input(subject.now);
        is_refused_with(&mut subject, "hell", false);
    }
}

fn a_refusal_whose_body_is_longer_than_the_limit_ends_there<E: Engine>() {
    for (fields, came, body) in [
        (&[LENGTH][..], "", ""),
        (&[CHUNKED], "2\r\nhe\r\n3\r\nllo", "hell"),
        (&[], "hello", "hell"),
    ] {
        let mut subject = asking::<E>(|config| config.limits.refusal_body = 4);
        subject.receives(refusal(fields, came));
        is_refused_with(&mut subject, body, false);
    }
    let body = "b".repeat(65_536);
    let mut subject = asking::<E>(|_| ());
    subject.receives(refusal(&[("Content-Length", "65536")], &body));
    is_refused_with(&mut subject, &body, true);
}

fn a_refusal_whose_body_is_malformed_ends_there<E: Engine>() {
    for bad in ["x", "2\n", "2\r\nhel", "2\r\nhe\r\n-1\r\n"] {
        let mut subject = asking::<E>(|_| ());
        subject.receives(refusal(&[CHUNKED], bad));
        assert!(!is_refused(&mut subject).body_complete, "{bad:?}");
    }
}

/// RFC 9112, section 6.3, rules 3 to 5.
fn class_18_a_refusal_with_contradictory_lengths_has_no_body<E: Engine>() {
    for fields in [
        &[LENGTH, CHUNKED][..],
        &[LENGTH, ("Content-Length", "6")],
        &[("Content-Length", "5, 6")],
        &[("Content-Length", "+5")],
        &[("Transfer-Encoding", "gzip, chunked")],
        &[("Transfer-Encoding", "identity")],
    ] {
        let mut subject = asking::<E>(|_| ());
        subject.receives(refusal(fields, "5\r\nhello"));
        is_refused_with(&mut subject, "", false);
    }
}

fn a_refusal_that_can_have_no_body_ends_at_its_head<E: Engine>() {
    for line in ["HTTP/1.1 204 x", "HTTP/1.1 304 x"] {
        let mut subject = asking::<E>(|_| ());
        subject.receives(heads::head(line, &[LENGTH]));
        is_refused_with(&mut subject, "", true);
    }
    let mut subject = asking::<E>(|_| ());
    subject.receives(refusal(&[("Content-Length", "0")], ""));
    is_refused_with(&mut subject, "", true);
}

fn without_room_for_a_body_a_refusal_ends_at_its_head<E: Engine>() {
    for fields in [&[LENGTH][..], &[CHUNKED], &[]] {
        let mut subject = asking::<E>(|config| config.limits.refusal_body = 0);
        subject.receives(refusal(fields, ""));
        is_refused_with(&mut subject, "", false);
    }
}

fn class_18_frames_behind_a_refusal_are_not_heard<E: Engine>() {
    let mut subject = asking::<E>(|_| ());
    let response = refusal(&[LENGTH], "hello");
    let next = heads::response_to(heads::KEY);
    assert_eq!(
        subject.receives([response, next, b"\x81\x00".into()].concat()),
        []
    );
    is_refused_with(&mut subject, "hello", true);
}

fn a_body_is_read_by_actions_too<E: Engine>() {
    let mut engine = E::client(&Config::default(), &host_tests::engine::ENTROPY, START).unwrap();
    engine.connect(&plain(), START).unwrap();
    let mut pump = host_tests::Pump::of(engine);
    pump.read_at_most = 3;
    pump.run(&refusal(&[CHUNKED], "5\r\nhello\r\n0\r\n\r\n"));
    let failure = pump.engine.failure().map(|failure| failure.rule);
    assert_eq!(failure, Some(Rule::HandshakeRefused));
    let shown = pump.engine.response().unwrap();
    assert_eq!((&*shown.body, shown.body_complete), (&b"hello"[..], true));
}
