//! Limits, and none.

use host_tests::engine::rule;
use host_tests::wire::{Frame, LengthForm};
use host_tests::{Engine, Event, ROLES, Subject, on_both_engines};
use websocket_component::{Config, Delivery, Message, Role, Rule, State};

on_both_engines![
    class_13_a_length_of_2_to_the_32_and_5,
    class_15_no_limit_is_no_overflow,
    class_06_a_flood_of_empty_fragments,
    class_21_a_send_beyond_the_high_water_mark_is_refused,
];

/// Truncated to 32 bits it is 5.
fn class_13_a_length_of_2_to_the_32_and_5<E: Engine>() {
    for role in ROLES {
        for length in [(1 << 32) + 5, 1 << 32, (1 << 40) + 5] {
            let mut subject = Subject::<E>::open(role, &Config::default());
            let frame = Frame::binary("hello").by(role.peer());
            let bytes = frame.bytes_with(LengthForm::SixtyFour, length);
            assert_eq!(subject.receives(bytes), []);
            assert_eq!(subject.has_failed(Rule::FrameTooBig), []);
        }
    }
}

fn unlimited() -> Config {
    let mut config = Config::default();
    config.limits.frame = u64::MAX;
    config.limits.message = u64::MAX;
    config.limits.fragments = u32::MAX;
    config.limits.queued_output = u64::MAX;
    config.limits.queued_pongs = u32::MAX;
    config.limits.head = u32::MAX;
    config.limits.refusal_body = u32::MAX;
    config.limits.headers = u32::MAX;
    config
}

fn class_15_no_limit_is_no_overflow<E: Engine>() {
    for role in ROLES {
        for delivery in [Delivery::Messages, Delivery::Streaming] {
            for length in [i64::MAX as u64, (1 << 32) + 5, u64::from(u32::MAX)] {
                let mut config = unlimited();
                config.delivery = delivery;
                let mut subject = Subject::<E>::open(role, &config);
                // The sum of the two lengths doesn't fit in 63 bits.
                subject.receives_frames(&[Frame::binary("hello").not_last()]);
                let frame = Frame::continuation("world").by(role.peer());
                let bytes = frame.bytes_with(LengthForm::SixtyFour, length);
                let events = subject.receives(bytes);
                assert_eq!(events.is_empty(), delivery == Delivery::Messages);
                // The frame is incomplete: what looks like another one is its payload.
                subject.receives_frames(&[Frame::new(0x3, "")]);
                assert_eq!(subject.failed_by(), None);
                subject.sends(Message::Binary(&[0; 100])).unwrap();
                assert_eq!(subject.writes(), [Frame::binary([0; 100])]);
            }
        }
    }
}

fn class_06_a_flood_of_empty_fragments<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Client, &Config::default());
    let empty = Frame::continuation("").not_last().bytes();
    subject.receives(Frame::binary("").not_last().bytes());
    subject.receives(empty.repeat(65_535));
    assert_eq!(subject.failed_by(), None);
    subject.receives(&empty);
    assert_eq!(subject.has_failed(Rule::TooManyFragments), []);
}

fn class_21_a_send_beyond_the_high_water_mark_is_refused<E: Engine>() {
    let mut config = Config::default();
    config.limits.queued_output = 1000;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.queues(Message::Binary(&[0; 900])).unwrap();
        let waiting = subject.engine.buffered_amount();
        for message in [
            Message::Binary(&[0; 900]),
            Message::BinaryFragment(&[0; 900]),
            Message::Ping(&[0; 125]),
        ] {
            assert_eq!(rule(subject.queues(message)), Rule::QueueFull);
            assert_eq!(subject.engine.buffered_amount(), waiting);
        }
        // The session stays open: it receives, sends when there is room, and closes.
        let events = subject.receives_frames(&[Frame::text("hello")]);
        assert_eq!(events, [Event::text("hello")]);
        subject.sends(Message::Binary(&[1; 900])).unwrap();
        let expected = [Frame::binary([0; 900]), Frame::binary([1; 900])];
        assert_eq!(subject.writes(), expected);
        // A single message may be longer.
        subject.queues(Message::Binary(&[0; 3000])).unwrap();
        assert_eq!(rule(subject.queues(Message::Text(""))), Rule::QueueFull);
        subject
            .queues(Message::CloseWith(1000, &[b'x'; 123]))
            .unwrap();
        assert_eq!(subject.state(), State::Closing);
    }
}
