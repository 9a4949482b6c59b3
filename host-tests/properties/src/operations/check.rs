//! Checks that what was sent has arrived.

use host_tests::Event;
use host_tests::engine::joined;
use websocket_component::{PongPolicy, Rule};

use super::side::Side;
use crate::said::{PING_MARK, PONG_MARK};

/// Checks a side once both have ended.
pub(super) fn all(side: &mut Side, other: &mut Side) {
    failure_has_a_reason(side, other);
    messages_have_arrived(side, other);
    close_has_a_reason(side, other);
    sends_are_told(side);
}

/// The side has heard the other's messages: all of them if nothing went wrong, else the first of them.
fn messages_have_arrived(side: &mut Side, other: &mut Side) {
    let data: Vec<Event> = side
        .heard
        .iter()
        .filter(|event| matches!(event, Event::Text { .. } | Event::Binary { .. }))
        .cloned()
        .collect();
    let heard = joined(&data);
    let mut whole = 0;
    for (index, event) in heard.iter().enumerate() {
        let (text, bytes, last) = match event {
            Event::Text { payload, last } => (true, payload, *last),
            Event::Binary { payload, last } => (false, payload, *last),
            _ => continue,
        };
        if last {
            assert_eq!(
                Some(event),
                other.told.messages.get(index),
                "message {index}"
            );
            whole += 1;
            continue;
        }
        assert_eq!(
            index + 1,
            heard.len(),
            "a message without an end, and another"
        );
        let (of_text, sent) = match other.told.messages.get(index) {
            Some(Event::Text { payload, .. }) => (true, payload),
            Some(Event::Binary { payload, .. }) => (false, payload),
            _ => {
                let (text, bytes) = other.told.begun.as_ref().expect("it was begun");
                (*text, bytes)
            }
        };
        assert!(
            text == of_text && sent.starts_with(bytes),
            "a piece of message {index}"
        );
    }
    if side.failure().is_none() && other.failure().is_none() {
        let (told, limits) = (&other.told, &side.config.limits);
        assert_eq!(whole, told.messages.len(), "messages that were lost");
        assert!(
            other.compresses || told.longest_frame <= limits.frame,
            "a frame over the limit"
        );
        assert!(
            told.longest_message <= limits.message,
            "a message over the limit"
        );
        assert!(
            told.most_fragments <= limits.fragments,
            "fragments over the limit"
        );
    }
}

/// The side has heard every ping and pong of the other's host, and an answer to each of its own pings.
pub(super) fn controls_have_arrived(side: &Side, other: &Side) {
    let marked = |mark: u8, pong: bool| -> Vec<&[u8]> {
        side.heard
            .iter()
            .filter_map(|event| match event {
                Event::Ping(payload) if !pong => Some(&payload[..]),
                Event::Pong(payload, _) if pong => Some(&payload[..]),
                _ => None,
            })
            .filter(|payload| payload.first() == Some(&mark))
            .collect()
    };
    assert_eq!(marked(PING_MARK, false), other.told.pings, "pings");
    assert_eq!(marked(PONG_MARK, true), other.told.pongs, "pongs");
    if other.config.pongs == PongPolicy::Each {
        assert_eq!(marked(PING_MARK, true), side.told.pings, "answers");
    }
}

/// A close that was heard is the other's host's, the answer to one's own, or that of a failure.
fn close_has_a_reason(side: &mut Side, other: &mut Side) {
    let closes: Vec<(u16, Vec<u8>)> = side
        .heard
        .iter()
        .filter_map(|event| match event {
            Event::Close(code, reason) => Some((*code, reason.clone())),
            _ => None,
        })
        .collect();
    let Some((code, reason)) = closes.first() else {
        return;
    };
    assert_eq!(closes.len(), 1, "two closes");
    let told = other
        .told
        .close
        .as_ref()
        .is_some_and(|close| *close == closes[0]);
    let echoed = side.told.close.as_ref().is_some_and(|(own, _)| own == code);
    let failed = other.failure().is_some_and(|rule| {
        rule.close_code() == Some(*code) && rule.description().as_bytes() == reason
    });
    // A failure is answered with its code, too.
    let echoed_failure = side.failure().and_then(Rule::close_code) == Some(*code);
    let is_echo = reason.is_empty() && (echoed || echoed_failure);
    assert!(
        told || is_echo || failed,
        "a close with {code} for no reason"
    );
}

/// Only what the other side has done, a limit, or time ends a session.
fn failure_has_a_reason(side: &mut Side, other: &mut Side) {
    let Some(rule) = side.failure() else {
        return;
    };
    let limits = &side.config.limits;
    let has_reason = match rule {
        Rule::FrameTooBig => longest_on_the_wire(other) > limits.frame,
        Rule::MessageTooBig => other.told.longest_message > limits.message,
        Rule::TooManyFragments => other.told.most_fragments > limits.fragments,
        Rule::InvalidUtf8 => side.config.verify_utf8 && !other.config.verify_utf8,
        Rule::PingFlood => limits.queued_pongs < 65_536 || !other.told.pings.is_empty(),
        Rule::HandshakeRefused => other.failure() == Some(Rule::HandshakeTimeout),
        Rule::HandshakeTimeout
        | Rule::IdleTimeout
        | Rule::MessageTimeout
        | Rule::PongTimeout
        | Rule::CloseTimeout
        | Rule::WriteTimeout => side.waited,
        Rule::Aborted => side.was_aborted,
        Rule::ConnectionLost => side.was_cut,
        _ => false,
    };
    assert!(has_reason, "{:?} failed with {rule:?}", side.role);
}

/// What doesn't compress grows by the headers of its blocks.
fn longest_on_the_wire(side: &Side) -> u64 {
    let longest = side.told.longest_frame;
    match side.compresses {
        true => longest + longest / 16 + 64,
        false => longest,
    }
}

/// Every send that was taken is done once; if nothing went wrong, it was written.
fn sends_are_told(side: &mut Side) {
    side.sends.all_told();
    let mut done = side.sends.told.clone();
    let failed = side.failure().is_some();
    if !failed {
        assert!(done.iter().all(|(_, whole)| *whole), "a send was cancelled");
    }
    done.sort_unstable();
    let contexts: Vec<u64> = done.iter().map(|(context, _)| *context).collect();
    assert_eq!(contexts, side.told.contexts, "sends that are done");
}
