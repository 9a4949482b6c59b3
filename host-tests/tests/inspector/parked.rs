//! Idle connections that are parked, and resumed by another inspector.

use std::time::Duration;

use host_tests::deflate;
use host_tests::inspected::{Inspects, Proxy};
use host_tests::on_both_inspectors;
use host_tests::wire::{Frame, RSV1};
use websocket_component::Role::{Client, Server};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Options, Parked};
use websocket_component::{Instant, Rule};

use crate::{by, frames_that_reach};

const SECOND: Duration = Duration::from_secs(1);

fn open<I: Inspects>(options: Options) -> Proxy<I> {
    Proxy::<I>::open(options, &Negotiated::default())
}

/// A connection that is idle again and again, with a deadline of each kind.
fn a_connection_at_rest_goes_on_with_another_inspector<I: Inspects>() {
    let mut options = Options::default();
    options.timeouts.age = Some(Duration::from_secs(100));
    options.client.idle = Some(Duration::from_secs(30));
    options.client.message_idle = Some(Duration::from_secs(45));
    let negotiated = deflate::negotiated("client_no_context_takeover; server_no_context_takeover");
    let run = |parks: bool| {
        let mut proxy = Proxy::<I>::open(options, &negotiated);
        let mut rests = 0;
        let mut peer = deflate::Peer::default();
        let messages = [
            vec![Frame::text("Hello")],
            vec![Frame::text("two").not_last(), Frame::continuation("parts")],
            vec![Frame::ping("a ping")],
            vec![Frame::text(peer.compresses("compressed")).reserved(RSV1)],
        ];
        for (message, from) in messages.iter().zip([Client, Server, Client, Client]) {
            proxy.wait(Duration::from_secs(12));
            // In two reads, between which it is not idle.
            let bytes = by(from, message);
            let (first, last) = bytes.split_at(bytes.len() / 2);
            for part in [first, last] {
                proxy.send(from, part);
                rests += usize::from(parks && proxy.park(&options, &negotiated));
            }
        }
        for _ in 0..30 {
            proxy.wait(Duration::from_secs(2));
            rests += usize::from(parks && proxy.park(&options, &negotiated));
        }
        let traffic = [Client, Server].map(|from| proxy.inspector.traffic(from));
        let codes = [Client, Server].map(|to| proxy.inspector.close_sent(to));
        let kinds = |to| -> Vec<u8> {
            let frames = frames_that_reach(&mut proxy, to);
            frames.iter().map(|frame| frame.first).collect()
        };
        let reached = [Client, Server].map(kinds);
        (rests, (proxy.failure(), traffic, codes, reached))
    };
    let (none, expected) = run(false);
    let (rests, parked) = run(true);
    assert_eq!(parked, expected);
    assert!(none == 0 && rests >= 4, "{rests}");
    let idle = expected.0.expect("silence");
    assert_eq!(
        (idle.rule, idle.limit),
        (Rule::IdleTimeout, Some(30_000_000_000))
    );
}

fn a_ping_is_due_as_if_nobody_had_parked<I: Inspects>() {
    let mut options = Options::default();
    options.client.keepalive = Some(SECOND * 20);
    let none = Negotiated::default();
    let mut proxy = open::<I>(options);
    proxy.wait(SECOND * 5);
    proxy.send(Client, &by(Client, &[Frame::text("a")]));
    proxy.wait(SECOND * 10);
    assert!(proxy.park(&options, &none));
    proxy.wait(SECOND * 9);
    assert_eq!(proxy.reached(Client), b"");
    proxy.wait(SECOND);
    let ping = frames_that_reach(&mut proxy, Client).remove(0);
    assert_eq!(ping.first, 0x89);
    assert!(!proxy.park(&options, &none));
    proxy.send(Client, &by(Client, &[Frame::pong(ping.payload)]));
    assert!(proxy.park(&options, &none));
}

fn a_ping_is_due_as_if_nobody_had_parked_behind_a_pause_of_reading<I: Inspects>() {
    let mut options = Options::default();
    options.client.keepalive = Some(SECOND * 10);
    let mut proxy = open::<I>(options);
    proxy.wait(SECOND * 2);
    proxy.inspector.pause_reading(Client, proxy.now);
    proxy.wait(SECOND * 6);
    proxy.inspector.resume_reading(Client, proxy.now);
    proxy.wait(SECOND);
    // The ping's timeout has continued, that for silence has not: it is suspended until data arrives.
    assert!(!proxy.park(&options, &Negotiated::default()));
    let due = proxy.inspector.next_deadline();
    assert_eq!(due, Some(Instant::from_nanos(10_000_000_000)));
    proxy.send(Client, &by(Client, &[Frame::text("a")]));
    assert!(proxy.park(&options, &Negotiated::default()));
}

fn a_clock_that_runs_backwards_while_a_connection_is_parked_stands_still<I: Inspects>() {
    let mut options = Options::default();
    options.client.idle = Some(SECOND * 1000);
    let none = Negotiated::default();
    let mut proxy = open::<I>(options);
    proxy.wait(SECOND * 100);
    proxy.inspector.handle_timeout(proxy.now);
    assert!(proxy.park(&options, &none));
    proxy.now = Instant::from_nanos(60_000_000_000);
    proxy.send(Client, &by(Client, &[Frame::text("a")]));
    let due = proxy.inspector.next_deadline();
    assert_eq!(due, Some(Instant::from_nanos(1_100_000_000_000)));
}

fn numbers_that_no_inspector_has_parked_do_no_harm<I: Inspects>() {
    let options = Options::default();
    let parked = open::<I>(options).inspector.park().expect("a new one");
    let most = Instant::from_nanos(u64::MAX);
    for position in [1, u64::MAX - 5, u64::MAX] {
        let mut forged = Parked {
            at: most,
            opened: most,
            ..parked
        };
        for side in [&mut forged.sides.client, &mut forged.sides.server] {
            side.position = position;
            side.traffic.frames = u64::MAX;
            side.traffic.messages = u64::MAX;
            side.traffic.bytes = u64::MAX;
            (side.idle_since, side.message_idle_since) = (most, most);
        }
        let mut inspector = open::<I>(options).inspector;
        inspector.resume(&forged).expect("it was opened just now");
        let now = Instant::from_nanos(1);
        for from in [Client, Server] {
            let frames = [Frame::text("Hello"), Frame::ping("p"), Frame::binary("x")];
            let stepped = inspector.advance(from, 0, &by(from, &frames), now);
            stepped.expect("the host breaks no rule");
        }
        inspector.end_of_input(Client, now);
    }
}

fn what_has_something_left_to_do_is_not_at_rest<I: Inspects>() {
    let not_at_rest = |negotiated: &Negotiated, act: fn(&mut Proxy<I>)| {
        let mut proxy = Proxy::<I>::open(Options::default(), negotiated);
        act(&mut proxy);
        assert_eq!(proxy.inspector.park(), None);
    };
    let none = &Negotiated::default();
    let header_alone: fn(&mut Proxy<I>) = |proxy| proxy.send(Client, b"\x82");
    not_at_rest(none, header_alone);
    not_at_rest(none, |proxy| proxy.send(Server, b"\x82\x05part"));
    not_at_rest(none, |proxy| {
        proxy.send(Server, &by(Server, &[Frame::text("a").not_last()]));
    });
    not_at_rest(none, |proxy| {
        proxy.send(Client, &by(Client, &[Frame::close(1000, "")]));
    });
    not_at_rest(none, |proxy| proxy.send(Client, b"\xff"));
    not_at_rest(none, |proxy| {
        proxy.inspector.ping(Client, proxy.now).expect("open")
    });
    not_at_rest(none, |proxy| {
        proxy.inspector.ping(Client, proxy.now).expect("open");
        proxy.forward();
    });
    not_at_rest(none, |proxy| {
        proxy.inspector.pause_reading(Client, proxy.now)
    });
    not_at_rest(none, |proxy| {
        proxy.inspector.output_blocked(Client, proxy.now)
    });
    not_at_rest(none, |proxy| proxy.end_of_input(Server));
    // The next message may refer to this one.
    not_at_rest(&deflate::negotiated("client_no_context_takeover"), |_| {});

    let mut asked = I::new(&Options::default()).expect("options");
    assert_eq!(asked.park(), None);
    let mut proxy = Proxy::<I>::open(Options::default(), none);
    let parked = proxy.inspector.park().expect("nothing has come");
    assert_eq!(asked.resume(&parked), Err(Rule::HandshakeOutOfOrder));
    proxy.send(Client, &by(Client, &[Frame::text("a")]));
    assert_eq!(
        proxy.inspector.resume(&parked),
        Err(Rule::HandshakeOutOfOrder)
    );
}

on_both_inspectors!(
    a_connection_at_rest_goes_on_with_another_inspector,
    a_ping_is_due_as_if_nobody_had_parked,
    a_ping_is_due_as_if_nobody_had_parked_behind_a_pause_of_reading,
    a_clock_that_runs_backwards_while_a_connection_is_parked_stands_still,
    numbers_that_no_inspector_has_parked_do_no_harm,
    what_has_something_left_to_do_is_not_at_rest,
);
