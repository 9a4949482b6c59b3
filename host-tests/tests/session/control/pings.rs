//! Pings and pongs.

use std::time::Duration;

use host_tests::wire::Frame;
use host_tests::{ActionIs, Engine, Event, ROLES, Subject, on_both_engines};
use websocket_component::{
    ActionQueue, Completion, Config, Message, PongPolicy, Role, Rule, State,
};

on_both_engines![
    each_ping_gets_its_pong_in_order,
    pongs_go_between_fragments,
    pongs_overtake_queued_messages_but_not_a_frame_that_was_begun,
    the_policy_latest_answers_the_latest,
    the_policy_manual_leaves_pongs_to_the_host,
    pings_and_pongs_are_shown_on_request,
    a_ping_carries_what_the_host_gives,
    a_pong_that_no_ping_asked_for,
    a_pong_is_matched_to_its_ping_and_timed,
    a_pong_answers_the_pings_before_it_too,
    class_20_a_ping_flood_ends_in_1008,
    class_20_a_ping_flood_that_is_drained_goes_on,
    class_20_pongs_may_fill_their_limit,
];

fn each_ping_gets_its_pong_in_order<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let longest = [b'x'; 125];
        let events = subject.receives_frames(&[
            Frame::ping("1"),
            Frame::ping(""),
            Frame::text("x"),
            Frame::ping(longest),
            Frame::ping("1"),
        ]);
        assert_eq!(events, [Event::text("x")]);
        let pongs = ["1".as_bytes(), b"", &longest, b"1"].map(Frame::pong);
        assert_eq!(subject.writes(), pongs);
    }
}

fn pongs_go_between_fragments<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.sends(Message::TextFragment("a")).unwrap();
        subject.receives_frames(&[Frame::ping("?")]);
        subject.sends(Message::Text("b")).unwrap();
        let expected = [
            Frame::text("a").not_last(),
            Frame::pong("?"),
            Frame::continuation("b"),
        ];
        assert_eq!(subject.writes(), expected);
    }
}

fn pongs_overtake_queued_messages_but_not_a_frame_that_was_begun<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.queues(Message::Text("begun")).unwrap();
        subject.queues(Message::Text("waiting")).unwrap();
        subject.exchange_within(&[], 1);
        subject.receives_frames(&[Frame::ping("?")]);
        let expected = [
            Frame::text("begun"),
            Frame::pong("?"),
            Frame::text("waiting"),
        ];
        assert_eq!(subject.writes(), expected);
    }
}

fn the_policy_latest_answers_the_latest<E: Engine>() {
    let mut config = Config::default();
    config.pongs = PongPolicy::Latest;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let pings = ["1", "2", "3"].map(Frame::ping);
        subject.receives_frames(&pings);
        assert_eq!(subject.writes(), [Frame::pong("3")]);
        subject.receives_frames(&pings[..1]);
        assert_eq!(subject.writes(), [Frame::pong("1")]);
        // However many there are, only one pong is queued: no flood.
        let flood = subject.peers(&[Frame::ping([b'x'; 125])]).repeat(2000);
        subject.receives(flood);
        assert_eq!(subject.writes(), [Frame::pong([b'x'; 125])]);
    }
}

fn the_policy_manual_leaves_pongs_to_the_host<E: Engine>() {
    let mut config = Config::default();
    config.pongs = PongPolicy::Manual;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.receives_frames(&[Frame::ping("?"), Frame::pong("!")]);
    assert_eq!(events, [Event::Ping(b"?".into())]);
    assert_eq!(subject.writes(), []);
    subject.sends(Message::Pong(b"?")).unwrap();
    assert_eq!(subject.writes(), [Frame::pong("?")]);
}

fn pings_and_pongs_are_shown_on_request<E: Engine>() {
    let mut config = Config::default();
    config.report_control_frames = true;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let events = subject.receives_frames(&[Frame::ping("?"), Frame::pong("!")]);
        let expected = [Event::Ping(b"?".into()), Event::Pong(b"!".into(), None)];
        assert_eq!(events, expected);
        assert_eq!(subject.writes(), [Frame::pong("?")]);
    }
}

fn a_ping_carries_what_the_host_gives<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        for payload in [&b""[..], b"\0\xff", &[7; 125]] {
            subject.sends(Message::Ping(payload)).unwrap();
            assert_eq!(subject.writes(), [Frame::ping(payload)]);
        }
    }
}

fn a_pong_that_no_ping_asked_for<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.sends(Message::Pong(b"alive")).unwrap();
        assert_eq!(subject.writes(), [Frame::pong("alive")]);
        assert_eq!(subject.receives_frames(&[Frame::pong("me too")]), []);
        assert_eq!(subject.writes(), []);
        assert_eq!(subject.engine.round_trip_time(), None);
    }
}

fn a_pong_is_matched_to_its_ping_and_timed<E: Engine>() {
    let mut config = Config::default();
    config.report_control_frames = true;
    let mut subject = Subject::<E>::open(Role::Client, &config);
    subject.sends(Message::Ping(b"1")).unwrap();
    subject.waits(Duration::from_millis(3));
    subject.sends(Message::Ping(b"2")).unwrap();
    subject.waits(Duration::from_millis(4));
    let events = subject.receives_frames(&[
        Frame::pong("1"),
        Frame::pong("1"),
        Frame::pong("2"),
        Frame::pong("3"),
    ]);
    let expected = [
        Event::Pong(b"1".into(), Some(7_000_000)),
        Event::Pong(b"1".into(), None),
        Event::Pong(b"2".into(), Some(4_000_000)),
        Event::Pong(b"3".into(), None),
    ];
    assert_eq!(events, expected);
    assert_eq!(subject.engine.round_trip_time(), Some(4_000_000));
}

/// A peer may answer only the latest of several pings (RFC 6455, section 5.5.3).
fn a_pong_answers_the_pings_before_it_too<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.keepalive = None;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for payload in [b"1", b"2", b"3"] {
        subject.sends(Message::Ping(payload)).unwrap();
    }
    subject.receives_frames(&[Frame::pong("2")]);
    subject.waits(Duration::from_secs(10));
    subject.receives_frames(&[Frame::pong("3")]);
    subject.waits(Duration::from_secs(1000));
    assert_eq!(subject.failed_by(), None);
}

fn class_20_a_ping_flood_ends_in_1008<E: Engine>() {
    let mut config = Config::default();
    config.limits.queued_pongs = 10_000;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let ping = subject.peers(&[Frame::ping([b'x'; 125])]);
        let mut heard = 0;
        let mut most = 0;
        subject.engine.receive(None).unwrap();
        while read_without_writing(&mut subject, &ping) {
            heard += 1;
            most = most.max(subject.engine.buffered_amount());
            assert!(heard < 200, "no end of the flood");
        }
        assert!(heard >= 10_000 / 131, "{heard} are no flood yet");
        assert!(most <= 10_000 + 131, "{most} bytes of pongs waited");
        // The pong whose write was pending all the time.
        let written = subject.has_failed(Rule::PingFlood);
        assert_eq!(written, [Frame::pong([b'x'; 125])]);
    }
}

/// Completes the next read with these bytes, while a write never completes. Returns whether there was one.
fn read_without_writing<E: Engine>(subject: &mut Subject<E>, bytes: &[u8]) -> bool {
    let now = subject.now;
    loop {
        match subject.engine.get_action(ActionQueue::Receive, now) {
            ActionIs::SendToNetwork(..) => {}
            ActionIs::ReceiveFromNetwork(id, _) => {
                let read = Completion::Read(bytes);
                subject.engine.complete_action(id, read, now).unwrap();
                return true;
            }
            other => {
                assert!(matches!(other, ActionIs::ReceiveComplete(_, None, None)));
                return false;
            }
        }
    }
}

fn class_20_a_ping_flood_that_is_drained_goes_on<E: Engine>() {
    let mut config = Config::default();
    config.limits.queued_pongs = 1000;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    for _ in 0..1000 {
        subject.receives_frames(&[Frame::ping([b'x'; 125])]);
    }
    assert_eq!(subject.writes().len(), 1000);
    assert_eq!(subject.state(), State::Open);
}

fn class_20_pongs_may_fill_their_limit<E: Engine>() {
    let pings = ["1", "2", "3"].map(Frame::ping);
    let pongs = ["1", "2", "3"].map(Frame::pong);
    let size = pongs.iter().map(|pong| pong.bytes().len() as u32).sum();
    for (limit, failure) in [(size, None), (size - 1, Some(Rule::PingFlood))] {
        let mut config = Config::default();
        config.limits.queued_pongs = limit;
        let mut subject = Subject::<E>::open(Role::Server, &config);
        subject.receives_frames(&pings);
        assert_eq!(subject.failed_by(), failure, "with a limit of {limit}");
    }
}
