//! Deadlines, on virtual time.

use std::time::Duration;

use host_tests::engine::{ENTROPY, ROLES};
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Pair, Subject, heads, on_both_engines};
use websocket_component::handshake::Request;
use websocket_component::{ActionQueue, Config, Instant, Message, Role, Rule, State, Timeouts};

on_both_engines![
    class_23_a_handshake_that_trickles_ends_in_408,
    a_client_whose_request_is_not_answered_gives_up,
    the_hosts_own_time_is_not_the_peers,
    a_silent_peer_is_idle,
    any_byte_postpones_the_idle_deadline,
    class_23_a_header_that_trickles,
    class_23_a_fragment_that_never_ends,
    class_23_a_message_of_fragments_that_never_ends,
    a_message_that_ends_in_time_is_forgotten,
    control_frames_cut_at_the_same_place_again_and_again_are_no_message,
    a_keepalive_ping_is_sent_at_its_interval,
    any_byte_postpones_the_keepalive,
    a_ping_without_its_pong,
    a_pong_that_came_late_in_the_hosts_time_counts,
    keepalive_pings_do_not_pile_up_when_nothing_can_be_written,
    class_22_a_close_that_is_not_answered,
    class_22_a_close_stuck_behind_a_queue,
    class_22_a_close_that_is_not_taken,
    class_23_a_close_that_trickles,
    a_deadline_is_in_the_future_after_each_call,
    no_deadline_is_missed_when_time_jumps,
    the_last_reading_of_the_clock_ends_nothing_twice,
    time_that_runs_backwards_stands_still,
    without_timeouts_there_is_no_deadline,
    a_pair_stays_open_by_keepalives,
    a_pair_whose_cable_is_cut_notices_on_both_sides,
];

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

/// No deadline but those that a test sets.
fn quiet() -> Config {
    let mut config = Config::default();
    config.timeouts.handshake = None;
    config.timeouts.idle = None;
    config.timeouts.message = None;
    config.timeouts.keepalive = None;
    config.timeouts.pong = None;
    config.timeouts.close = None;
    config
}

fn config(set: impl FnOnce(&mut Timeouts)) -> Config {
    let mut config = quiet();
    set(&mut config.timeouts);
    config
}

/// The session goes on until a moment before the deadline, and fails at it.
#[track_caller]
fn fails_in<E: Engine>(subject: &mut Subject<E>, span: Duration, rule: Rule) {
    assert_eq!(subject.next_deadline(), Some(span));
    subject.waits(span - NANO);
    assert_eq!(subject.failed_by(), None, "too early");
    assert_eq!(subject.waits(NANO), []);
    assert_eq!(subject.failed_by(), Some(rule));
}

fn class_23_a_handshake_that_trickles_ends_in_408<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    for said in [0, 1, 20, heads::request().len() - 1] {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        subject.hears(&heads::request()[..said]);
        subject.waits(4 * SECOND);
        fails_in(&mut subject, 6 * SECOND, Rule::HandshakeTimeout);
        let head = subject.writes_text();
        assert!(
            head.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{head}"
        );
        assert_eq!(heads::field(&head, "Connection"), Some("close"));
        assert_eq!(subject.state(), State::Closed);
    }
}

fn a_client_whose_request_is_not_answered_gives_up<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Client, &config);
    let request = Request::new("example.org", "/");
    subject.engine.connect(&request).unwrap();
    subject.writes_bytes();
    subject.hears("HTTP/1.1 101 Switching");
    fails_in(&mut subject, 10 * SECOND, Rule::HandshakeTimeout);
    assert_eq!(subject.writes_bytes(), b"");
    assert_eq!(subject.state(), State::Closed);
}

fn the_hosts_own_time_is_not_the_peers<E: Engine>() {
    let config = config(|timeouts| timeouts.handshake = Some(10 * SECOND));
    let mut subject = Subject::<E>::new(Role::Server, &config);
    assert_eq!(subject.hears(heads::request()), [Event::Request]);
    assert_eq!(subject.next_deadline(), None);
    subject.waits(100 * SECOND);
    subject.engine.accept(&Default::default()).unwrap();
    assert_eq!(subject.state(), State::Open);
}

fn a_silent_peer_is_idle<E: Engine>() {
    let config = config(|timeouts| timeouts.idle = Some(60 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        fails_in(&mut subject, 60 * SECOND, Rule::IdleTimeout);
        assert_eq!(subject.has_failed(Rule::IdleTimeout), []);
    }
}

fn any_byte_postpones_the_idle_deadline<E: Engine>() {
    let config = config(|timeouts| timeouts.idle = Some(60 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for byte in Frame::text("x").by(Role::Client).bytes() {
        subject.waits(59 * SECOND);
        subject.hears([byte]);
        assert_eq!(subject.next_deadline(), Some(60 * SECOND));
    }
    // What the host sends is no sign of life of the peer's.
    subject.waits(30 * SECOND);
    subject.says(Message::Text("hello")).unwrap();
    fails_in(&mut subject, 30 * SECOND, Rule::IdleTimeout);
}

/// Says bytes one after the other with a second between them, and checks that the message deadline comes 20 seconds
/// after the first.
#[track_caller]
fn trickles<E: Engine>(role: Role, bytes: &[u8]) {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(role, &config);
    assert_eq!(subject.next_deadline(), None);
    for (seconds, byte) in (0..20).zip(bytes.iter().cycle()) {
        subject.hears([*byte]);
        let left = (20 - seconds) * SECOND;
        assert_eq!(subject.next_deadline(), Some(left));
        subject.waits(SECOND);
    }
    assert_eq!(subject.has_failed(Rule::MessageTimeout), []);
}

fn class_23_a_header_that_trickles<E: Engine>() {
    for role in ROLES {
        let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
        let mut subject = Subject::<E>::open(role, &config);
        let header = Frame::binary("").header(1 << 20);
        subject.hears(&subject.peers(&[Frame::text("x")]));
        subject.hears(&header[..1]);
        fails_in(&mut subject, 20 * SECOND, Rule::MessageTimeout);
        assert_eq!(subject.has_failed(Rule::MessageTimeout), []);
    }
}

fn class_23_a_fragment_that_never_ends<E: Engine>() {
    let bytes = Frame::binary([0; 100]).masked([0; 4]).bytes();
    trickles::<E>(Role::Server, &bytes);
    trickles::<E>(Role::Client, &Frame::binary([0; 100]).bytes());
}

fn class_23_a_message_of_fragments_that_never_ends<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Client, &config);
    subject.hears_frames(&[Frame::text("x").not_last()]);
    for _ in 0..19 {
        subject.waits(SECOND);
        let more = Frame::continuation("x").not_last();
        subject.hears_frames(&[more, Frame::ping("?")]);
    }
    subject.writes();
    fails_in(&mut subject, SECOND, Rule::MessageTimeout);
}

fn a_message_that_ends_in_time_is_forgotten<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let bytes = subject.peers(&[Frame::text("1"), Frame::text("2")]);
        let (head, tail) = bytes.split_at(bytes.len() - 1);
        for _ in 0..4 {
            // Each input ends one message and begins another.
            assert_eq!(subject.hears(head), [Event::text("1")]);
            subject.waits(19 * SECOND);
            assert_eq!(subject.hears(tail), [Event::text("2")]);
            assert_eq!(subject.next_deadline(), None);
        }
        subject.hears(head);
        for _ in 0..4 {
            subject.waits(19 * SECOND);
            let events = subject.hears([tail, head].concat());
            assert_eq!(events, [Event::text("2"), Event::text("1")]);
            assert_eq!(subject.next_deadline(), Some(20 * SECOND));
        }
    }
}

/// Each input ends a ping and begins another: there is always an unfinished frame, but never for long.
fn control_frames_cut_at_the_same_place_again_and_again_are_no_message<E: Engine>() {
    let config = config(|timeouts| timeouts.message = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let ping = subject.peers(&[Frame::ping("?")]);
        let (head, tail) = ping.split_at(1);
        subject.hears(head);
        for _ in 0..10 {
            subject.waits(15 * SECOND);
            subject.hears([tail, head].concat());
            assert_eq!(subject.failed_by(), None);
        }
    }
}

fn a_keepalive_ping_is_sent_at_its_interval<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(30 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let mut payloads = Vec::new();
        for _ in 0..3 {
            assert_eq!(subject.next_deadline(), Some(30 * SECOND));
            subject.waits(30 * SECOND - NANO);
            assert_eq!(subject.writes(), []);
            subject.waits(NANO);
            let mut written = subject.writes();
            let ping = written.pop().expect("a ping");
            assert_eq!(ping, Frame::ping(&ping.payload));
            assert_eq!(written, []);
            payloads.push(ping.payload);
        }
        payloads.dedup();
        assert_eq!(payloads.len(), 3, "each has a payload of its own");
    }
}

fn any_byte_postpones_the_keepalive<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(30 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for byte in Frame::text("x").by(Role::Client).bytes() {
        subject.waits(29 * SECOND);
        subject.hears([byte]);
        assert_eq!(subject.next_deadline(), Some(30 * SECOND));
    }
    assert_eq!(subject.writes(), []);
}

fn a_ping_without_its_pong<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.says(Message::Ping(b"1")).unwrap();
        subject.waits(5 * SECOND);
        subject.says(Message::Ping(b"2")).unwrap();
        assert_eq!(subject.next_deadline(), Some(15 * SECOND));
        subject.hears_frames(&[Frame::pong("1"), Frame::pong("other")]);
        // Only the second is left.
        fails_in(&mut subject, 20 * SECOND, Rule::PongTimeout);
        let pings = [Frame::ping("1"), Frame::ping("2")];
        assert_eq!(subject.has_failed(Rule::PongTimeout), pings);
    }
}

fn a_pong_that_came_late_in_the_hosts_time_counts<E: Engine>() {
    let config = config(|timeouts| timeouts.pong = Some(20 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.says(Message::Ping(b"1")).unwrap();
    subject.now = subject.now.after(25 * SECOND);
    subject.hears_frames(&[Frame::pong("1")]);
    assert_eq!(subject.failed_by(), None);
    assert_eq!(subject.next_deadline(), None);
    let round_trip = subject.engine.round_trip_time();
    assert_eq!(round_trip, Some(25_000_000_000));
}

fn keepalive_pings_do_not_pile_up_when_nothing_can_be_written<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(SECOND));
    let mut engine = E::open(Role::Server, &config, &Default::default()).unwrap();
    let mut now = Instant::from_nanos(0);
    engine.send(Message::Text("first"), None, now).unwrap();
    for _ in 0..1000 {
        now = now.after(SECOND);
        // The host tells the time, and takes nothing.
        engine.get_action(ActionQueue::Receive, now);
    }
    assert!(engine.buffered_amount() < 100);
}

fn class_22_a_close_that_is_not_answered<E: Engine>() {
    let config = config(|timeouts| timeouts.close = Some(10 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.says(Message::CloseWith(1000, b"bye")).unwrap();
        assert_eq!(subject.writes(), [Frame::close(1000, "bye")]);
        // Other frames don't postpone it.
        subject.waits(5 * SECOND);
        subject.hears_frames(&[Frame::text("still here"), Frame::ping("?")]);
        subject.writes();
        fails_in(&mut subject, 5 * SECOND, Rule::CloseTimeout);
        assert_eq!(subject.state(), State::Closed);
        assert_eq!(subject.writes(), []);
        assert_eq!(subject.next_deadline(), None);
    }
}

fn class_22_a_close_stuck_behind_a_queue<E: Engine>() {
    let config = config(|timeouts| timeouts.close = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Binary(&[0; 100_000])).unwrap();
    subject.queues(Message::Close).unwrap();
    let turn = subject.turn_of(&[], 5);
    assert_eq!(turn.state, State::Closing);
    subject.now = subject.now.after(10 * SECOND);
    let turn = subject.turn_of(&[], 5);
    assert_eq!(turn.state, State::Closed);
    assert_eq!(turn.output, b"");
    assert_eq!(subject.failed_by(), Some(Rule::CloseTimeout));
    assert_eq!(subject.engine.buffered_amount(), 0);
}

/// The closing frames are exchanged, but the transport takes no more.
fn class_22_a_close_that_is_not_taken<E: Engine>() {
    let config = config(|timeouts| timeouts.close = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Text("stuck")).unwrap();
    let close = subject.peers(&[Frame::close(1000, "")]);
    let turn = subject.engine.exchange(&close, &[], subject.now, 1);
    assert_eq!(turn.events, [Event::close(1000, "")]);
    assert_eq!(turn.state, State::Closing);
    subject.now = subject.now.after(10 * SECOND);
    let turn = subject.turn_of(&[], 1);
    assert_eq!(turn.state, State::Closed);
    assert_eq!(turn.next_deadline, None);
}

fn class_23_a_close_that_trickles<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.close = Some(10 * SECOND);
        timeouts.message = Some(20 * SECOND);
    });
    let mut subject = Subject::<E>::open(Role::Client, &config);
    // Not begun by us: any unfinished frame has the message's time.
    subject.hears(&Frame::close(1000, "bye").bytes()[..3]);
    fails_in(&mut subject, 20 * SECOND, Rule::MessageTimeout);
    let mut subject = Subject::<E>::open(Role::Client, &config);
    subject.says(Message::Close).unwrap();
    for byte in &Frame::close(1000, "so long").bytes()[..9] {
        subject.waits(SECOND);
        subject.hears([*byte]);
    }
    fails_in(&mut subject, SECOND, Rule::CloseTimeout);
}

fn all_deadlines() -> Config {
    config(|timeouts| {
        timeouts.handshake = Some(10 * SECOND);
        timeouts.idle = Some(100 * SECOND);
        timeouts.message = Some(50 * SECOND);
        timeouts.keepalive = Some(7 * SECOND);
        timeouts.pong = Some(13 * SECOND);
        timeouts.close = Some(3 * SECOND);
    })
}

fn a_deadline_is_in_the_future_after_each_call<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &all_deadlines());
        let ping = subject.peers(&[Frame::pong("x"), Frame::text("y").not_last()]);
        for step in 0..500_u64 {
            subject.now = subject.now.after(Duration::from_millis(step * 37 % 9000));
            subject.hears([ping[step as usize % ping.len()]]);
            let at = subject.engine.next_deadline();
            assert!(at.is_none_or(|at| at > subject.now), "at step {step}");
        }
        assert_eq!(subject.state(), State::Closed);
    }
}

/// Whoever sleeps through all deadlines gets what whoever was called at each of them got, only later.
fn no_deadline_is_missed_when_time_jumps<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &all_deadlines());
        subject.waits(1000 * SECOND);
        assert_eq!(subject.state(), State::Closed);
        assert_eq!(subject.failed_by(), Some(Rule::IdleTimeout));
        let mut subject = Subject::<E>::new(role, &all_deadlines());
        subject.waits(1000 * SECOND);
        assert_eq!(subject.failed_by(), Some(Rule::HandshakeTimeout));
        let mut subject = Subject::<E>::open(role, &all_deadlines());
        subject.says(Message::Close).unwrap();
        subject.waits(1000 * SECOND);
        assert_eq!(subject.failed_by(), Some(Rule::CloseTimeout));
    }
}

/// A deadline that would come after the clock's last reading never comes (class 16: no call hangs).
fn the_last_reading_of_the_clock_ends_nothing_twice<E: Engine>() {
    let end = Instant::from_nanos(u64::MAX);
    let mut config = all_deadlines();
    config.timeouts.idle = None;
    config.timeouts.pong = None;
    let mut engine = E::open(Role::Server, &config, &Default::default()).unwrap();
    engine.exchange(b"", &[], end, 1);
    let turn = engine.exchange(b"", &[], end, 1);
    assert_eq!((turn.output, turn.failure), (vec![], None));
    assert_eq!(turn.next_deadline, None);
    let mut config = quiet();
    config.timeouts.idle = Some(Duration::MAX);
    config.timeouts.keepalive = Some(Duration::MAX);
    let mut engine = E::open(Role::Server, &config, &Default::default()).unwrap();
    let turn = engine.exchange(b"", &[], end, 1);
    assert_eq!((turn.output, turn.failure), (vec![], None));
}

fn time_that_runs_backwards_stands_still<E: Engine>() {
    let config = config(|timeouts| timeouts.keepalive = Some(30 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let first = subject.engine.next_deadline();
    subject.now = Instant::from_nanos(1);
    subject.hears_frames(&[Frame::text("x")]);
    assert_eq!(subject.engine.next_deadline(), first);
}

fn without_timeouts_there_is_no_deadline<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &quiet());
        subject.says(Message::Ping(b"")).unwrap();
        subject.hears_frames(&[Frame::text("x").not_last()]);
        assert_eq!(subject.next_deadline(), None);
        subject.waits(Duration::from_secs(1 << 30));
        assert_eq!(subject.state(), State::Open);
        subject.says(Message::Close).unwrap();
        assert_eq!(subject.next_deadline(), None);
        let mut engine = match role {
            Role::Client => E::client(&quiet(), &ENTROPY).unwrap(),
            Role::Server => E::server(&quiet()).unwrap(),
        };
        engine.exchange(b"", &[], subject.now, 1);
        assert_eq!(engine.next_deadline(), None);
    }
}

fn a_pair_stays_open_by_keepalives<E: Engine>() {
    let mut client = config(|timeouts| {
        timeouts.idle = Some(60 * SECOND);
        timeouts.pong = Some(SECOND);
        timeouts.keepalive = Some(30 * SECOND);
    });
    client.show_control = true;
    let mut pair = Pair::<E>::open(&client, &quiet());
    pair.run_for(Duration::from_secs(3600));
    assert_eq!(pair.states(), (State::Open, State::Open));
    let events = pair.client.events();
    // The interval, and the 40 ms that a pong takes, after which the next begins.
    assert_eq!(events.len(), 119);
    for event in events {
        assert!(matches!(event, Event::Pong(_, Some(40_000_000))));
    }
    assert_eq!(pair.client.engine.round_trip_time(), Some(40_000_000));
}

fn a_pair_whose_cable_is_cut_notices_on_both_sides<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.client_says(Message::Text("hello")).unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.server.events(), [Event::text("hello")]);
    pair.client.wire.is_cut = true;
    pair.server.wire.is_cut = true;
    // A keepalive after 30 s, its pong within 20.
    pair.run_for(48 * SECOND);
    assert_eq!(pair.states(), (State::Open, State::Open));
    pair.run_for(3 * SECOND);
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    for failure in [pair.client.engine.failure(), pair.server.engine.failure()] {
        let rule = failure.map(|failure| failure.rule);
        assert_eq!(rule, Some(Rule::PongTimeout));
    }
}
