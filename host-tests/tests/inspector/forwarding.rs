//! How far original bytes are forwarded, and which need not be passed in.

use host_tests::ROLES;
use host_tests::deflate;
use host_tests::inspected::{Inspects, Proxy};
use host_tests::on_both_inspectors;
use host_tests::wire::{Frame, LengthForm, RSV1};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Direction, Options, Payload, UnknownExtensions};
use websocket_component::{Role, Rule};

use crate::by;

fn open<I: Inspects>(options: Options) -> Proxy<I> {
    Proxy::<I>::open(options, &Negotiated::default())
}

fn whatever_breaks_no_rule_goes_on_as_it_came_however_it_is_cut<I: Inspects>() {
    let frames = [
        Frame::text("Hello"),
        Frame::binary([7; 70_000]),
        Frame::text("κόσ").not_last(),
        Frame::ping("are you there?"),
        Frame::continuation("με"),
        Frame::pong(""),
        Frame::text([b'a'; 100_000]),
        Frame::binary([]),
        Frame::close(1000, "bye"),
    ];
    for from in ROLES {
        let bytes = by(from, &frames);
        for length in [1, 2, 3, 7, 125, 4096, usize::MAX] {
            for skips in [false, true] {
                let mut proxy = open::<I>(Options::default());
                proxy.skips = skips;
                proxy.send_in(from, &bytes, length.min(bytes.len()));
                assert_eq!(proxy.broken(), None);
                assert!(proxy.reached(from.peer()) == bytes, "{from:?} in {length}");
                assert_eq!(proxy.reached(from), b"");
            }
        }
    }
}

fn binary_payload_need_not_be_given<I: Inspects>() {
    let length = 16 << 20;
    for from in ROLES {
        let mut proxy = open::<I>(Options::default());
        proxy.skips = true;
        let message = by(from, &[Frame::binary(vec![7; length])]);
        let header = message.len() - length;
        proxy.send(from, &message[..header]);
        assert_eq!(proxy.inspector.forward_to(from), message.len() as u64);
        proxy.send(from, &message[header..]);
        assert_eq!(proxy.sent(from).skipped, length);
        assert!(proxy.reached(from.peer()) == message);
        assert!(
            proxy.inspector.memory() < 8192,
            "{}",
            proxy.inspector.memory()
        );
    }
}

fn more_may_not_be_skipped_than_was_said<I: Inspects>() {
    let mut proxy = open::<I>(Options::default());
    let now = proxy.now;
    let inspector = &mut proxy.inspector;
    let refused = |inspector: &mut I, count| {
        let step = inspector.advance(Role::Server, count, &[], now);
        step.map(|step| step.skippable)
    };
    assert_eq!(refused(inspector, 1), Err(Rule::SkippedTooMuch));
    let header = Frame::binary([]).header(5);
    inspector
        .advance(Role::Server, 0, &header, now)
        .expect("given");
    assert_eq!(refused(inspector, 6), Err(Rule::SkippedTooMuch));
    assert_eq!(refused(inspector, 2), Ok(3));
    assert_eq!(refused(inspector, 4), Err(Rule::SkippedTooMuch));
    assert_eq!(refused(inspector, 3), Ok(0));
    assert_eq!(inspector.failure(), None);
}

fn a_header_is_held_until_it_is_whole<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>(Options::default());
        let header = Frame::binary([]).by(from).header(70_000);
        for (count, byte) in header.iter().enumerate() {
            assert_eq!(proxy.inspector.forward_to(from), 0, "after {count} bytes");
            proxy.send(from, &[*byte]);
        }
        assert_eq!(
            proxy.inspector.forward_to(from),
            header.len() as u64 + 70_000
        );
    }
}

fn a_control_frame_is_held_until_it_is_whole<I: Inspects>() {
    let mut proxy = open::<I>(Options::default());
    let ping = by(Role::Client, &[Frame::ping([7; 125])]);
    proxy.send(Role::Client, &ping[..ping.len() - 1]);
    assert_eq!(proxy.reached(Role::Server), b"");
    proxy.send(Role::Client, &ping[ping.len() - 1..]);
    assert_eq!(proxy.reached(Role::Server), ping);
}

fn text_is_held_up_to_a_bound_and_goes_on_beyond_it_as_it_is_verified<I: Inspects>() {
    let mut options = Options::default();
    options.client.hold_frame = 1000;
    for (length, held) in [(900, true), (1000, false)] {
        let mut proxy = open::<I>(options);
        let text = by(Role::Client, &[Frame::text(vec![b'a'; length])]);
        proxy.send(Role::Client, &text[..500]);
        let forwarded = proxy.reached(Role::Server).len();
        assert_eq!(forwarded, if held { 0 } else { 500 });
        proxy.send(Role::Client, &text[500..]);
        assert_eq!(forwarded + proxy.reached(Role::Server).len(), text.len());
    }
}

fn a_violation_leaves_what_is_whole_before_it_and_nothing_behind<I: Inspects>() {
    for from in ROLES {
        let good = by(from, &[Frame::text("good"), Frame::binary([7; 200])]);
        let bad = by(from, &[Frame::text(b"bad\xff"), Frame::text("behind")]);
        let bytes = [&good[..], &bad].concat();
        for length in [1, 5, bytes.len()] {
            let mut proxy = open::<I>(Options::default());
            proxy.send_in(from, &bytes, length);
            assert_eq!(proxy.broken(), Some((from, Rule::InvalidUtf8)));
            assert_eq!(
                proxy.failure().and_then(|failure| failure.offset),
                Some(good.len() as u64)
            );
            let reached = proxy.reached(from.peer());
            assert!(reached.starts_with(&good));
            assert_eq!(reached[good.len()], 0x88, "a close frame behind it");
        }
    }
}

fn a_compressed_message_is_followed_without_being_changed<I: Inspects>() {
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(Options::default(), &deflate::negotiated(""));
        let mut peer = deflate::Peer::default();
        let mut sent = Vec::new();
        for length in [10, 1000, 70_000] {
            let payload = peer.compresses(deflate::text(length).as_bytes());
            sent.extend(by(from, &[Frame::text(payload).reserved(RSV1)]));
        }
        proxy.send_in(from, &sent, 100);
        assert_eq!(proxy.broken(), None);
        assert!(proxy.reached(from.peer()) == sent);
    }
}

fn class_08_a_bomb_ends_before_the_receiver_has_its_end<I: Inspects>() {
    let mut options = Options::default();
    options.client.limits.message = 1 << 20;
    let mut peer = deflate::Peer::default();
    let payload = peer.compresses(vec![b'x'; 16 << 20]);
    for hold in [0, 1 << 20] {
        options.client.hold_frame = hold;
        let mut proxy = Proxy::<I>::open(options, &deflate::negotiated(""));
        let bomb = by(Role::Client, &[Frame::text(&payload).reserved(RSV1)]);
        proxy.send_in(Role::Client, &bomb, 1000);
        assert_eq!(proxy.broken(), Some((Role::Client, Rule::MessageTooBig)));
        assert!(proxy.sent(Role::Client).forwarded.len() < 3000);
        assert!(
            proxy.inspector.memory() < 4 << 20,
            "{}",
            proxy.inspector.memory()
        );
    }
}

fn what_an_unknown_extension_makes_of_payloads_is_opaque<I: Inspects>() {
    let mut negotiated = deflate::negotiated("");
    negotiated.extensions[0].name = "x-other".into();
    let mut options = Options::default();
    options.unknown_extensions = UnknownExtensions::Opaque;
    let mut proxy = Proxy::<I>::open(options, &negotiated);
    let frames = [
        Frame::text(b"\xff\xfe").reserved(0x70),
        Frame::binary([7; 300]).reserved(0x20),
        Frame::ping(""),
    ];
    let bytes = by(Role::Server, &frames);
    proxy.send(Role::Server, &bytes);
    assert_eq!(proxy.broken(), None);
    assert_eq!(proxy.reached(Role::Client), bytes);
    proxy.send(
        Role::Server,
        &by(Role::Server, &[Frame::ping("").reserved(0x40)]),
    );
    assert_eq!(proxy.broken(), Some((Role::Server, Rule::ReservedBits)));
}

fn headers_pass_as_scalars_if_there_is_nothing_to_tell<I: Inspects>() {
    for from in ROLES {
        let mut proxy = Proxy::<I>::open(Options::default(), &Negotiated::default());
        proxy.skips = true;
        let frames = [
            Frame::binary([7; 3]),
            Frame::binary([7; 300]).not_last(),
            Frame::ping("between"),
            Frame::continuation([7; 70_000]),
            Frame::text("looked at"),
            Frame::binary([]),
        ];
        let bytes = by(from, &frames);
        proxy.send_in(from, &bytes, 100);
        assert_eq!(proxy.broken(), None);
        assert!(proxy.reached(from.peer()) == bytes);
        // A header that arrives in two parts is reported in lists.
        let passed = proxy.passed + proxy.passed_whole;
        assert!((2..=4).contains(&passed), "{passed}");
        let traffic = proxy.inspector.traffic(from);
        assert_eq!(traffic, (5, 4, 3 + 300 + 70_000 + 9));

        // A rule other than the tested one is broken.
        proxy.send(from, &Frame::binary([]).by(from.peer()).header(5));
        assert!(proxy.broken().is_some());
    }
}

fn whole_messages_pass_by_their_headers_if_there_is_nothing_to_tell<I: Inspects>() {
    for from in ROLES {
        let mut proxy = open::<I>(Options::default());
        proxy.skips = true;
        let pass = |proxy: &mut Proxy<I>, frame: &Frame| {
            let bytes = frame.clone().by(from).bytes();
            let before = proxy.passed_whole;
            proxy.send(from, &bytes);
            assert!(proxy.reached(from.peer()) == bytes);
            proxy.passed_whole > before
        };
        assert!(pass(&mut proxy, &Frame::binary([])));
        assert!(pass(&mut proxy, &Frame::binary([7; 125])));
        assert!(pass(&mut proxy, &Frame::binary([7; 126])));
        assert!(pass(&mut proxy, &Frame::binary([7; 65_535])));
        for other in [
            Frame::binary([7; 65_536]),
            Frame::text("looked at"),
            Frame::ping(""),
            Frame::binary([7; 3]).not_last(),
            Frame::continuation([7; 3]),
        ] {
            assert!(!pass(&mut proxy, &other), "{other:?}");
        }
        assert!(pass(&mut proxy, &Frame::binary([7; 3])));
        let lengths = [0, 125, 126, 65_535, 65_536, 9, 6, 3];
        let traffic = proxy.inspector.traffic(from);
        assert_eq!(traffic, (9, 8, lengths.iter().sum()));
        assert_eq!(proxy.broken(), None);
    }
}

fn no_message_passes_by_its_header_that_breaks_a_rule_or_is_told_or_waited_for<I: Inspects>() {
    for from in ROLES {
        let pass = |proxy: &mut Proxy<I>, bytes: &[u8]| {
            let now = proxy.now;
            proxy.inspector.pass_message(from, bytes, now)
        };
        let plain = Frame::binary([7; 300]).by(from).bytes();
        let mut options = Options::default();
        for direction in [&mut options.client, &mut options.server] {
            direction.limits.message = 300;
            direction.keepalive = Some(core::time::Duration::from_secs(1));
        }
        let mut proxy = open::<I>(options);
        assert_eq!(pass(&mut proxy, &plain), Some(plain.len()));
        for wrong in [
            Frame::binary([7; 301]).by(from).bytes(),
            Frame::binary([7; 3]).by(from.peer()).bytes(),
            Frame::binary([7; 3]).reserved(RSV1).by(from).bytes(),
            Frame::new(0x3, [7; 3]).by(from).bytes(),
            Frame::binary([7; 3])
                .by(from)
                .bytes_with(LengthForm::Sixteen, 3),
        ] {
            assert_eq!(pass(&mut proxy, &wrong), None, "{wrong:?}");
        }
        // A ping is due.
        proxy.now = proxy.now.after(core::time::Duration::from_secs(1));
        assert_eq!(pass(&mut proxy, &plain), None);
        // Both sides were sent a close frame.
        let now = proxy.now;
        proxy.inspector.close(1001, "", now).expect("it is open");
        assert_eq!(pass(&mut proxy, &plain), None);

        let told = |change: fn(&mut Direction)| {
            let mut options = Options::default();
            change(&mut options.client);
            change(&mut options.server);
            let mut proxy = open::<I>(options);
            assert_eq!(pass(&mut proxy, &plain), None);
        };
        told(|direction| direction.view.frames = true);
        told(|direction| direction.view.messages = true);
        told(|direction| direction.view.payload = Payload::Chunks);
    }
}

on_both_inspectors!(
    whole_messages_pass_by_their_headers_if_there_is_nothing_to_tell,
    no_message_passes_by_its_header_that_breaks_a_rule_or_is_told_or_waited_for,
    headers_pass_as_scalars_if_there_is_nothing_to_tell,
    whatever_breaks_no_rule_goes_on_as_it_came_however_it_is_cut,
    binary_payload_need_not_be_given,
    more_may_not_be_skipped_than_was_said,
    a_header_is_held_until_it_is_whole,
    a_control_frame_is_held_until_it_is_whole,
    text_is_held_up_to_a_bound_and_goes_on_beyond_it_as_it_is_verified,
    a_violation_leaves_what_is_whole_before_it_and_nothing_behind,
    a_compressed_message_is_followed_without_being_changed,
    class_08_a_bomb_ends_before_the_receiver_has_its_end,
    what_an_unknown_extension_makes_of_payloads_is_opaque,
);
