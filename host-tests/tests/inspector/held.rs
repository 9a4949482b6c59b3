//! Messages that the host decides on, and what is inserted.

use host_tests::ROLES;
use host_tests::deflate;
use host_tests::inspected::{Inspects, Proxy, Saw};
use host_tests::on_both_inspectors;
use host_tests::wire::{Frame, RSV1};
use websocket_component::Role::{Client, Server};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::Options;
use websocket_component::{Instant, Rule};

use crate::{by, frames_that_reach, gone, holding};

fn a_message_goes_on_or_not_as_the_host_decides<I: Inspects>() {
    for from in ROLES {
        for length in [1, 1000] {
            let mut proxy = Proxy::<I>::open(holding(100), &Negotiated::default());
            let frames = [
                Frame::text("first"),
                Frame::text("sec").not_last(),
                Frame::ping("between"),
                Frame::continuation("ond"),
                Frame::text("third"),
                Frame::pong("behind"),
            ];
            proxy.send_in(from, &by(from, &frames), length);
            assert_eq!(proxy.reached(from.peer()), b"");
            let now = proxy.now;
            for goes_on in [true, false, true] {
                proxy.inspector.decide(from, goes_on, now).expect("held");
            }
            let again = proxy.inspector.decide(from, true, now);
            assert_eq!(again, Err(Rule::NothingHeld));
            proxy.forward();
            let expected = [
                Frame::text("first"),
                Frame::ping("between"),
                Frame::text("third"),
                Frame::pong("behind"),
            ];
            assert_eq!(frames_that_reach(&mut proxy, from.peer()), expected);
        }
    }
}

fn a_message_that_is_too_long_to_be_seen_goes_on<I: Inspects>() {
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(holding(100), &Negotiated::default());
        let frames = [
            Frame::binary([7; 60]).not_last(),
            Frame::continuation([7; 60]),
        ];
        let bytes = by(from, &frames);
        let first = bytes.len() / 2;
        proxy.send(from, &bytes[..first]);
        assert_eq!(proxy.reached(from.peer()), b"");
        proxy.send(from, &bytes[first..]);
        assert_eq!(proxy.reached(from.peer()), bytes);
    }
}

/// Frames that a sender can put between the parts of a short message; each list takes more memory than may be held.
fn much_for_little() -> [(&'static str, Vec<Frame>); 3] {
    // Stored blocks of no bytes (RFC 1951, section 3.2.4).
    let empty_blocks = [0, 0, 0, 0xff, 0xff].repeat(200);
    let compressed = Frame::binary(empty_blocks.clone())
        .not_last()
        .reserved(RSV1);
    let with_first = |first: Frame, then: Frame| {
        let mut frames = vec![then; 70_000 / 6];
        frames.insert(0, first);
        frames
    };
    let blocks = Frame::continuation(empty_blocks).not_last();
    [
        (
            "empty frames",
            with_first(
                Frame::text("a").not_last(),
                Frame::continuation("").not_last(),
            ),
        ),
        (
            "pings",
            with_first(Frame::text("a").not_last(), Frame::ping("")),
        ),
        (
            "empty blocks",
            with_first(compressed, blocks)[..80].to_vec(),
        ),
    ]
}

fn a_message_that_takes_much_more_to_hold_than_it_is_long_goes_on<I: Inspects>() {
    for (kind, frames) in much_for_little() {
        let mut proxy = Proxy::<I>::open(holding(100), &deflate::negotiated(""));
        let bytes = by(Client, &frames);
        proxy.send_in(Client, &bytes, 10_000);
        assert_eq!(proxy.broken(), None, "{kind}");
        assert_eq!(proxy.reached(Server), bytes, "{kind}");
        let most = proxy.client.most_held;
        // And a part of the frame that is too much.
        assert!(
            (60_000..=100 + 65_536 + 1100).contains(&most),
            "{kind}: {most}"
        );
        let memory = proxy.inspector.memory();
        assert!(memory < 100_000, "{kind}: {memory}");
    }
}

fn a_message_that_takes_too_much_to_hold_ends_it_if_every_one_is_to_be_seen<I: Inspects>() {
    for (kind, frames) in much_for_little() {
        let mut options = holding(100);
        options.client.limits.message = 100;
        let mut proxy = Proxy::<I>::open(options, &deflate::negotiated(""));
        proxy.send_in(Client, &by(Client, &frames), 10_000);
        let broken = proxy.broken();
        assert_eq!(broken, Some((Client, Rule::MessageTooBig)), "{kind}");
        assert_eq!(frames_that_reach(&mut proxy, Server), [gone(Client)]);
    }
}

fn a_compressed_message_can_be_left_out_only_if_no_other_refers_to_it<I: Inspects>() {
    for (parameters, outcome) in [
        ("", Err(Rule::ContextNeeded)),
        ("client_no_context_takeover", Ok(())),
    ] {
        let mut proxy = Proxy::<I>::open(holding(100), &deflate::negotiated(parameters));
        let payload = deflate::Peer::default().compresses("denied");
        proxy.send(Client, &by(Client, &[Frame::text(payload).reserved(RSV1)]));
        assert_eq!(proxy.saw[0], (Client, Saw::Text("denied".into(), true)));
        let now = proxy.now;
        assert_eq!(proxy.inspector.decide(Client, false, now), outcome);
    }
}

fn a_close_of_the_hosts_follows_what_it_has_let_go_on<I: Inspects>() {
    let mut proxy = Proxy::<I>::open(holding(100), &Negotiated::default());
    proxy.send(
        Client,
        &by(Client, &[Frame::text("good"), Frame::text("bad")]),
    );
    let now = proxy.now;
    proxy.inspector.decide(Client, true, now).expect("held");
    proxy.inspector.decide(Client, false, now).expect("held");
    proxy.inspector.close(1008, "denied", now).expect("open");
    proxy.forward();
    let close = Frame::close(1008, "denied");
    let expected = [Frame::text("good"), close.clone()];
    assert_eq!(frames_that_reach(&mut proxy, Server), expected);
    assert_eq!(frames_that_reach(&mut proxy, Client), [close]);
}

fn a_close_of_the_hosts_leaves_out_what_it_has_not_decided_on<I: Inspects>() {
    // A single compressed message can't be left out either, since later ones may refer to it.
    for parameters in ["", "client_no_context_takeover"] {
        let mut proxy = Proxy::<I>::open(holding(100), &deflate::negotiated(parameters));
        let payload = deflate::Peer::default().compresses("denied");
        let frames = [
            Frame::text(payload).reserved(RSV1),
            Frame::text("undecided"),
        ];
        proxy.send(Client, &by(Client, &frames));
        let now = proxy.now;
        assert!(!proxy.inspector.is_final(Client));
        proxy.inspector.close(1008, "denied", now).expect("open");
        proxy.forward();
        assert!(proxy.inspector.is_final(Client));
        let close = Frame::close(1008, "denied");
        assert_eq!(frames_that_reach(&mut proxy, Server), [close]);
    }
}

fn a_violation_behind_messages_that_are_held_waits_for_them<I: Inspects>() {
    let mut proxy = Proxy::<I>::open(holding(100), &Negotiated::default());
    proxy.send(
        Client,
        &by(Client, &[Frame::text("good"), Frame::new(3, "")]),
    );
    assert_eq!(proxy.broken(), Some((Client, Rule::ReservedOpcode)));
    assert_eq!(proxy.reached(Server), b"");
    let now = proxy.now;
    proxy.inspector.decide(Client, true, now).expect("held");
    proxy.forward();
    let expected = [Frame::text("good"), gone(Client)];
    assert_eq!(frames_that_reach(&mut proxy, Server), expected);
}

fn pings_are_inserted_at_boundaries_and_their_pongs_swallowed<I: Inspects>() {
    for to in ROLES {
        let mut proxy = Proxy::<I>::open(Options::default(), &Negotiated::default());
        let message = by(
            to.peer(),
            &[Frame::text("mess").not_last(), Frame::continuation("age")],
        );
        let inside = if to.peer() == Client { 8 } else { 4 };
        proxy.send(to.peer(), &message[..inside]);
        let now = proxy.now;
        proxy.inspector.ping(to, now).expect("open");
        proxy.forward();
        let ping = frames_that_reach(&mut proxy, to).remove(0);
        assert_eq!((ping.first, ping.payload.len()), (0x89, 8));
        proxy.send(to.peer(), &message[inside..]);
        assert_eq!(frames_that_reach(&mut proxy, to).len(), 2);

        proxy.now = Instant::from_nanos(1000);
        let frames = [
            Frame::pong("unasked"),
            Frame::pong(&ping.payload),
            Frame::text("on"),
        ];
        proxy.send_in(to, &by(to, &frames), 5);
        let expected = [Frame::pong("unasked"), Frame::text("on")];
        assert_eq!(frames_that_reach(&mut proxy, to.peer()), expected);
        assert_eq!(proxy.saw, [(to, Saw::RoundTrip(1000))]);
        // The same pong again answers nothing.
        proxy.send(to, &by(to, &[Frame::pong(&ping.payload)]));
        assert_eq!(frames_that_reach(&mut proxy, to.peer()).len(), 1);
    }
}

fn messages_are_inserted_between_messages<I: Inspects>() {
    for to in ROLES {
        let from = to.peer();
        let mut proxy = Proxy::<I>::open(Options::default(), &Negotiated::default());
        let insert = |proxy: &mut Proxy<I>, text: &[u8]| {
            let now = proxy.now;
            let outcome = proxy.inspector.insert(to, text, true, now);
            proxy.forward();
            outcome
        };
        insert(&mut proxy, b"at once").expect("open");
        assert_eq!(frames_that_reach(&mut proxy, to), [Frame::text("at once")]);
        assert_eq!(insert(&mut proxy, b"\xff"), Err(Rule::TextNotUtf8));

        proxy.send(from, &by(from, &[Frame::binary([7; 200]).not_last()]));
        insert(&mut proxy, b"waits").expect("open");
        assert_eq!(frames_that_reach(&mut proxy, to).len(), 1);
        proxy.send(
            from,
            &by(from, &[Frame::continuation([7; 200]), Frame::text("next")]),
        );
        let expected = [
            Frame::continuation([7; 200]),
            Frame::text("waits"),
            Frame::text("next"),
        ];
        assert_eq!(frames_that_reach(&mut proxy, to), expected);
    }
}

fn what_waits_to_be_inserted_has_a_limit<I: Inspects>() {
    let mut options = Options::default();
    options.server.limits.queued_output = 1000;
    let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
    proxy.send(Server, &by(Server, &[Frame::binary("").not_last()]));
    let now = proxy.now;
    let mut count = 0;
    while proxy.inspector.insert(Client, &[7; 100], false, now) == Ok(()) {
        count += 1;
    }
    assert!((4..=9).contains(&count), "{count}");
    let refused = proxy.inspector.insert(Client, &[7; 100], false, now);
    assert_eq!(refused, Err(Rule::QueueFull));
    proxy.send(Server, &by(Server, &[Frame::continuation("")]));
    assert_eq!(frames_that_reach(&mut proxy, Client).len(), 2 + count);
    proxy
        .inspector
        .insert(Client, &[7; 100], false, now)
        .expect("room again");
}

on_both_inspectors!(
    a_close_of_the_hosts_leaves_out_what_it_has_not_decided_on,
    a_message_goes_on_or_not_as_the_host_decides,
    a_message_that_is_too_long_to_be_seen_goes_on,
    a_message_that_takes_much_more_to_hold_than_it_is_long_goes_on,
    a_message_that_takes_too_much_to_hold_ends_it_if_every_one_is_to_be_seen,
    a_compressed_message_can_be_left_out_only_if_no_other_refers_to_it,
    a_close_of_the_hosts_follows_what_it_has_let_go_on,
    a_violation_behind_messages_that_are_held_waits_for_them,
    pings_are_inserted_at_boundaries_and_their_pongs_swallowed,
    messages_are_inserted_between_messages,
    what_waits_to_be_inserted_has_a_limit,
);
