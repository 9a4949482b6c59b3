//! Close frames, ends of streams, and what each side receives.

use std::time::Duration;

use host_tests::ROLES;
use host_tests::inspected::{Inspects, Proxy, Saw};
use host_tests::on_both_inspectors;
use host_tests::wire::Frame;
use websocket_component::Role::{Client, Server};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{End, Options, OtherCode};
use websocket_component::{Rule, State};

use crate::{by, frames_that_reach, gone};

fn open<I: Inspects>() -> Proxy<I> {
    Proxy::<I>::open(Options::default(), &Negotiated::default())
}

pub(crate) const CLOSE_TIME: Duration = Duration::from_secs(10);

fn a_closing_handshake_passes_and_the_server_ends_its_transport_first<I: Inspects>() {
    for first in ROLES {
        let mut proxy = open::<I>();
        let last = first.peer();
        proxy.send(first, &by(first, &[Frame::close(1000, "bye")]));
        assert_eq!(proxy.inspector.state(), State::Closing);
        assert_eq!(
            frames_that_reach(&mut proxy, last),
            [Frame::close(1000, "bye")]
        );
        proxy.send(last, &by(last, &[Frame::close(1000, "")]));
        assert_eq!(
            frames_that_reach(&mut proxy, first),
            [Frame::close(1000, "")]
        );
        let close = |code, reason: &str| Saw::Close(code, reason.into());
        assert_eq!(
            proxy.saw,
            [(first, close(1000, "bye")), (last, close(1000, ""))]
        );
        // Towards the client the proxy is the server, which ends first (RFC 6455, section 7.1.1).
        assert_eq!(proxy.ends(), (End::Shutdown, End::None));
        proxy.end_of_input(Server);
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
        assert_eq!(proxy.inspector.state(), State::Draining);
        proxy.end_of_input(Client);
        assert_eq!(proxy.inspector.state(), State::Closed);
        assert_eq!(proxy.broken(), None);
        assert_eq!(
            ROLES.map(|side| proxy.inspector.close_code(side)),
            [Some(1000); 2]
        );
        assert_eq!(proxy.inspector.next_deadline(), None);
    }
}

fn an_upstream_that_doesnt_end_its_transport_is_waited_for_up_to_a_deadline<I: Inspects>() {
    let mut proxy = open::<I>();
    proxy.send(Client, &by(Client, &[Frame::close(1000, "")]));
    proxy.send(Server, &by(Server, &[Frame::close(1000, "")]));
    assert_eq!(proxy.inspector.end(Client), End::None);
    proxy.wait(CLOSE_TIME);
    assert_eq!(proxy.inspector.end(Client), End::Shutdown);
    proxy.wait(CLOSE_TIME);
    assert_eq!(proxy.inspector.state(), State::Closed);
    assert_eq!(proxy.broken(), None);
}

fn a_close_that_is_not_answered_is_cut_off<I: Inspects>() {
    for first in ROLES {
        let mut proxy = open::<I>();
        proxy.send(first, &by(first, &[Frame::close(1000, "")]));
        proxy.wait(CLOSE_TIME);
        assert_eq!(proxy.broken(), Some((first.peer(), Rule::CloseTimeout)));
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
        // Its own code is the answer.
        let reached = frames_that_reach(&mut proxy, first);
        assert_eq!(reached, [Frame::close(1000, "")]);
        let told = ROLES.map(|side| proxy.inspector.close_sent(side));
        assert_eq!(told, [Some(1000); 2]);
        proxy.wait(CLOSE_TIME);
        assert_eq!(proxy.inspector.state(), State::Closed);
    }
}

fn who_waits_for_an_answer_gets_its_own_code_whatever_happens_to_the_other_side<I: Inspects>() {
    type Happens<I> = fn(&mut Proxy<I>, websocket_component::Role);
    let lost: Happens<I> = |proxy, side| proxy.end_of_input(side);
    let broken: Happens<I> = |proxy, side| proxy.send(side, &by(side, &[Frame::new(0x3, "")]));
    for first in ROLES {
        let without_code = Frame::new(0x8, "");
        for (close, code) in [(Frame::close(4001, "bye"), 4001), (without_code, 1005)] {
            for happens in [lost, broken] {
                let mut proxy = open::<I>();
                proxy.send(first, &by(first, std::slice::from_ref(&close)));
                happens(&mut proxy, first.peer());
                let reached = frames_that_reach(&mut proxy, first);
                let answer = match code {
                    1005 => Frame::new(0x8, ""),
                    code => Frame::close(code, ""),
                };
                assert_eq!(reached, [answer]);
                assert_eq!(proxy.inspector.close_sent(first), Some(code));
            }
        }
    }
}

fn the_codes_that_each_side_gets_are_told<I: Inspects>() {
    for (from, told) in [(Client, 1001), (Server, 1014)] {
        let mut proxy = open::<I>();
        assert_eq!(proxy.inspector.close_sent(from), None);
        proxy.send(from, &by(from, &[Frame::new(0x3, "")]));
        assert_eq!(proxy.inspector.close_sent(from), Some(1002));
        assert_eq!(proxy.inspector.close_sent(from.peer()), Some(told));
        let received = ROLES.map(|side| proxy.inspector.close_code(side));
        assert_eq!(received, [None; 2]);
    }
}

fn a_close_frame_that_was_to_follow_a_frame_that_never_ends_was_not_sent<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        let long = by(from, &[Frame::binary([7; 1000])]);
        proxy.send(from, &long[..500]);
        let now = proxy.now;
        proxy.inspector.close(1001, "", now).expect("it is open");
        proxy.forward();
        proxy.wait(CLOSE_TIME);
        assert_eq!(proxy.inspector.end(from), End::Reset);
        assert_eq!(proxy.inspector.close_sent(from.peer()), None);
        assert_eq!(proxy.inspector.close_sent(from), Some(1001));
    }
}

/// A host whose sandbox has failed inserts its own close frame there.
fn a_boundary_is_where_a_frame_could_follow<I: Inspects>() {
    let mut options = Options::default();
    options.client.hold_frame = 4;
    options.server.hold_frame = 4;
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
        assert!(proxy.inspector.is_at_boundary(from));
        let binary = by(from, &[Frame::binary([7; 100])]);
        // Its payload may be forwarded as a whole, and a frame could follow at its end.
        proxy.send(from, &binary[..50]);
        assert_eq!(proxy.inspector.forward_to(from), binary.len() as u64);
        assert!(proxy.inspector.is_at_boundary(from));
        proxy.send(from, &binary[50..]);
        // Text is forwarded as it is verified.
        let text = by(from, &[Frame::text("verified")]);
        let (begin, end) = text.split_at(text.len() - 1);
        proxy.send(from, begin);
        assert!(proxy.inspector.forward_to(from) > binary.len() as u64);
        assert!(!proxy.inspector.is_at_boundary(from));
        proxy.send(from, end);
        assert!(proxy.inspector.is_at_boundary(from));
        proxy.send(from, &by(from, &[Frame::close(1000, "")]));
        assert!(!proxy.inspector.is_at_boundary(from));
        assert!(proxy.inspector.is_at_boundary(from.peer()));
    }
}

fn what_follows_a_close_frame_does_not_go_on<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        let close = Frame::close(1000, "");
        let frames = [close.clone(), Frame::text("too late"), Frame::new(0xb, "")];
        proxy.send(from, &by(from, &frames));
        assert_eq!(frames_that_reach(&mut proxy, from.peer()), [close]);
        assert_eq!(proxy.broken(), None);
    }
}

fn who_breaks_a_rule_gets_its_code_and_the_other_side_the_gateways<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        proxy.send(from, &by(from, &[Frame::new(0x3, "")]));
        assert_eq!(proxy.broken(), Some((from, Rule::ReservedOpcode)));
        let reason = Rule::ReservedOpcode.description();
        assert_eq!(
            frames_that_reach(&mut proxy, from),
            [Frame::close(1002, reason)]
        );
        assert_eq!(frames_that_reach(&mut proxy, from.peer()), [gone(from)]);
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
        assert_eq!(proxy.inspector.state(), State::Draining);
        // Further input is read and ignored.
        proxy.send(Client, b"whatever");
        proxy.send(Server, b"whatever");
        proxy.wait(CLOSE_TIME);
        assert_eq!(proxy.inspector.state(), State::Closed);
    }
}

fn both_sides_may_get_the_rules_code<I: Inspects>() {
    let mut options = Options::default();
    options.other_code = OtherCode::Same;
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
        proxy.send(from, &by(from, &[Frame::text(b"\xff")]));
        assert_eq!(
            frames_that_reach(&mut proxy, from.peer()),
            [Frame::close(1007, "")]
        );
    }
}

fn who_breaks_a_rule_is_told_at_the_end_of_the_frame_that_is_on_its_way_to_it<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        let message = by(from.peer(), &[Frame::binary([7; 1000])]);
        proxy.send(from.peer(), &message[..500]);
        proxy.send(from, &by(from, &[Frame::new(0x3, "")]));
        assert_eq!(proxy.inspector.end(from.peer()), End::None);
        proxy.send(from.peer(), &message[500..]);
        let reached = frames_that_reach(&mut proxy, from);
        assert_eq!(reached.len(), 2);
        assert_eq!(reached[0], Frame::binary([7; 1000]));
        assert_eq!(reached[1].first, 0x88);
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    }
}

fn if_that_end_doesnt_come_in_time_it_is_reset<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        let message = by(from.peer(), &[Frame::binary([7; 1000])]);
        proxy.send(from.peer(), &message[..500]);
        proxy.send(from, &by(from, &[Frame::new(0x3, "")]));
        proxy.wait(CLOSE_TIME);
        assert_eq!(proxy.inspector.end(from.peer()), End::Reset);
        assert_eq!(proxy.inspector.end(from), End::Shutdown);
    }
}

fn a_receiver_inside_a_frame_that_breaks_a_rule_is_reset<I: Inspects>() {
    let mut options = Options::default();
    for direction in [&mut options.client, &mut options.server] {
        direction.hold_frame = 100;
    }
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
        let mut text = vec![b'a'; 1000];
        text[800] = 0xff;
        proxy.send_in(from, &by(from, &[Frame::text(text)]), 100);
        assert_eq!(proxy.broken(), Some((from, Rule::InvalidUtf8)));
        assert_eq!(proxy.inspector.end(from), End::Reset);
        assert!(proxy.reached(from.peer()).len() < 808);
        assert_eq!(
            frames_that_reach(&mut proxy, from)[0].payload[..2],
            [3, 0xef]
        );
    }
}

fn a_stream_that_ends_without_a_close_frame_is_one_for_the_other_side<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        proxy.send(from, &by(from, &[Frame::text("last words")]));
        proxy.end_of_input(from);
        assert_eq!(proxy.broken(), Some((from, Rule::ConnectionLost)));
        let expected = [Frame::text("last words"), gone(from)];
        assert_eq!(frames_that_reach(&mut proxy, from.peer()), expected);
        assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    }
}

fn a_stream_that_ends_inside_a_frame_resets_the_other_side<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>();
        proxy.send(from, &by(from, &[Frame::binary([7; 1000])])[..500]);
        proxy.end_of_input(from);
        assert_eq!(proxy.inspector.end(from), End::Reset);
        assert_eq!(proxy.reached(from.peer()).len(), 500);
    }
}

fn the_host_closes_both_sides_at_their_boundaries_and_the_answers_are_swallowed<I: Inspects>() {
    let mut proxy = open::<I>();
    let message = by(Server, &[Frame::binary([7; 1000])]);
    proxy.send(Server, &message[..500]);
    let now = proxy.now;
    proxy.inspector.close(1012, "restart", now).expect("open");
    let again = proxy.inspector.close(1012, "restart", now);
    assert_eq!(again, Err(Rule::AlreadyClosing));
    proxy.forward();
    let close = Frame::close(1012, "restart");
    assert_eq!(
        frames_that_reach(&mut proxy, Server),
        std::slice::from_ref(&close)
    );
    proxy.send(Server, &message[500..]);
    let expected = [Frame::binary([7; 1000]), close.clone()];
    assert_eq!(frames_that_reach(&mut proxy, Client), expected);

    // What they send before they answer isn't forwarded, and neither are the answers.
    for side in [Server, Client] {
        assert_eq!(proxy.ends(), (End::None, End::None));
        proxy.send(side, &by(side, &[Frame::text("too late"), close.clone()]));
        assert_eq!(proxy.reached(side.peer()), b"");
    }
    assert_eq!(proxy.ends(), (End::Shutdown, End::None));
    proxy.end_of_input(Server);
    assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    assert_eq!(proxy.broken(), None);
}

fn a_close_that_the_host_sends_is_cut_off_if_nobody_answers<I: Inspects>() {
    let mut proxy = open::<I>();
    let now = proxy.now;
    proxy.inspector.close(1001, "", now).expect("open");
    proxy.wait(CLOSE_TIME);
    assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    proxy.wait(CLOSE_TIME);
    assert_eq!(proxy.inspector.state(), State::Closed);
}

fn class_07_odd_close_frames_never_reach_the_other_side<I: Inspects>() {
    for from in ROLES {
        for (frame, rule) in [
            (Frame::close(1005, ""), Rule::CloseCodeReserved),
            (Frame::new(8, [3]), Rule::ClosePayloadTooShort),
            (Frame::close(1000, b"\xff"), Rule::CloseReasonNotUtf8),
            (Frame::new(8, [0; 126]), Rule::ControlTooLong),
        ] {
            let mut proxy = open::<I>();
            proxy.send(from, &by(from, &[frame]));
            assert_eq!(proxy.broken(), Some((from, rule)));
            let reached = frames_that_reach(&mut proxy, from.peer());
            assert_eq!(reached, [gone(from)]);
        }
    }
}

on_both_inspectors!(
    a_close_frame_that_was_to_follow_a_frame_that_never_ends_was_not_sent,
    who_waits_for_an_answer_gets_its_own_code_whatever_happens_to_the_other_side,
    the_codes_that_each_side_gets_are_told,
    a_boundary_is_where_a_frame_could_follow,
    a_closing_handshake_passes_and_the_server_ends_its_transport_first,
    an_upstream_that_doesnt_end_its_transport_is_waited_for_up_to_a_deadline,
    a_close_that_is_not_answered_is_cut_off,
    what_follows_a_close_frame_does_not_go_on,
    who_breaks_a_rule_gets_its_code_and_the_other_side_the_gateways,
    both_sides_may_get_the_rules_code,
    who_breaks_a_rule_is_told_at_the_end_of_the_frame_that_is_on_its_way_to_it,
    if_that_end_doesnt_come_in_time_it_is_reset,
    a_receiver_inside_a_frame_that_breaks_a_rule_is_reset,
    a_stream_that_ends_without_a_close_frame_is_one_for_the_other_side,
    a_stream_that_ends_inside_a_frame_resets_the_other_side,
    the_host_closes_both_sides_at_their_boundaries_and_the_answers_are_swallowed,
    a_close_that_the_host_sends_is_cut_off_if_nobody_answers,
    class_07_odd_close_frames_never_reach_the_other_side,
);
