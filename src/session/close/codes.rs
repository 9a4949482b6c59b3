//! All 65,536 close codes, received and sent, by both roles.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::handshake::Negotiated;
use crate::{Config, Event, Instant, Message, Role, Rule, Session, State};

/// Whether an endpoint may set a code in a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum May {
    Set,
    NotSet,
}
use May::{NotSet, Set};

/// RFC 6455, section 7.4.1 (7.4.2 where there is no single code), and the registry
/// of section 11.7 as IANA keeps it, in the order of the codes.
const TABLE: [(RangeInclusive<u16>, May, &str); 21] = [
    (0..=999, NotSet, "7.4.2: not used"),
    (1000..=1000, Set, "normal closure"),
    (1001..=1001, Set, "going away"),
    (1002..=1002, Set, "protocol error"),
    (1003..=1003, Set, "unsupported data"),
    (1004..=1004, NotSet, "reserved, without a meaning"),
    (
        1005..=1005,
        NotSet,
        "no status; must not be set by an endpoint",
    ),
    (
        1006..=1006,
        NotSet,
        "abnormal; must not be set by an endpoint",
    ),
    (1007..=1007, Set, "invalid payload data"),
    (1008..=1008, Set, "policy violation"),
    (1009..=1009, Set, "message too big"),
    (1010..=1010, Set, "mandatory extension"),
    (1011..=1011, Set, "internal error"),
    (1012..=1012, Set, "IANA: service restart"),
    (1013..=1013, Set, "IANA: try again later"),
    (1014..=1014, Set, "IANA: bad gateway"),
    (1015..=1015, NotSet, "TLS; must not be set by an endpoint"),
    (1016..=2999, NotSet, "7.4.2: the protocol's, unassigned"),
    (3000..=3999, Set, "7.4.2: libraries and frameworks"),
    (4000..=4999, Set, "7.4.2: private use"),
    (5000..=u16::MAX, NotSet, "7.4.2 gives them to nobody"),
];

/// Each code with what the table says of it; under Miri the ends of each row.
fn codes() -> impl Iterator<Item = (u16, May)> {
    TABLE.into_iter().flat_map(|(codes, may, _)| {
        let span = codes.end() - codes.start();
        let step = if cfg!(miri) { span.max(1) } else { 1 };
        codes.step_by(step.into()).map(move |code| (code, may))
    })
}

const NOW: Instant = Instant::from_nanos(0);

fn open(role: Role) -> Session {
    let negotiated = Negotiated::default();
    match role {
        Role::Client => Session::open_client(Config::default(), &[7; 32], negotiated, NOW),
        Role::Server => Session::open_server(Config::default(), negotiated, NOW),
    }
    .unwrap()
}

/// A close frame as the other side of `role` sends it, with the mask key 0.
fn close_frame(role: Role, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u8;
    match role {
        Role::Client => [&[0x88, length], payload].concat(),
        Role::Server => [&[0x88, 0x80 | length, 0, 0, 0, 0], payload].concat(),
    }
}

/// The payload of the one close frame that a session of `role` has written.
fn written(role: Role, session: &mut Session) -> Vec<u8> {
    let output = session.take_output(usize::MAX, NOW);
    let (header, rest) = output.split_at(2);
    assert_eq!(header[0], 0x88);
    let (key, body) = match role {
        Role::Client => rest.split_at(4),
        Role::Server => (&[0; 4][..], rest),
    };
    assert_eq!(usize::from(header[1] & 0x7f), body.len());
    let unmasked = body.iter().zip(key.iter().cycle());
    unmasked.map(|(byte, key)| byte ^ key).collect()
}

#[test]
fn class_28_the_table_has_every_code_once() {
    let mut next = 0u32;
    for (codes, _, _) in TABLE {
        assert_eq!(u32::from(*codes.start()), next);
        next = u32::from(*codes.end()) + 1;
    }
    assert_eq!(next, 65_536);
}

/// With a reason and without: 65,536 codes, 2 roles.
#[test]
fn class_28_every_close_code_that_is_received() {
    for role in Role::BOTH {
        for (code, may) in codes() {
            for reason in ["", "why"] {
                let mut session = open(role);
                let payload = [&code.to_be_bytes()[..], reason.as_bytes()].concat();
                let mut frame = close_frame(role, &payload);
                let mut events = session.input(&mut frame, Instant::from_nanos(0));
                let event = events.next().map(|event| match event {
                    Event::Close { code, reason } => (code, reason.to_vec()),
                    other => panic!("{other:?}"),
                });
                assert!(events.next().is_none());
                match may {
                    Set => {
                        assert_eq!(event, Some((code, reason.into())), "{role:?}");
                        assert_eq!(session.failure(), None);
                        assert_eq!(written(role, &mut session), code.to_be_bytes());
                    }
                    NotSet => {
                        assert_eq!(event, None, "{code}, {role:?}");
                        let rule = session.failure().map(|failure| failure.rule);
                        assert_eq!(rule, Some(Rule::CloseCodeReserved));
                        assert_eq!(written(role, &mut session)[..2], 1002u16.to_be_bytes());
                    }
                }
                // A server closes first if all went well (RFC 6455, section 7.1.1).
                let state = match (role, may) {
                    (Role::Server, Set) => State::Closed,
                    _ => State::Draining,
                };
                assert_eq!(session.state(), state, "{code}, {role:?}");
            }
        }
    }
}

#[test]
fn class_28_every_close_code_that_is_sent() {
    for role in Role::BOTH {
        for (code, may) in codes() {
            for reason in ["", "why"] {
                let mut session = open(role);
                let sent = session.send(Message::CloseWith(code, reason.as_bytes()), None, NOW);
                match may {
                    Set => {
                        assert_eq!(sent, Ok(()), "{code}, {role:?}");
                        let payload = [&code.to_be_bytes()[..], reason.as_bytes()].concat();
                        assert_eq!(written(role, &mut session), payload);
                        assert_eq!(session.state(), State::Closing);
                    }
                    NotSet => {
                        assert_eq!(sent, Err(Rule::CloseCodeForbidden), "{code}, {role:?}");
                        assert_eq!(session.output(), b"");
                        assert_eq!(session.state(), State::Open);
                    }
                }
            }
        }
    }
}
