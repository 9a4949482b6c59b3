//! Messages before a broken rule are answered: the close frame to the side that broke it waits for that, up to a
//! deadline.

use std::time::Duration;

use host_tests::inspected::{Inspects, Proxy};
use host_tests::wire::Frame;
use host_tests::{ROLES, on_both_inspectors};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{End, Options};
use websocket_component::{Role, Rule, State};

use crate::closing::CLOSE_TIME;
use crate::{by, frames_that_reach, gone};

const ANSWER_TIME: Duration = Duration::from_secs(1);

/// An inspector that waits for answers, of which a side has sent a message and then broken a rule.
fn broken_behind_a_message<I: Inspects>(from: Role) -> Proxy<I> {
    let mut options = Options::default();
    options.timeouts.answer = Some(ANSWER_TIME);
    let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
    let frames = [Frame::text("ask"), Frame::new(0x3, "")];
    proxy.send(from, &by(from, &frames));
    assert_eq!(proxy.broken(), Some((from, Rule::ReservedOpcode)));
    let reached = frames_that_reach(&mut proxy, from.peer());
    assert_eq!(reached, [Frame::text("ask"), gone(from)]);
    assert_eq!(proxy.inspector.state(), State::Closing);
    assert_eq!(proxy.reached(from), b"");
    proxy
}

fn close_of(rule: Rule) -> Frame {
    Frame::close(1002, rule.description())
}

fn what_came_before_a_broken_rule_can_be_answered<I: Inspects>() {
    for from in ROLES {
        let mut proxy = broken_behind_a_message::<I>(from);
        let to = from.peer();
        // Its further input is not parsed.
        proxy.send(from, &by(from, &[Frame::text("and this?")]));
        proxy.send(to, &by(to, &[Frame::text("answer"), Frame::pong("")]));
        let reached = frames_that_reach(&mut proxy, from);
        assert_eq!(reached, [Frame::text("answer"), Frame::pong("")]);
        assert_eq!(proxy.inspector.close_sent(from), None);
        // It gets the close frame for its rule instead of the other side's, whatever follows that.
        let close = Frame::close(1001, "");
        proxy.send(to, &by(to, &[Frame::text("more"), close, Frame::ping("")]));
        let reached = frames_that_reach(&mut proxy, from);
        let expected = [Frame::text("more"), close_of(Rule::ReservedOpcode)];
        assert_eq!(reached, expected);
        assert_eq!(proxy.reached(to), b"");
        assert_eq!(proxy.inspector.close_sent(from), Some(1002));
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
        assert_eq!(proxy.broken(), Some((from, Rule::ReservedOpcode)));
    }
}

fn a_close_frame_waits_no_longer_for_answers_than_it_may<I: Inspects>() {
    for from in ROLES {
        let mut proxy = broken_behind_a_message::<I>(from);
        let due = proxy.now.after(ANSWER_TIME);
        assert_eq!(proxy.inspector.next_deadline(), Some(due));
        let long = by(from.peer(), &[Frame::binary([7; 1000])]);
        proxy.send(from.peer(), &long[..500]);
        proxy.wait(ANSWER_TIME);
        // It is never inserted inside a frame.
        assert_eq!(proxy.inspector.end(from.peer()), End::None);
        proxy.send(from.peer(), &long[500..]);
        let reached = frames_that_reach(&mut proxy, from);
        let expected = [Frame::binary([7; 1000]), close_of(Rule::ReservedOpcode)];
        assert_eq!(reached, expected);
        assert_eq!(proxy.inspector.end(from.peer()), End::Shutdown);
    }
}

fn a_side_that_is_gone_or_broken_too_answers_nothing_more<I: Inspects>() {
    for from in ROLES {
        for is_lost in [true, false] {
            let mut proxy = broken_behind_a_message::<I>(from);
            match is_lost {
                true => proxy.end_of_input(from.peer()),
                false => proxy.send(from.peer(), &by(from.peer(), &[Frame::new(0x4, "")])),
            }
            let reached = frames_that_reach(&mut proxy, from);
            assert_eq!(reached, [close_of(Rule::ReservedOpcode)], "{is_lost}");
            assert_eq!(proxy.inspector.end(from.peer()), End::Shutdown);
        }
    }
}

fn a_time_to_close_that_is_over_ends_the_wait_for_answers<I: Inspects>() {
    let mut options = Options::default();
    options.timeouts.answer = Some(2 * CLOSE_TIME);
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
        proxy.send(from, &by(from, &[Frame::new(0x3, "")]));
        proxy.wait(CLOSE_TIME);
        let reached = frames_that_reach(&mut proxy, from);
        assert_eq!(reached, [close_of(Rule::ReservedOpcode)]);
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    }
}

/// Nothing could be an answer any more.
fn behind_the_other_sides_close_frame_a_broken_rule_is_told_at_once<I: Inspects>() {
    let mut options = Options::default();
    options.timeouts.answer = Some(ANSWER_TIME);
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
        proxy.send(from.peer(), &by(from.peer(), &[Frame::close(1000, "")]));
        proxy.send(from, &by(from, &[Frame::new(0x3, "")]));
        assert_eq!(
            frames_that_reach(&mut proxy, from),
            [Frame::close(1000, "")]
        );
        assert_eq!(proxy.inspector.end(from.peer()), End::Shutdown);
    }
}

on_both_inspectors!(
    what_came_before_a_broken_rule_can_be_answered,
    a_close_frame_waits_no_longer_for_answers_than_it_may,
    a_side_that_is_gone_or_broken_too_answers_nothing_more,
    a_time_to_close_that_is_over_ends_the_wait_for_answers,
    behind_the_other_sides_close_frame_a_broken_rule_is_told_at_once,
);
