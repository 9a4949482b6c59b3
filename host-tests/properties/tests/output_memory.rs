//! The memory of what waits to be written, however it is taken, as the allocator counts it.

use host_tests::Frame;
use websocket_component::{
    Action, ActionQueue, Completion, Config, Instant, Message, PongPolicy, Role, Rule, Session,
};

const NOW: Instant = Instant::from_nanos(0);
/// What little a session takes, whatever waits.
const LITTLE: u64 = 32 << 10;

fn open(role: Role, config: Config) -> Session {
    let session = match role {
        Role::Server => Session::open_server(config, Default::default(), NOW),
        Role::Client => Session::open_client(config, &[7; 32], Default::default(), NOW),
    };
    session.unwrap()
}

fn server() -> Session {
    open(Role::Server, Config::default())
}

/// The most memory that was taken at a time.
fn peak(run: impl FnOnce()) -> u64 {
    let measured = allocation_counter::measure(run);
    assert_eq!(measured.bytes_current, 0, "bytes that were not given back");
    measured.bytes_max
}

/// A host that always has one more message queued than its socket has taken.
fn keeps_ahead(mut write_one: impl FnMut(&mut Session)) {
    let mut session = server();
    let message = vec![1; 1000];
    for _ in 0..2 {
        session.send(Message::Binary(&message), None, NOW).unwrap();
    }
    for _ in 0..20_000 {
        session.send(Message::Binary(&message), None, NOW).unwrap();
        write_one(&mut session);
        assert_eq!(session.buffered_amount(), 2008);
        while session.sent().is_some() {}
    }
}

#[test]
fn a_host_that_keeps_ahead_of_its_socket_takes_no_more_with_time() {
    let written_in_place = |session: &mut Session| {
        let mut left = 1004;
        while left > 0 {
            let count = session.output().len().min(left);
            session.advance(count, NOW);
            left -= count;
        }
    };
    assert!(peak(|| keeps_ahead(written_in_place)) < LITTLE);
    let taken = |session: &mut Session| assert_eq!(session.take_output(1004, NOW).len(), 1004);
    assert!(peak(|| keeps_ahead(taken)) < LITTLE);
    let by_actions = |session: &mut Session| {
        let mut left = 1004;
        while left > 0 {
            match session.get_action(ActionQueue::Send, NOW) {
                Action::SendToNetwork(id, bytes) => {
                    let count = bytes.len().min(left);
                    let sent = Completion::Sent(count);
                    session.complete_action(id, sent, NOW).unwrap();
                    left -= count;
                }
                Action::IndicateSendComplete(id, _) => {
                    session
                        .complete_action(id, Completion::Acknowledged, NOW)
                        .unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
    };
    assert!(peak(|| keeps_ahead(by_actions)) < LITTLE);
}

#[test]
fn a_relay_that_is_read_more_slowly_takes_no_more_with_time() {
    const CAPACITY: usize = 16_384;
    let frame = Frame::binary([1; 3000]).masked([0; 4]).bytes();
    let taken = peak(|| {
        let (mut from, mut to) = (server(), open(Role::Client, Config::default()));
        let mut stream = Vec::new();
        let mut messages = 0;
        while messages < 20_000 {
            while stream.len() < CAPACITY {
                stream.extend_from_slice(&frame);
            }
            let relayed = from.relay(&mut to, &mut stream, NOW, CAPACITY);
            assert_eq!(relayed.target.refused, None);
            messages += relayed.messages;
            let consumed = relayed.source.consumed;
            stream.drain(..consumed);
        }
    });
    assert!(taken < 8 * CAPACITY as u64, "{taken}");
}

#[test]
fn a_full_queue_takes_no_more_memory_than_twice_its_limit() {
    let mut config = Config::default();
    config.limits.queued_output = 1 << 20;
    for length in [0, 1, 30, 125, 4000, 70_000, 500_000] {
        let payload = vec![1; length];
        let taken = peak(|| {
            let mut session = open(Role::Client, config);
            let mut context = 0;
            let refused = loop {
                if let Err(rule) = session.send(Message::Binary(&payload), Some(context), NOW) {
                    break rule;
                }
                context += 1;
            };
            assert_eq!(refused, Rule::QueueFull);
        });
        let allowed = 2 * config.limits.queued_output + LITTLE;
        assert!(taken < allowed, "{taken} bytes for messages of {length}");
    }
}

#[test]
fn a_queue_that_was_long_leaves_nothing_behind_while_a_message_waits() {
    let left = allocation_counter::measure(|| {
        let mut session = server();
        for _ in 0..100_000 {
            session.send(Message::Binary(&[1; 10]), None, NOW).unwrap();
        }
        while session.buffered_amount() > 12 {
            let count = session.output().len().min(session.buffered_amount() - 12);
            session.advance(count, NOW);
        }
        while session.sent().is_some() {}
        // It is kept until the end of the measurement, and more.
        std::mem::forget(session);
    });
    let left = left.bytes_current;
    assert!(
        (0..i64::try_from(3 * LITTLE).unwrap()).contains(&left),
        "{left}"
    );
}

#[test]
fn the_latest_pong_replaces_the_one_before_it_without_memory_for_each() {
    let mut config = Config::default();
    config.pongs = PongPolicy::Latest;
    let taken = peak(|| {
        let mut session = open(Role::Server, config);
        for number in 0..10_000_u32 {
            let mut ping = Frame::ping(number.to_be_bytes()).masked([0; 4]).bytes();
            while session.input(&mut ping, NOW).next().is_some() {}
            assert_eq!(session.buffered_amount(), 6);
        }
        assert_eq!(session.take_output(9, NOW), b"\x8a\x04\0\0\x27\x0f");
    });
    assert!(taken < LITTLE, "{taken}");
}
