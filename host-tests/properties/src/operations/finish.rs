//! What time alone may end: a peer that is silent, and no other.

use std::time::Duration;

use websocket_component::{Instant, Message, State};

use super::link::Link;
use super::script::How;
use super::side::Side;
use crate::said::Said;

/// How long two hosts go on that do all they should.
const MINUTES: u64 = 3 * 60;
/// More deadlines than this, one after the other, are a loop.
const MAX_DEADLINES: usize = 1000;

/// Both hosts do all they should for minutes. No session that is open fails: its peer lives.
pub(super) fn live_on(link: &mut Link) {
    link.behave();
    link.settle();
    if [&link.client, &link.server]
        .iter()
        .any(|side| !is_at_work(side))
    {
        return;
    }
    for client in [true, false] {
        let now = link.now;
        end_message(link.side(client), now);
    }
    link.settle();
    // Text that stops inside a character can't be ended here, and runs out of time.
    let has_begun = |side: &Side| side.told.begun.is_some();
    if !link.are_open() || has_begun(&link.client) || has_begun(&link.server) {
        return;
    }
    for _ in 0..MINUTES {
        link.wait(Duration::from_secs(1));
        link.settle();
        for side in [&link.client, &link.server] {
            assert_eq!(side.failure(), None, "of {:?}, whose peer lives", side.role);
        }
    }
}

/// Whether the session is open, its pings keep it from being idle, and it may answer one.
fn is_at_work(side: &Side) -> bool {
    let (timeouts, limits) = (&side.config.timeouts, &side.config.limits);
    let is_pinged = timeouts.idle.is_none() || timeouts.keepalive.is_some();
    side.state() == State::Open && is_pinged && limits.queued_pongs > 125
}

/// The host ends the message that it has begun.
fn end_message(side: &mut Side, now: Instant) {
    let said = match side.told.begun {
        None => return,
        Some((true, _)) => Said::Utf8(b""),
        Some((false, _)) => Said::Binary(0),
    };
    let message = said.message(b"");
    side.say(message, said, How::Borrowed, now);
}

/// Nothing arrives any more. Both hosts do all they should, and call when it is due. A session with keepalive pings ends
/// in time, one that closes as well, and no call is due for ever.
pub(super) fn notice_silence(link: &mut Link) {
    link.behave();
    let now = link.now;
    for client in [true, false] {
        let side = link.side(client);
        if side.is_open() && side.told.count().is_multiple_of(3) {
            side.say(Message::Close, Said::Close, How::Borrowed, now);
        }
        notices_silence(side, now);
    }
}

fn notices_silence(side: &mut Side, start: Instant) {
    let mut now = start;
    // What has arrived before is input; nothing comes after it.
    side.read(now);
    side.run_dry(now);
    side.answer(now);
    side.drain(usize::MAX, now);
    side.run_dry(now);
    let spans = side.config.timeouts;
    let close = spans.close.unwrap_or_default();
    let bound = match side.state() {
        State::Connecting => spans.handshake,
        State::Open => (spans.keepalive.zip(spans.pong)).map(|(quiet, pong)| quiet + pong),
        _ if side.has_heard_close() => Some(Duration::ZERO),
        _ => spans.close,
    };
    // Each second from the start, whatever deadlines there are: some ways to drive a session have others.
    let mut speaks = start.after(Duration::from_secs(1));
    for _ in 0..MAX_DEADLINES {
        let deadline = side.session.ask().next_deadline();
        let Some(next) = deadline.filter(|at| at.since(start) < Duration::from_hours(1)) else {
            let is_noticed = has_noticed(side);
            assert!(bound.is_none() || is_noticed, "a dead peer is not noticed");
            return;
        };
        assert!(next > now, "time stands");
        now = match bound {
            // Output that a dead peer's transport takes is no sign of life.
            Some(_) => next.min(speaks),
            None => next,
        };
        let is_its_turn = bound.is_none() || now == speaks;
        if now == speaks {
            speaks = now.after(Duration::from_secs(1));
        }
        if is_its_turn && side.state() == State::Open && side.told.begun.is_none() {
            side.send(Said::Binary(200), How::Borrowed, now);
        }
        // Nor are bytes that are given again.
        side.read(now);
        side.tick(now);
        side.run_dry(now);
        side.drain(usize::MAX, now);
        side.run_dry(now);
        let is_noticed = has_noticed(side);
        let passed = now.since(start);
        assert!(
            is_noticed || bound.is_none_or(|bound| passed <= bound + close),
            "not noticed after {passed:?}"
        );
    }
    panic!("deadlines without end");
}

/// Whether nothing is expected of the peer any more but the end of its stream.
fn has_noticed(side: &Side) -> bool {
    side.failure().is_some() || matches!(side.state(), State::Draining | State::Closed)
}
