//! Frames that break a rule (RFC 6455, section 5): the rule is reported at the first invalid byte, and ends the session
//! with its close code. There is a test for each rule.

use host_tests::wire::{
    self, BINARY, CLOSE, CONTINUATION, FIN, Frame, LengthForm, PING, PONG, RSV1, RSV2, RSV3, TEXT,
};
use host_tests::{Engine, Event, ROLES, Subject, on_both_engines};
use websocket_component::{Config, Message, Role, Rule, State};

on_both_engines![
    reserved_bits,
    reserved_opcodes,
    fragmented_control_frames,
    control_frames_over_125_bytes,
    frames_of_a_client_without_a_mask,
    frames_of_a_server_with_a_mask,
    lengths_not_in_their_shortest_form,
    class_12_a_64_bit_length_with_its_top_bit,
    continuations_of_nothing,
    messages_inside_messages,
    frames_over_the_limit,
    messages_over_the_limit,
    fragments_over_the_limit,
    class_07_a_close_with_one_byte,
    class_07_a_close_with_a_reserved_code,
    class_07_a_close_whose_reason_is_not_utf8,
    text_that_is_not_utf8,
    a_failed_session_is_drained_byte_by_byte,
    what_was_queued_before_a_rule_is_broken_goes_out,
    a_failed_session_answers_the_pings_that_came_before,
    without_close_on_failure_no_close_is_written,
    a_rule_broken_after_our_close_adds_no_second_close,
];

/// Whole bytes that break a rule, between two messages: the first arrives, nothing after it does.
#[track_caller]
fn break_rule<E: Engine>(role: Role, config: &Config, before: &[Frame], bad: &[u8], rule: Rule) {
    let mut subject = Subject::<E>::open(role, config);
    let hello = subject.peers(&[Frame::text("hello")]);
    let before = subject.peers(before);
    let after = subject.peers(&[Frame::text("after")]);
    let events = subject.receives([&hello, &before, bad, &after].concat());
    assert_eq!(events, [Event::text("hello")], "{rule:?}");
    assert_eq!(subject.has_failed(rule), [], "{rule:?}");
}

/// The same, and byte by byte: it fails when it gets the byte at `index`, and not before.
#[track_caller]
fn break_rule_at<E: Engine>(
    role: Role,
    config: &Config,
    before: &[Frame],
    bad: &[u8],
    index: usize,
    rule: Rule,
) {
    break_rule::<E>(role, config, before, bad, rule);
    let mut subject = Subject::<E>::open(role, config);
    subject.receives_frames(before);
    for (at, byte) in bad[..=index].iter().enumerate() {
        assert_eq!(subject.failed_by(), None, "{bad:02x?} before byte {at}");
        assert_eq!(subject.receives([*byte]), []);
    }
    assert_eq!(subject.failed_by(), Some(rule), "{bad:02x?} at {index}");
    assert_eq!(subject.has_failed(rule), []);
}

fn config() -> Config {
    Config::default()
}

fn started() -> [Frame; 1] {
    [Frame::text("start").not_last()]
}

fn reserved_bits<E: Engine>() {
    for role in ROLES {
        for bits in [RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3] {
            for frame in [Frame::text("x"), Frame::binary(""), Frame::ping("?")] {
                let bad = frame.reserved(bits).by(role.peer()).bytes();
                break_rule_at::<E>(role, &config(), &[], &bad, 0, Rule::ReservedBits);
            }
            let bad = Frame::continuation("x").reserved(bits).by(role.peer());
            break_rule_at::<E>(
                role,
                &config(),
                &started(),
                &bad.bytes(),
                0,
                Rule::ReservedBits,
            );
        }
    }
}

fn reserved_opcodes<E: Engine>() {
    for role in ROLES {
        for opcode in (0x3..=0x7).chain(0xb..=0xf) {
            let bad = Frame::new(opcode, "x").by(role.peer()).bytes();
            break_rule_at::<E>(role, &config(), &[], &bad, 0, Rule::ReservedOpcode);
            break_rule_at::<E>(role, &config(), &started(), &bad, 0, Rule::ReservedOpcode);
        }
    }
}

fn fragmented_control_frames<E: Engine>() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            let bad = Frame::new(opcode, "").not_last().by(role.peer());
            let rule = Rule::ControlFragmented;
            break_rule_at::<E>(role, &config(), &[], &bad.bytes(), 0, rule);
        }
    }
}

fn control_frames_over_125_bytes<E: Engine>() {
    for role in ROLES {
        for opcode in [CLOSE, PING, PONG] {
            for length in [126, 127, 65_536] {
                let bad = Frame::new(opcode, vec![b'x'; length]).by(role.peer());
                let rule = Rule::ControlTooLong;
                break_rule_at::<E>(role, &config(), &[], &bad.bytes(), 1, rule);
                break_rule_at::<E>(role, &config(), &started(), &bad.bytes(), 1, rule);
            }
        }
        let mut subject = Subject::<E>::open(role, &config());
        let longest = [b'x'; 125];
        subject.receives_frames(&[Frame::ping(longest)]);
        assert_eq!(subject.writes(), [Frame::pong(longest)]);
    }
}

fn frames_of_a_client_without_a_mask<E: Engine>() {
    for frame in [Frame::text("x"), Frame::text(""), Frame::ping("")] {
        let rule = Rule::FrameNotMasked;
        break_rule_at::<E>(Role::Server, &config(), &[], &frame.bytes(), 1, rule);
    }
}

fn frames_of_a_server_with_a_mask<E: Engine>() {
    for frame in [Frame::text("x"), Frame::text(""), Frame::ping("")] {
        let bad = frame.masked([0; 4]).bytes();
        break_rule_at::<E>(Role::Client, &config(), &[], &bad, 1, Rule::FrameMasked);
    }
}

fn lengths_not_in_their_shortest_form<E: Engine>() {
    for role in ROLES {
        let frame = |length| Frame::binary(vec![1; length]).by(role.peer());
        for length in [0, 1, 125] {
            let bad = frame(length).bytes_with(LengthForm::Sixteen, length as u64);
            break_rule_at::<E>(role, &config(), &[], &bad, 3, Rule::LengthNotMinimal);
        }
        for length in [0, 125, 126, 65_535] {
            let bad = frame(length).bytes_with(LengthForm::SixtyFour, length as u64);
            // The sixth byte of the length shows that the last two are enough.
            break_rule_at::<E>(role, &config(), &[], &bad, 7, Rule::LengthNotMinimal);
        }
        let mut subject = Subject::<E>::open(role, &config());
        for length in [125, 126, 65_535, 65_536] {
            let events = subject.receives(frame(length).bytes());
            assert_eq!(events, [Event::binary(vec![1; length])]);
        }
    }
}

fn class_12_a_64_bit_length_with_its_top_bit<E: Engine>() {
    let mut config = config();
    config.limits.frame = u64::MAX;
    config.limits.message = u64::MAX;
    for role in ROLES {
        for length in [1 << 63, (1 << 63) + 5, u64::MAX] {
            let bad = Frame::binary("x")
                .by(role.peer())
                .bytes_with(LengthForm::SixtyFour, length);
            break_rule_at::<E>(role, &config, &[], &bad, 2, Rule::LengthTopBit);
            let bad = Frame::continuation("x")
                .by(role.peer())
                .bytes_with(LengthForm::SixtyFour, length);
            break_rule_at::<E>(role, &config, &started(), &bad, 2, Rule::LengthTopBit);
        }
    }
}

fn continuations_of_nothing<E: Engine>() {
    for role in ROLES {
        for bad in [
            Frame::continuation("x"),
            Frame::continuation("").not_last(),
            Frame::new(CONTINUATION, [0; 200]),
        ] {
            let bad = bad.by(role.peer()).bytes();
            let rule = Rule::UnexpectedContinuation;
            break_rule_at::<E>(role, &config(), &[], &bad, 0, rule);
        }
    }
}

fn messages_inside_messages<E: Engine>() {
    for role in ROLES {
        for opcode in [TEXT, BINARY] {
            for frame in [Frame::new(opcode, "x"), Frame::new(opcode, "").not_last()] {
                let bad = frame.by(role.peer()).bytes();
                let rule = Rule::MessageInterleaved;
                break_rule_at::<E>(role, &config(), &started(), &bad, 0, rule);
            }
        }
    }
}

fn frames_over_the_limit<E: Engine>() {
    for (limit, index) in [(100, 1), (125, 3), (1000, 3), (65_535, 9)] {
        let mut config = config();
        config.limits.frame = limit;
        for role in ROLES {
            let bad = Frame::binary("").by(role.peer()).header(limit + 1);
            break_rule_at::<E>(role, &config, &[], &bad, index, Rule::FrameTooBig);
            let longest = vec![7; limit as usize];
            let mut subject = Subject::<E>::open(role, &config);
            let events = subject.receives_frames(&[Frame::binary(&longest)]);
            assert_eq!(events, [Event::binary(&longest)]);
        }
    }
}

fn messages_over_the_limit<E: Engine>() {
    let mut config = config();
    config.limits.message = 10;
    for role in ROLES {
        let rule = Rule::MessageTooBig;
        let bad = Frame::text("").by(role.peer()).header(11);
        break_rule_at::<E>(role, &config, &[], &bad, 1, rule);
        let five = [Frame::text("12345").not_last()];
        let bad = Frame::continuation("").by(role.peer()).header(6);
        break_rule_at::<E>(role, &config, &five, &bad, 1, rule);
        let mut subject = Subject::<E>::open(role, &config);
        let ping = Frame::ping("longer than ten");
        let last = Frame::continuation("67890");
        for _ in 0..2 {
            let frames = [five[0].clone(), ping.clone(), last.clone()];
            let events = subject.receives_frames(&frames);
            assert_eq!(events, [Event::text("1234567890")]);
        }
    }
}

fn fragments_over_the_limit<E: Engine>() {
    let mut config = config();
    config.limits.fragments = 3;
    for role in ROLES {
        let more = Frame::continuation("").not_last();
        let three = [Frame::text("a").not_last(), more.clone(), more];
        let bad = Frame::continuation("").by(role.peer()).bytes();
        let rule = Rule::TooManyFragments;
        break_rule_at::<E>(role, &config, &three, &bad, 0, rule);
        let mut subject = Subject::<E>::open(role, &config);
        for _ in 0..3 {
            subject.receives_frames(&three[..2]);
            subject.receives_frames(&[Frame::ping("")]);
            let events = subject.receives_frames(&[Frame::continuation("b")]);
            assert_eq!(events, [Event::text("ab")]);
        }
    }
}

fn class_07_a_close_with_one_byte<E: Engine>() {
    for role in ROLES {
        for byte in [0x00, 0x03, 0xff] {
            let bad = Frame::new(CLOSE, [byte]).by(role.peer()).bytes();
            let rule = Rule::ClosePayloadTooShort;
            break_rule_at::<E>(role, &config(), &[], &bad, bad.len() - 1, rule);
        }
    }
}

fn class_07_a_close_with_a_reserved_code<E: Engine>() {
    for role in ROLES {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
            let bad = Frame::close(code, "bye").by(role.peer()).bytes();
            break_rule::<E>(role, &config(), &[], &bad, Rule::CloseCodeReserved);
        }
    }
}

fn class_07_a_close_whose_reason_is_not_utf8<E: Engine>() {
    for role in ROLES {
        for reason in [&b"\xff"[..], b"ok \xce", b"\xed\xa0\x80"] {
            let bad = Frame::close(1000, reason).by(role.peer()).bytes();
            break_rule::<E>(role, &config(), &[], &bad, Rule::CloseReasonNotUtf8);
        }
    }
}

fn text_that_is_not_utf8<E: Engine>() {
    for role in ROLES {
        let payload = b"fine \xf0\x9f\x98\x80 \xc0\xaf more";
        let bad = Frame::text(payload).by(role.peer()).bytes();
        let header = bad.len() - payload.len();
        break_rule_at::<E>(role, &config(), &[], &bad, header + 10, Rule::InvalidUtf8);
    }
}

/// A subject that has received a frame with a reserved opcode.
fn failed<E: Engine>(role: Role, config: &Config) -> Subject<E> {
    let mut subject = Subject::<E>::open(role, config);
    let bad = Frame::new(0x3, "").by(role.peer()).bytes();
    subject.engine.exchange(&bad, &[], subject.now, 1);
    subject
}

fn a_failed_session_is_drained_byte_by_byte<E: Engine>() {
    let mut subject = failed::<E>(Role::Server, &config());
    let mut written = vec![FIN | CLOSE];
    loop {
        assert_eq!(subject.state(), State::Closing);
        let result = subject.engine.exchange(b"", &[], subject.now, 1);
        assert_eq!(result.output.len(), 1);
        assert_eq!(result.more, result.state == State::Closing);
        written.extend(result.output);
        if result.state == State::Draining {
            break;
        }
    }
    let reason = Rule::ReservedOpcode.description();
    assert_eq!(wire::read_frames(&written), [Frame::close(1002, reason)]);
}

fn what_was_queued_before_a_rule_is_broken_goes_out<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config());
        subject.queues(Message::Text("begun")).unwrap();
        subject.queues(Message::Text("waiting")).unwrap();
        subject.exchange_within(&[], 3);
        subject.queues(Message::Ping(b"waiting")).unwrap();
        subject.receives_frames(&[Frame::new(0x3, "")]);
        let written = subject.has_failed(Rule::ReservedOpcode);
        let queued = [
            Frame::text("begun"),
            Frame::ping("waiting"),
            Frame::text("waiting"),
        ];
        assert_eq!(written, queued);
    }
}

fn a_failed_session_answers_the_pings_that_came_before<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config());
        subject.queues(Message::Text("queued")).unwrap();
        subject.receives_frames(&[Frame::ping("1"), Frame::ping("2"), Frame::new(0x3, "")]);
        let written = subject.has_failed(Rule::ReservedOpcode);
        let queued = Frame::text("queued");
        assert_eq!(written, [Frame::pong("1"), Frame::pong("2"), queued]);
    }
}

fn without_close_on_failure_no_close_is_written<E: Engine>() {
    let mut config = config();
    config.close_on_failure = false;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.queues(Message::Text("queued")).unwrap();
        assert_eq!(subject.receives_frames(&[Frame::new(0x3, "")]), []);
        assert_eq!(subject.failed_by(), Some(Rule::ReservedOpcode));
        assert_eq!(subject.writes(), [Frame::text("queued")]);
        assert_eq!(subject.state(), State::Draining);
    }
}

fn a_rule_broken_after_our_close_adds_no_second_close<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config());
        subject.sends(Message::CloseWith(1000, b"bye")).unwrap();
        subject.receives_frames(&[Frame::new(0x3, "")]);
        assert_eq!(subject.failed_by(), Some(Rule::ReservedOpcode));
        assert_eq!(subject.writes(), [Frame::close(1000, "bye")]);
        assert_eq!(subject.state(), State::Draining);
    }
}
