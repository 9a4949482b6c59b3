//! Details of a failure: the offset of the frame that broke the rule, the limit, and the value that exceeds it. They
//! are the same however the input is split.

use std::time::Duration;

use host_tests::engine::{Case, ROLES, START};
use host_tests::wire::LengthForm;
use host_tests::{Engine, Frame, deflate, on_both_engines};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Deflate, Instant, Message, Role, Rule};

on_both_engines![
    a_frame_that_breaks_a_rule_is_located_whatever_the_cut,
    a_limit_is_named_with_the_value_beyond_it,
    an_offset_counts_the_handshake_too,
    a_deadline_is_a_limit,
    a_send_that_finds_the_queue_full_is_told_the_limit,
];

const CAPACITY: u32 = 1 << 20;

fn later(seconds: u64) -> Instant {
    START.after(Duration::from_secs(seconds))
}

/// Returns the details and the rule of the failure that this input causes when it is split like this.
fn failure<E: Engine>(engine: &mut E, parts: &[&[u8]]) -> (Rule, Case) {
    let mut unread = Vec::new();
    for part in parts {
        unread.extend_from_slice(part);
        loop {
            let result = engine.exchange(&unread, &[], START, CAPACITY);
            unread.drain(..result.consumed);
            if let Some(failure) = result.failure {
                return (failure.rule, failure.case());
            }
            if !result.more {
                break;
            }
        }
    }
    panic!("it doesn't fail");
}

/// In one part, and split in two at every byte.
fn in_all_cuts<E: Engine>(make: impl Fn() -> E, input: &[u8], expected: (Rule, Case)) {
    assert_eq!(failure(&mut make(), &[input]), expected);
    for cut in 1..input.len() {
        let (first, second) = input.split_at(cut);
        assert_eq!(
            failure(&mut make(), &[first, second]),
            expected,
            "cut at {cut}"
        );
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(failure(&mut make(), &bytes), expected, "byte by byte");
}

fn a_frame_that_breaks_a_rule_is_located_whatever_the_cut<E: Engine>() {
    for role in ROLES {
        let peer = role.peer();
        let before = [
            Frame::text("first").by(peer).bytes(),
            Frame::binary([7; 200]).not_last().by(peer).bytes(),
            Frame::ping("?").by(peer).bytes(),
        ]
        .concat();
        let offset = Some(before.len() as u64);
        for (frame, rule) in [
            (Frame::new(0x3, "x"), Rule::ReservedOpcode),
            (Frame::continuation("x").reserved(0x20), Rule::ReservedBits),
            (Frame::text("x"), Rule::MessageInterleaved),
            (Frame::ping("x").not_last(), Rule::ControlFragmented),
            (Frame::new(0x8, [3]), Rule::ClosePayloadTooShort),
            (Frame::close(1005, ""), Rule::CloseCodeReserved),
            (Frame::close(1000, [0xff]), Rule::CloseReasonNotUtf8),
        ] {
            let input = [&before[..], &frame.by(peer).bytes()].concat();
            let make = || E::open(role, &Config::default(), &Negotiated::default()).unwrap();
            in_all_cuts(make, &input, (rule, (offset, None, None)));
        }
        // The invalid byte is late in the second frame of its message.
        let begun = Frame::text("so far so good").not_last().by(peer).bytes();
        let wrong = Frame::continuation(b"bad: \xff and on").by(peer).bytes();
        let input = [&begun[..], &wrong].concat();
        let make = || E::open(role, &Config::default(), &Negotiated::default()).unwrap();
        let offset = Some(begun.len() as u64);
        in_all_cuts(make, &input, (Rule::InvalidUtf8, (offset, None, None)));
    }
}

fn a_limit_is_named_with_the_value_beyond_it<E: Engine>() {
    let mut config = Config::default();
    config.limits.frame = 1000;
    config.limits.message = 1500;
    config.limits.fragments = 2;
    let role = Role::Client;
    let make = || E::open(role, &config, &Negotiated::default()).unwrap();
    let long = Frame::binary("").bytes_with(LengthForm::Sixteen, 1001);
    in_all_cuts(
        make,
        &long,
        (Rule::FrameTooBig, (Some(0), Some(1000), Some(1001))),
    );
    let huge = Frame::binary("").bytes_with(LengthForm::SixtyFour, 1 << 40);
    let case = (Some(0), Some(1000), Some(1 << 40));
    in_all_cuts(make, &huge, (Rule::FrameTooBig, case));

    let first = Frame::binary([1; 900]).not_last().bytes();
    let second = Frame::continuation("").bytes_with(LengthForm::Sixteen, 700);
    let case = (Some(first.len() as u64), Some(1500), Some(1600));
    let input = [&first[..], &second].concat();
    assert_eq!(failure(&mut make(), &[&input]), (Rule::MessageTooBig, case));

    let fragments = [
        Frame::text("a").not_last().bytes(),
        Frame::continuation("b").not_last().bytes(),
        Frame::continuation("c").bytes(),
    ];
    let case = (Some(6), Some(2), Some(3));
    in_all_cuts(make, &fragments.concat(), (Rule::TooManyFragments, case));

    let control = Frame::ping("").bytes_with(LengthForm::Sixteen, 126);
    // Its full length is not read any more.
    let case = (Some(0), Some(125), None);
    in_all_cuts(make, &control, (Rule::ControlTooLong, case));

    let mut compressing = config;
    compressing.deflate = Some(Deflate::default());
    let compressed = deflate::Peer::default().compresses(vec![b'x'; 2000]);
    let frame = Frame::text(compressed).reserved(0x40).bytes();
    let make = || E::open(role, &compressing, &deflate::negotiated("")).unwrap();
    // Its total length is unknown.
    let case = (Some(0), Some(1500), None);
    in_all_cuts(make, &frame, (Rule::MessageTooBig, case));
}

fn an_offset_counts_the_handshake_too<E: Engine>() {
    let head = host_tests::heads::request();
    let mut server = E::new(Role::Server, &Config::default()).unwrap();
    server.exchange(&head, &[], START, CAPACITY);
    server.accept(&Default::default(), START).unwrap();
    let frame = Frame::new(0x3, "").by(Role::Client).bytes();
    let expected = (Rule::ReservedOpcode, (Some(head.len() as u64), None, None));
    assert_eq!(failure(&mut server, &[&frame]), expected);
}

fn a_deadline_is_a_limit<E: Engine>() {
    let mut config = Config::default();
    config.timeouts.idle = Some(Duration::from_secs(5));
    let mut engine = E::open(Role::Server, &config, &Negotiated::default()).unwrap();
    let result = engine.exchange(&[], &[], later(6), CAPACITY);
    let failure = result.failure.expect("nothing has come");
    assert_eq!(failure.rule, Rule::IdleTimeout);
    assert_eq!(failure.case(), (None, Some(5_000_000_000), None));
}

fn a_send_that_finds_the_queue_full_is_told_the_limit<E: Engine>() {
    let mut config = Config::default();
    config.limits.queued_output = 1000;
    let mut engine = E::open(Role::Server, &config, &Negotiated::default()).unwrap();
    let message = Message::Binary(&[0; 900]).into();
    let result = engine.exchange(&[], &[message, message], START, CAPACITY);
    let refused = result.refused.expect("there is no room for the second");
    assert_eq!((result.accepted, refused.rule), (1, Rule::QueueFull));
    assert_eq!(refused.case(), (None, Some(1000), None));
}
