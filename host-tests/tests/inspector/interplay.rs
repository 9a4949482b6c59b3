//! Combinations: held messages, closes, insertions, silence, and streams that end.

use std::time::Duration;

use host_tests::deflate;
use host_tests::inspected::{Inspects, Proxy};
use host_tests::on_both_inspectors;
use host_tests::wire::{Frame, RSV1, bytes_of};
use websocket_component::Role::{Client, Server};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{End, Options, Payload};
use websocket_component::{Rule, State};

use crate::{by, frames_that_reach, gone, holding};

const SECOND: Duration = Duration::from_secs(1);

fn open<I: Inspects>(options: Options) -> Proxy<I> {
    Proxy::<I>::open(options, &Negotiated::default())
}

fn a_ping_between_fragments_of_a_message_that_is_left_out<I: Inspects>() {
    let mut proxy = open::<I>(holding(1000));
    proxy.send(Client, &by(Client, &[Frame::text("a").not_last()]));
    proxy.inspector.ping(Server, proxy.now).unwrap();
    proxy.forward();
    proxy.send(
        Client,
        &by(Client, &[Frame::continuation("b"), Frame::text("c")]),
    );
    proxy.inspector.decide(Client, false, proxy.now).unwrap();
    proxy.forward();
    proxy.inspector.decide(Client, true, proxy.now).unwrap();
    proxy.forward();
    let got = frames_that_reach(&mut proxy, Server);
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(got[0].first, 0x89);
    assert_eq!(got[1], Frame::text("c"));
}

fn nothing_of_an_undecided_message_goes_on_after_a_close_of_the_host<I: Inspects>() {
    let mut proxy = open::<I>(holding(1000));
    proxy.send(Client, &by(Client, &[Frame::text("sec").not_last()]));
    proxy.inspector.close(1008, "", proxy.now).unwrap();
    proxy.forward();
    proxy.send(Client, &by(Client, &[Frame::continuation("ret")]));
    let got = frames_that_reach(&mut proxy, Server);
    assert_eq!(got, [Frame::close(1008, "")]);
}

fn a_close_frame_inside_a_held_message_goes_on<I: Inspects>() {
    let mut proxy = open::<I>(holding(1000));
    proxy.send(
        Client,
        &by(
            Client,
            &[Frame::text("sec").not_last(), Frame::close(1000, "")],
        ),
    );
    proxy.wait(SECOND);
    let got = frames_that_reach(&mut proxy, Server);
    assert_eq!(got.last(), Some(&Frame::close(1000, "")));
}

fn a_violation_inside_a_held_message_is_told<I: Inspects>() {
    let mut proxy = open::<I>(holding(1000));
    proxy.send(
        Client,
        &by(Client, &[Frame::text("sec").not_last(), Frame::text("x")]),
    );
    assert!(proxy.broken().is_some());
    let got = frames_that_reach(&mut proxy, Server);
    assert_eq!(got, [gone(Client)]);
    assert_eq!(proxy.inspector.end(Client), End::Shutdown);
}

fn eof_inside_a_held_message_ends_it_even_without_a_close_timeout<I: Inspects>() {
    let mut options = holding(1000);
    options.timeouts.close = None;
    let mut proxy = open::<I>(options);
    proxy.send(Client, &by(Client, &[Frame::text("sec").not_last()]));
    proxy.end_of_input(Client);
    proxy.end_of_input(Server);
    assert_eq!(proxy.inspector.state(), State::Closed, "{:?}", proxy.ends());
}

fn message_time_counts_per_message<I: Inspects>() {
    // Back to back messages, each of 2 s.
    for skips in [false, true] {
        let mut proxy = open::<I>(Options::default());
        proxy.skips = skips;
        let message = by(Server, &[Frame::binary([7; 1000])]);
        proxy.send(Server, &message[..500]);
        for _ in 0..200 {
            proxy.wait(SECOND * 2);
            proxy.send(Server, &[&message[500..], &message[..500]].concat());
            assert_eq!(proxy.broken(), None, "at {:?}", proxy.now);
        }
    }
}

fn a_slow_message_is_no_idleness<I: Inspects>() {
    let mut options = Options::default();
    options.server.message_idle = Some(SECOND * 10);
    let mut proxy = open::<I>(options);
    for b in by(Server, &[Frame::binary([7; 60])]) {
        proxy.wait(SECOND);
        proxy.send(Server, &[b]);
    }
    assert_eq!(proxy.broken(), None);
}

fn pong_deadline_counts_from_when_the_ping_can_have_gone<I: Inspects>() {
    let mut options = Options::default();
    options.client.keepalive = Some(SECOND * 30);
    let mut proxy = open::<I>(options);
    proxy.send(Server, &Frame::binary([]).by(Server).header(1_000_000));
    for _ in 0..60 {
        proxy.wait(SECOND);
        proxy.send(Server, &[7; 1000]);
        assert_eq!(proxy.broken(), None, "at {:?}", proxy.now);
    }
}

fn pong_deadline_doesnt_count_while_the_ping_is_behind_a_held_message<I: Inspects>() {
    let mut options = holding(1000);
    options.client.keepalive = Some(SECOND * 30);
    let mut proxy = open::<I>(options);
    proxy.send(Server, &by(Server, &[Frame::text("held")]));
    proxy.wait(SECOND * 55);
    assert_eq!(proxy.reached(Client), b"");
    assert_eq!(proxy.broken(), None);
}

fn close_is_awaited_inside_a_frame_that_goes_on_when_the_other_side_fails<I: Inspects>() {
    let mut options = Options::default();
    options.server.hold_frame = 100;
    for eof in [false, true] {
        let mut proxy = open::<I>(options);
        let message = by(Server, &[Frame::text([b'a'; 1000])]);
        proxy.send(Server, &message[..500]);
        proxy.inspector.close(1001, "", proxy.now).unwrap();
        proxy.forward();
        if eof {
            proxy.end_of_input(Client);
        } else {
            proxy.send(Client, &by(Client, &[Frame::new(3, "")]));
        }
        assert_ne!(
            proxy.inspector.end(Server),
            End::Shutdown,
            "a half frame and then a FIN"
        );
        proxy.send(Server, &message[500..]);
        let got = proxy.reached(Client);
        assert!(
            got.starts_with(&message),
            "{} {:?}",
            got.len(),
            proxy.ends()
        );
    }
}

fn if_both_streams_have_ended_it_is_closed<I: Inspects>() {
    let mut proxy = open::<I>(Options::default());
    proxy.send(Server, &by(Server, &[Frame::binary([7; 1000])])[..500]);
    proxy.end_of_input(Client);
    proxy.end_of_input(Server);
    assert_eq!(
        (proxy.ends().0, proxy.inspector.state()),
        (End::Reset, State::Closed)
    );
}

fn eof_behind_a_close_of_the_host_inside_a_frame<I: Inspects>() {
    let mut proxy = open::<I>(Options::default());
    proxy.send(Server, &by(Server, &[Frame::binary([7; 1000])])[..500]);
    proxy.inspector.close(1001, "", proxy.now).unwrap();
    proxy.end_of_input(Server);
    assert_eq!(proxy.inspector.end(Server), End::Reset);
}

fn a_ping_doesnt_wait_for_a_message_to_end<I: Inspects>() {
    let mut proxy = open::<I>(Options::default());
    proxy.send(Server, &by(Server, &[Frame::binary("x").not_last()]));
    proxy.reached(Client);
    proxy
        .inspector
        .insert(Client, b"later", true, proxy.now)
        .unwrap();
    proxy.inspector.ping(Client, proxy.now).unwrap();
    proxy.forward();
    assert_eq!(frames_that_reach(&mut proxy, Client).len(), 1);
}

fn insertions_behind_a_held_message_are_limited<I: Inspects>() {
    let mut options = holding(1000);
    options.server.limits.queued_output = 1000;
    let mut proxy = open::<I>(options);
    proxy.send(Server, &by(Server, &[Frame::text("held")]));
    let mut n = 0;
    while n < 1000
        && proxy
            .inspector
            .insert(Client, &[7; 1000], false, proxy.now)
            .is_ok()
    {
        n += 1;
    }
    assert!(n < 10, "{n} accepted, memory {}", proxy.inspector.memory());
}

fn a_cut_control_frame_is_no_message<I: Inspects>() {
    let mut options = Options::default();
    options.client.message_idle = Some(SECOND * 10);
    let mut proxy = open::<I>(options);
    proxy.send(Client, &by(Client, &[Frame::ping("x")])[..3]);
    proxy.wait(SECOND * 15);
    assert_eq!(proxy.broken(), Some((Client, Rule::IdleTimeout)));
}

fn keepalive_pings_that_wait_dont_pile_up<I: Inspects>() {
    let mut options = Options::default();
    options.server.hold_frame = 10;
    options.server.message = None;
    options.client.pong = None;
    options.client.keepalive = Some(SECOND);
    let mut proxy = open::<I>(options);
    proxy.send(Server, &by(Server, &[Frame::text([b'a'; 1000])])[..500]);
    let before = proxy.inspector.memory();
    proxy.wait(SECOND * 10000);
    assert!(
        proxy.inspector.memory() < before + 10_000,
        "{before} {}",
        proxy.inspector.memory()
    );
}

fn message_timeout_inside_a_held_message_is_told<I: Inspects>() {
    let mut proxy = open::<I>(holding(1000));
    proxy.send(Client, &by(Client, &[Frame::text("sec").not_last()]));
    proxy.wait(SECOND * 301);
    assert_eq!(proxy.broken(), Some((Client, Rule::MessageTimeout)));
    assert_eq!(frames_that_reach(&mut proxy, Server).len(), 1);
}

fn a_message_that_goes_on_whole_behind_a_close_is_reported<I: Inspects>() {
    let mut options = Options::default();
    options.server.view.messages = true;
    let mut proxy = open::<I>(options);
    let message = by(Server, &[Frame::binary([7; 1000])]);
    proxy.send(Server, &message[..500]);
    proxy.inspector.close(1001, "", proxy.now).unwrap();
    proxy.send(Server, &message[500..]);
    assert!(proxy.reached(Client).starts_with(&message));
    assert_eq!(proxy.saw.len(), 1);
}

fn client_lost_while_a_long_text_is_half_gone<I: Inspects>() {
    // The client has half-closed without a close frame; it is inside a frame.
    let mut options = Options::default();
    options.server.hold_frame = 10;
    let mut proxy = open::<I>(options);
    proxy.send(Server, &by(Server, &[Frame::text([b'a'; 1000])])[..500]);
    proxy.end_of_input(Client);
    assert_ne!(proxy.inspector.end(Server), End::Shutdown);
}

fn held_message_before_an_unseen_frame_survives_eof<I: Inspects>() {
    let mut options = holding(1000);
    options.client.view.inflate = false;
    let mut proxy = Proxy::<I>::open(options, &deflate::negotiated("client_no_context_takeover"));
    proxy.send(Client, &by(Client, &[Frame::text("good")]));
    let z = by(Client, &[Frame::binary([7; 500]).reserved(RSV1)]);
    proxy.send(Client, &z[..100]);
    proxy.end_of_input(Client);
    assert_eq!(proxy.inspector.decide(Client, true, proxy.now), Ok(()));
}

fn lengths_beyond_all_positions_dont_overflow<I: Inspects>() {
    let mut options = Options::default();
    options.server.limits.frame = u64::MAX;
    options.server.limits.message = u64::MAX;
    let mut proxy = open::<I>(options);
    for _ in 0..4 {
        let h = Frame::binary([]).by(Server).header(i64::MAX as u64);
        let s = proxy.inspector.advance(Server, 0, &h, proxy.now).unwrap();
        let s2 = proxy
            .inspector
            .advance(Server, s.skippable, &[], proxy.now)
            .unwrap();
        assert_eq!(s2.skippable, 0);
    }
}

fn what_was_inserted_behind_a_good_message_survives_a_violation<I: Inspects>() {
    let mut proxy = open::<I>(holding(1000));
    proxy.send(Client, &by(Client, &[Frame::text("good")]));
    proxy
        .inspector
        .insert(Server, b"mine", true, proxy.now)
        .unwrap();
    proxy.send(Client, &by(Client, &[Frame::new(3, "")]));
    proxy.inspector.decide(Client, true, proxy.now).unwrap();
    proxy.forward();
    assert_eq!(frames_that_reach(&mut proxy, Server).len(), 3);
}

fn no_deadline_is_in_the_past<I: Inspects>() {
    let mut options = Options::default();
    options.client.idle = Some(SECOND);
    let mut proxy = open::<I>(options);
    proxy.now = proxy.now.after(SECOND * 5);
    proxy.inspector.ping(Client, proxy.now).unwrap();
    assert!(proxy.inspector.next_deadline().unwrap() >= proxy.now);
}

fn what_is_verified_goes_on_however_it_is_cut<I: Inspects>() {
    let mut options = holding(1000);
    options.client.view.payload = Payload::Messages { up_to: 100 };
    options.client.hold_frame = 50;
    let bytes = by(
        Client,
        &[Frame::binary(deflate::Peer::default().compresses(deflate::noise(2000))).reserved(RSV1)],
    );
    let to = |n: usize| {
        let mut proxy = Proxy::<I>::open(options, &deflate::negotiated(""));
        proxy.send_in(Client, &bytes[..1000], n);
        proxy.inspector.forward_to(Client)
    };
    assert_eq!(to(1000), to(10));
}

fn what_could_be_skipped_may_still_be_when_it_counts_no_more<I: Inspects>() {
    for from in [Client, Server] {
        let mut options = Options::default();
        for direction in [&mut options.client, &mut options.server] {
            direction.write = Some(SECOND);
        }
        let mut proxy = open::<I>(options);
        let header = Frame::binary("").by(from).header(1 << 20);
        let step = proxy.inspector.advance(from, 0, &header, proxy.now);
        assert_eq!(step.expect("a frame").skippable, 1 << 20);
        proxy.inspector.output_blocked(from, proxy.now);
        proxy.wait(SECOND);
        assert_eq!(proxy.broken(), Some((from, Rule::WriteTimeout)));
        let step = proxy.inspector.advance(from, 1000, b"more", proxy.now);
        assert_eq!(step.expect("it counts for nothing").consumed, 4);
    }
}

fn what_was_needed_for_many_edits_is_freed<I: Inspects>() {
    let mut proxy = open::<I>(holding(100));
    let before = proxy.inspector.memory();
    let many = bytes_of(&vec![Frame::binary(""); 20_000], Server);
    let step = proxy.inspector.advance(Server, 0, &many, proxy.now);
    assert_eq!(step.expect("messages").consumed, many.len());
    for _ in 0..20_000 {
        let decided = proxy.inspector.decide(Server, false, proxy.now);
        decided.expect("it is held");
    }
    let edits = proxy.inspector.take_edits(Server).len();
    assert_eq!(edits, 20_000);
    proxy.inspector.handle_timeout(proxy.now);
    assert_eq!(proxy.inspector.take_edits(Server), []);
    let after = proxy.inspector.memory();
    assert!(after < before + 20_000, "{before}, then {after}");
}

on_both_inspectors!(
    what_could_be_skipped_may_still_be_when_it_counts_no_more,
    what_was_needed_for_many_edits_is_freed,
    a_ping_between_fragments_of_a_message_that_is_left_out,
    nothing_of_an_undecided_message_goes_on_after_a_close_of_the_host,
    a_close_frame_inside_a_held_message_goes_on,
    a_violation_inside_a_held_message_is_told,
    eof_inside_a_held_message_ends_it_even_without_a_close_timeout,
    message_time_counts_per_message,
    a_slow_message_is_no_idleness,
    pong_deadline_counts_from_when_the_ping_can_have_gone,
    pong_deadline_doesnt_count_while_the_ping_is_behind_a_held_message,
    close_is_awaited_inside_a_frame_that_goes_on_when_the_other_side_fails,
    if_both_streams_have_ended_it_is_closed,
    eof_behind_a_close_of_the_host_inside_a_frame,
    a_ping_doesnt_wait_for_a_message_to_end,
    insertions_behind_a_held_message_are_limited,
    a_cut_control_frame_is_no_message,
    keepalive_pings_that_wait_dont_pile_up,
    message_timeout_inside_a_held_message_is_told,
    a_message_that_goes_on_whole_behind_a_close_is_reported,
    client_lost_while_a_long_text_is_half_gone,
    held_message_before_an_unseen_frame_survives_eof,
    lengths_beyond_all_positions_dont_overflow,
    what_was_inserted_behind_a_good_message_survives_a_violation,
    no_deadline_is_in_the_past,
    what_is_verified_goes_on_however_it_is_cut,
);
