//! The table itself, and each of its rows on sessions of both roles.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::handshake::{Negotiated, Refusal, Request};
use crate::{Config, Instant, Message};

pub(super) const STATES: [Life; 10] = [
    Life::Connecting,
    Life::Open,
    Life::CloseSent,
    Life::CloseReceived,
    Life::HalfClosed,
    Life::CloseExchanged,
    Life::Failing,
    Life::Ending,
    Life::Draining,
    Life::Closed,
];

/// The states that a session can get to from one, of either role.
fn reachable_from(start: Life) -> Vec<Life> {
    let mut reached = vec![start];
    loop {
        let from_there = |row: &&Row| row.from.iter().any(|life| reached.contains(life));
        let next = TABLE.iter().filter(from_there);
        let Some(row) = next.clone().find(|row| !reached.contains(&row.to)) else {
            return reached;
        };
        reached.push(row.to);
    }
}

#[test]
fn every_state_is_reached() {
    let reached = reachable_from(Life::Connecting);
    assert!(STATES.iter().all(|life| reached.contains(life)));
    assert_eq!(reached.len(), STATES.len());
}

#[test]
fn every_state_leads_to_the_closed_one_which_alone_is_final() {
    for life in STATES {
        assert!(reachable_from(life).contains(&Life::Closed), "{life:?}");
        let is_final = !TABLE.iter().any(|row| row.from.contains(&life));
        assert_eq!(is_final, life == Life::Closed, "{life:?}");
    }
}

#[test]
fn no_two_rows_are_about_the_same() {
    for (index, row) in TABLE.iter().enumerate() {
        for (role, life) in Role::BOTH
            .into_iter()
            .flat_map(|role| row.from.iter().map(move |life| (role, life)))
        {
            let is_of = |role_of: Option<Role>| role_of.is_none_or(|of| of == role);
            if is_of(row.role) {
                let found = find(*life, row.cause, role).expect("the row is found");
                assert!(core::ptr::eq(found, row), "row {index}: {life:?}, {role:?}");
            }
        }
    }
}

#[test]
fn every_row_has_a_section_of_an_rfc() {
    for row in TABLE {
        for section in row.section.split(", ") {
            let number = section
                .trim_start_matches("RFC ")
                .trim_start_matches(|c: char| c.is_ascii_digit());
            assert!(number.contains('.'), "{:?}", row.section);
        }
        assert!(row.section.starts_with("RFC "));
    }
}

/// What hosts see never goes back.
#[test]
fn states_follow_in_one_order() {
    for row in TABLE {
        for from in row.from {
            assert!(
                from.state() as u8 <= row.to.state() as u8,
                "{from:?} to {:?}",
                row.to
            );
        }
    }
}

const NOW: Instant = Instant::from_nanos(0);

/// A close frame that either role takes.
fn close_frame(role: Role) -> Vec<u8> {
    match role {
        Role::Client => vec![0x88, 0],
        Role::Server => vec![0x88, 0x80, 0, 0, 0, 0],
    }
}

fn hear(session: &mut Session, mut bytes: Vec<u8>) {
    let mut events = session.input(&mut bytes, NOW);
    while events.next().is_some() {}
}

/// A session of either role in the state. Where that is one in which the last bytes wait, they do.
fn session_in(life: Life, role: Role) -> Session {
    let mut config = Config::default();
    config.timeouts.handshake = None;
    config.expose_invalid_requests = true;
    config.reply_to_close = false;
    let mut session = match role {
        Role::Client => Session::client(config, &[7; 32], NOW),
        Role::Server => Session::server(config, NOW),
    }
    .unwrap();
    if life == Life::Connecting {
        match role {
            Role::Client => session
                .connect(&Request::new("example.org", "/"), NOW)
                .unwrap(),
            Role::Server => hear(&mut session, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        }
        return session;
    }
    let causes: &[Cause] = match life {
        Life::Connecting | Life::Open => &[],
        Life::CloseSent => &[Cause::CloseQueued],
        Life::CloseReceived => &[Cause::CloseReceived],
        Life::CloseExchanged => &[Cause::CloseReceived, Cause::CloseQueued],
        Life::HalfClosed => &[Cause::CloseReceived, Cause::EndOfInput],
        Life::Failing => &[Cause::RuleBroken],
        Life::Ending => &[Cause::RuleBroken, Cause::EndOfInput],
        Life::Draining => &[Cause::RuleBroken, Cause::OutputDrained],
        Life::Closed => &[Cause::EndOfInput],
    };
    session.open(Negotiated::default()).unwrap();
    for cause in causes {
        bring_about(*cause, &mut session);
    }
    assert_eq!(session.life, life);
    session
}

fn bring_about(cause: Cause, session: &mut Session) {
    let timeouts = session.config.timeouts;
    let passed = |timeout: Option<Duration>| NOW.after(timeout.unwrap());
    match cause {
        Cause::Opened => session.open(Negotiated::default()).unwrap(),
        Cause::Refused => session.refuse(&Refusal::new(403), NOW).unwrap(),
        Cause::CloseQueued => session.send(Message::Close, None, NOW).unwrap(),
        Cause::CloseReceived => hear(session, close_frame(session.role)),
        Cause::RuleBroken => hear(session, vec![0x83, 0]),
        Cause::OutputDrained => drop(session.take_output(usize::MAX, NOW)),
        Cause::HandshakeFailed | Cause::EndOfInput => session.end_of_input(NOW),
        Cause::CloseTimeout => {
            session.take_output(usize::MAX, NOW);
            session.handle_timeout(passed(timeouts.close));
        }
        Cause::WriteTimeout => {
            session.output_blocked(NOW);
            session.handle_timeout(passed(timeouts.write));
        }
        Cause::Aborted => session.abort(),
    }
}

#[test]
fn every_row_is_what_a_session_does() {
    for row in TABLE {
        for role in Role::BOTH {
            let is_other = row.role.is_some_and(|of| of != role);
            if is_other || (row.cause == Cause::Refused && role == Role::Client) {
                continue;
            }
            for from in row.from {
                let mut session = session_in(*from, role);
                bring_about(row.cause, &mut session);
                assert_eq!(
                    session.life, row.to,
                    "{role:?}: {:?} while {from:?}",
                    row.cause
                );
                assert_eq!(
                    session.outcome().is_some(),
                    matches!(row.to, Life::Draining | Life::Closed)
                );
            }
        }
    }
}

#[test]
fn who_is_draining_ends_well_whatever_ends_it() {
    for cause in [Cause::EndOfInput, Cause::CloseTimeout, Cause::Aborted] {
        let mut session = session_in(Life::CloseExchanged, Role::Client);
        session.take_output(usize::MAX, NOW);
        let outcome = session.outcome();
        bring_about(cause, &mut session);
        assert_eq!(session.failure(), None, "{cause:?}");
        assert_eq!((session.life, session.outcome()), (Life::Closed, outcome));
        assert_eq!(session.next_deadline(), None);
    }
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "Opened while Closed")]
fn a_cause_without_a_row_is_a_mistake_of_the_engine() {
    session_in(Life::Closed, Role::Server).transition(Cause::Opened);
}
