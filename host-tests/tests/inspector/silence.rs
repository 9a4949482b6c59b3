//! Deadlines, on virtual time.

use std::time::Duration;

use host_tests::ROLES;
use host_tests::inspected::{Inspects, Proxy, Saw};
use host_tests::on_both_inspectors;
use host_tests::wire::Frame;
use websocket_component::Role::{Client, Server};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Direction, End, Options};
use websocket_component::{Rule, State};

use crate::{by, frames_that_reach, gone};

const SECOND: Duration = Duration::from_secs(1);

fn both(set: impl Fn(&mut Direction)) -> Options {
    let mut options = Options::default();
    set(&mut options.client);
    set(&mut options.server);
    options
}

fn open<I: Inspects>(options: Options) -> Proxy<I> {
    Proxy::<I>::open(options, &Negotiated::default())
}

fn a_side_that_sends_nothing_ends_the_connection<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>(both(|direction| direction.idle = Some(SECOND * 10)));
        for _ in 0..3 {
            proxy.wait(SECOND * 6);
            proxy.send(from.peer(), &by(from.peer(), &[Frame::text("here")]));
            if proxy.broken().is_some() {
                break;
            }
        }
        assert_eq!(proxy.broken(), Some((from, Rule::IdleTimeout)));
        assert_eq!(
            proxy.failure().and_then(|failure| failure.limit),
            Some(10_000_000_000)
        );
        let reached = frames_that_reach(&mut proxy, from);
        let close = reached.last().expect("a close frame");
        assert_eq!(close.payload[..2], 1001_u16.to_be_bytes());
        let reached = frames_that_reach(&mut proxy, from.peer());
        assert_eq!(reached.last(), Some(&gone(from)));
    }
}

fn control_frames_are_no_messages<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>(both(|direction| direction.message_idle = Some(SECOND * 10)));
        for _ in 0..4 {
            proxy.wait(SECOND * 4);
            proxy.send(from.peer(), &by(from.peer(), &[Frame::text("here")]));
            proxy.send(from, &by(from, &[Frame::pong("")]));
        }
        assert_eq!(proxy.broken(), Some((from, Rule::IdleTimeout)));
    }
}

fn a_message_in_progress_is_not_idle_but_has_its_time<I: Inspects>() {
    let mut proxy = open::<I>(both(|direction| {
        direction.message_idle = Some(SECOND);
        direction.message = Some(SECOND * 60);
    }));
    proxy.send(Client, &by(Client, &[Frame::binary("").not_last()]));
    proxy.send(Server, &by(Server, &[Frame::binary("").not_last()]));
    proxy.wait(SECOND * 59);
    assert_eq!(proxy.broken(), None);
    proxy.send(Server, &by(Server, &[Frame::continuation("")]));
    proxy.send(Server, &by(Server, &[Frame::binary("").not_last()]));
    proxy.wait(SECOND);
    assert_eq!(proxy.broken(), Some((Client, Rule::MessageTimeout)));
    assert_eq!(
        frames_that_reach(&mut proxy, Client)[3].payload[..2],
        [3, 0xf0]
    );
}

/// Each byte shows that the side is alive, and none belongs to a message.
fn class_23_a_control_frame_that_comes_slowly_has_the_time_of_a_message<I: Inspects>() {
    for from in ROLES {
        let limits = both(|direction| {
            direction.message = Some(SECOND * 6);
            direction.keepalive = Some(SECOND * 3);
        });
        for (frame, first) in [
            (Frame::ping([7; 100]), 1),
            (Frame::close(1000, "in no hurry"), 3),
        ] {
            let mut proxy = open::<I>(limits);
            let slow = by(from, &[frame]);
            proxy.send(from, &slow[..first]);
            for byte in slow[first..].iter().take(5) {
                proxy.wait(SECOND);
                proxy.send(from, &[*byte]);
            }
            assert_eq!(proxy.broken(), None);
            proxy.wait(SECOND);
            assert_eq!(
                proxy.broken(),
                Some((from, Rule::MessageTimeout)),
                "{first}"
            );
        }
    }
}

/// The end of each shows that it was not slow, though the next one has begun.
fn control_frames_that_are_cut_each_time_have_their_time_each<I: Inspects>() {
    for from in ROLES {
        let mut options = both(|direction| direction.message = Some(SECOND * 6));
        match from {
            Client => options.client.message_idle = Some(SECOND * 30),
            Server => options.server.message_idle = Some(SECOND * 30),
        }
        let mut proxy = open::<I>(options);
        let ping = by(from, &[Frame::ping([7; 20])]);
        let (start, rest) = ping.split_at(9);
        proxy.send(from, start);
        for _ in 0..5 {
            proxy.wait(SECOND * 5);
            proxy.send(from, &[rest, start].concat());
        }
        assert_eq!(proxy.broken(), None);
        // They are no messages.
        proxy.wait(SECOND * 5);
        assert_eq!(proxy.broken(), Some((from, Rule::IdleTimeout)));
    }
}

fn a_dead_side_is_found_by_pings<I: Inspects>() {
    for to in ROLES {
        let mut options = Options::default();
        let direction = if to == Client {
            &mut options.client
        } else {
            &mut options.server
        };
        direction.keepalive = Some(SECOND * 30);
        let mut proxy = open::<I>(options);
        proxy.wait(SECOND * 30);
        let ping = frames_that_reach(&mut proxy, to).remove(0);
        assert_eq!(ping.first, 0x89);
        // One that answers is alive.
        proxy.send(to, &by(to, &[Frame::pong(&ping.payload)]));
        assert_eq!(proxy.reached(to.peer()), b"");
        proxy.wait(SECOND * 30);
        assert_eq!(frames_that_reach(&mut proxy, to).len(), 1);
        proxy.wait(SECOND * 20);
        assert_eq!(proxy.broken(), Some((to, Rule::PongTimeout)));
        let reached = frames_that_reach(&mut proxy, to.peer());
        assert_eq!(reached, [gone(to)]);
    }
}

/// The ping waits for the end of a long frame, with which the header of the next one arrives.
fn a_pong_is_known_whatever_came_with_the_end_of_the_frame_before_the_ping<I: Inspects>() {
    let mut proxy = open::<I>(both(|direction| direction.keepalive = Some(SECOND * 10)));
    proxy.skips = true;
    let long = by(Server, &[Frame::binary([7; 9000])]);
    proxy.send(Server, &long[..5000]);
    proxy.wait(SECOND * 10);
    let edits = proxy.sent(Server).edits_to_come();
    let ping = edits.first().expect("a ping").insert.clone();
    assert_eq!(ping[..2], [0x89, 8]);
    let (inspector, now) = (&mut proxy.inspector, proxy.now);
    let (left, header) = (long.len() as u64 - 5000, b"\x82\x7e\x20\x00");
    if inspector.pass_header(Server, left, header, now).is_none() {
        let step = inspector.advance(Server, left, header, now);
        assert_eq!(step.expect("as much as is left").consumed, header.len());
    }
    let pong = by(Client, &[Frame::pong(&ping[2..])]);
    let step = inspector
        .advance(Client, 0, &pong, now)
        .expect("nothing is skipped");
    assert!(
        matches!(step.saw[..], [Saw::RoundTrip(_)]),
        "{:?}",
        step.saw
    );
}

fn no_more_pings_go_to_a_side_that_isnt_read_than_are_known<I: Inspects>() {
    let mut proxy = open::<I>(both(|direction| direction.keepalive = Some(SECOND)));
    let now = proxy.now;
    proxy.inspector.pause_reading(Client, now);
    for _ in 0..40 {
        proxy.wait(SECOND);
        proxy.send(Server, &by(Server, &[Frame::pong("")]));
    }
    let pings: Vec<Frame> = frames_that_reach(&mut proxy, Client)
        .into_iter()
        .filter(|frame| frame.first == 0x89)
        .collect();
    assert!(pings.len() > 10, "{}", pings.len());
    proxy.reached(Server);
    let now = proxy.now;
    proxy.inspector.resume_reading(Client, now);
    let pongs: Vec<Frame> = pings
        .iter()
        .map(|ping| Frame::pong(&ping.payload))
        .collect();
    proxy.send(Client, &by(Client, &pongs));
    assert_eq!(proxy.reached(Server), b"");
}

fn what_the_host_doesnt_read_doesnt_count<I: Inspects>() {
    let mut proxy = open::<I>(both(|direction| direction.idle = Some(SECOND * 10)));
    let now = proxy.now;
    proxy.inspector.pause_reading(Client, now);
    for _ in 0..10 {
        proxy.wait(SECOND * 5);
        proxy.send(Server, &by(Server, &[Frame::ping("")]));
    }
    assert_eq!(proxy.broken(), None);
    let now = proxy.now;
    proxy.inspector.resume_reading(Client, now);
    proxy.wait(SECOND * 9);
    assert_eq!(proxy.broken(), None);
    proxy.wait(SECOND);
    assert!(proxy.broken().is_some());
}

fn an_age_closes_both_sides_and_breaks_no_rule<I: Inspects>() {
    let mut options = Options::default();
    options.timeouts.age = Some(SECOND * 3600);
    options.timeouts.age_code = 1012;
    let mut proxy = open::<I>(options);
    proxy.wait(SECOND * 3599);
    assert_eq!(proxy.inspector.state(), State::Open);
    proxy.wait(SECOND);
    assert_eq!(proxy.broken(), None);
    for side in ROLES {
        assert_eq!(
            frames_that_reach(&mut proxy, side),
            [Frame::close(1012, "")]
        );
    }
}

fn an_unanswered_handshake_ends<I: Inspects>() {
    let mut proxy = Proxy::<I>::new(Options::default());
    proxy.wait(SECOND * 9);
    assert_eq!(proxy.inspector.state(), State::Connecting);
    proxy.wait(SECOND);
    assert_eq!(proxy.broken(), Some((Client, Rule::HandshakeTimeout)));
    // No request has begun, so there is nothing to answer.
    assert_eq!(proxy.reached(Client), b"");
}

fn a_side_that_takes_no_output_is_cut_off_and_the_other_told<I: Inspects>() {
    for to in ROLES {
        let mut proxy = open::<I>(both(|direction| direction.write = Some(SECOND * 10)));
        proxy.inspector.output_blocked(to, proxy.now);
        proxy.wait(SECOND * 9);
        // It accepts some, and is blocked again.
        proxy.inspector.output_taken(to, proxy.now);
        proxy.wait(SECOND * 20);
        assert_eq!(proxy.broken(), None);
        proxy.inspector.output_blocked(to, proxy.now);
        proxy.wait(SECOND * 9);
        assert_eq!(proxy.broken(), None);
        proxy.wait(SECOND);
        assert_eq!(proxy.broken(), Some((to, Rule::WriteTimeout)));
        let limit = proxy.failure().and_then(|failure| failure.limit);
        assert_eq!(limit, Some(10_000_000_000));
        assert_eq!(proxy.inspector.end(to.peer()), End::Reset);
        assert_eq!(proxy.inspector.end(to), End::Shutdown);
        let reached = frames_that_reach(&mut proxy, to.peer());
        assert_eq!(reached, [gone(to)]);
        assert_eq!(proxy.reached(to), b"");
    }
}

fn a_side_that_takes_no_output_while_it_closes_is_cut_off_too<I: Inspects>() {
    for to in ROLES {
        let mut options = both(|direction| direction.write = Some(SECOND));
        options.timeouts.close = Some(SECOND * 100);
        let mut proxy = open::<I>(options);
        proxy
            .inspector
            .close(1001, "", proxy.now)
            .expect("it is open");
        proxy.inspector.output_blocked(to, proxy.now);
        proxy.wait(SECOND);
        assert_eq!(proxy.broken(), Some((to, Rule::WriteTimeout)));
        assert_eq!(proxy.inspector.end(to.peer()), End::Reset);
    }
}

/// A ping may be queued behind data that it is still reading.
fn a_side_that_takes_output_has_its_time_for_a_pong_again<I: Inspects>() {
    let mut proxy = open::<I>(both(|direction| {
        direction.keepalive = Some(SECOND * 10);
        direction.pong = Some(SECOND * 5);
    }));
    let pong = |side| by(side, &[Frame::pong("")]);
    proxy.wait(SECOND * 10);
    proxy.send(Server, &pong(Server));
    proxy.inspector.output_blocked(Client, proxy.now);
    proxy.wait(SECOND * 4);
    proxy.inspector.output_taken(Client, proxy.now);
    proxy.wait(SECOND * 4);
    assert_eq!(proxy.broken(), None);
    proxy.wait(SECOND);
    assert_eq!(proxy.broken(), Some((Client, Rule::PongTimeout)));
}

fn a_side_that_takes_no_output_gets_no_ping_and_owes_no_pong<I: Inspects>() {
    let mut proxy = open::<I>(both(|direction| {
        direction.keepalive = Some(SECOND * 10);
        direction.pong = Some(SECOND * 5);
        direction.write = None;
    }));
    let pong = |side| by(side, &[Frame::pong("")]);
    proxy.inspector.output_blocked(Client, proxy.now);
    for _ in 0..10 {
        proxy.wait(SECOND * 9);
        proxy.send(Server, &pong(Server));
    }
    assert_eq!(proxy.broken(), None);
    assert_eq!(
        frames_that_reach(&mut proxy, Client),
        vec![Frame::pong(""); 10]
    );
    proxy.inspector.output_taken(Client, proxy.now);
    proxy.inspector.handle_timeout(proxy.now);
    proxy.forward();
    proxy.wait(SECOND * 4);
    let reached = frames_that_reach(&mut proxy, Client);
    assert_eq!((reached.len(), reached[0].first), (1, 0x89));
    proxy.wait(SECOND);
    assert_eq!(proxy.broken(), Some((Client, Rule::PongTimeout)));
}

on_both_inspectors!(
    a_side_that_takes_no_output_gets_no_ping_and_owes_no_pong,
    a_pong_is_known_whatever_came_with_the_end_of_the_frame_before_the_ping,
    no_more_pings_go_to_a_side_that_isnt_read_than_are_known,
    a_side_that_takes_no_output_is_cut_off_and_the_other_told,
    a_side_that_takes_no_output_while_it_closes_is_cut_off_too,
    a_side_that_takes_output_has_its_time_for_a_pong_again,
    a_side_that_sends_nothing_ends_the_connection,
    control_frames_are_no_messages,
    a_message_in_progress_is_not_idle_but_has_its_time,
    class_23_a_control_frame_that_comes_slowly_has_the_time_of_a_message,
    control_frames_that_are_cut_each_time_have_their_time_each,
    a_dead_side_is_found_by_pings,
    what_the_host_doesnt_read_doesnt_count,
    an_age_closes_both_sides_and_breaks_no_rule,
    an_unanswered_handshake_ends,
);
