//! What waits, in which order it leaves, and what is refused.

use super::*;
use crate::Config;
use crate::session::event::Sent;

fn server() -> Sender {
    Sender::new(None, &Config::default())
}

fn client() -> Sender {
    let keys = KeySource::new(&[5; 32]).unwrap();
    Sender::new(Some(keys), &Config::default())
}

/// Takes all output in chunks of at most `size`.
fn drain(sender: &mut Sender, size: usize) -> Vec<u8> {
    let mut output = Vec::new();
    while !sender.is_empty() {
        let chunk = sender.lend(size).to_vec();
        assert!(!chunk.is_empty() && chunk.len() <= size);
        sender.advance(chunk.len());
        output.extend(chunk);
    }
    output
}

#[test]
fn control_frames_overtake_data_at_frame_borders() {
    let mut sender = server();
    sender
        .push(Message::Binary(b"one"), Compress::IfWorthIt, None)
        .unwrap();
    sender
        .push(Message::Binary(b"two"), Compress::IfWorthIt, None)
        .unwrap();
    assert_eq!(sender.lend(3), b"\x82\x03o");
    sender.advance(3);
    sender
        .push(Message::Ping(b"?"), Compress::IfWorthIt, None)
        .unwrap();
    let rest = drain(&mut sender, usize::MAX);
    assert_eq!(rest, b"ne\x89\x01?\x82\x03two");
}

#[test]
fn a_short_write_resumes_where_it_stopped() {
    for size in 1..12 {
        let mut sender = server();
        sender
            .push(Message::Text("hello"), Compress::IfWorthIt, Some(1))
            .unwrap();
        sender
            .push(Message::Pong(b"!"), Compress::IfWorthIt, Some(2))
            .unwrap();
        assert_eq!(drain(&mut sender, size), b"\x8a\x01!\x81\x05hello");
        let order = [sender.pop_done(), sender.pop_done()];
        let order = order.map(|sent| sent.and_then(|sent| sent.context));
        assert_eq!(order, [Some(2), Some(1)]);
    }
}

#[test]
fn all_ways_to_take_output_give_the_same_bytes() {
    let fill = |sender: &mut Sender| {
        sender
            .push(
                Message::BinaryFragment(&[7; 300]),
                Compress::IfWorthIt,
                None,
            )
            .unwrap();
        sender
            .push(Message::Ping(b"x"), Compress::IfWorthIt, None)
            .unwrap();
        sender
            .push(Message::Binary(b""), Compress::IfWorthIt, None)
            .unwrap();
        sender.close(b"\x03\xe8", Origin::Close);
    };
    let mut expected = client();
    fill(&mut expected);
    let expected = drain(&mut expected, usize::MAX);
    for limit in [1, 2, 7, 100, usize::MAX] {
        let mut sender = client();
        fill(&mut sender);
        let mut output = Vec::new();
        while !sender.is_empty() {
            output.extend(sender.take(limit));
        }
        assert_eq!(output, expected, "at most {limit} bytes at a time");
    }
}

#[test]
fn a_close_goes_behind_what_was_queued_before_it() {
    let mut sender = server();
    sender
        .push(Message::Binary(b"one"), Compress::IfWorthIt, Some(1))
        .unwrap();
    sender
        .push(Message::Binary(b"two"), Compress::IfWorthIt, Some(2))
        .unwrap();
    sender.take(4);
    sender.control(Opcode::Pong, b"", Origin::Pong).unwrap();
    sender
        .push(Message::Ping(b"three"), Compress::IfWorthIt, None)
        .unwrap();
    sender.close(b"\x03\xea", Origin::Close);
    let expected = b"e\x8a\0\x89\x05three\x82\x03two\x88\x02\x03\xea";
    assert_eq!(drain(&mut sender, 99), expected);
    for context in [Some(1), None, Some(2)] {
        let complete = true;
        assert_eq!(sender.pop_done(), Some(Sent { context, complete }));
    }
    assert_eq!(sender.pongs(), 0);
    assert!(!sender.has_own_frames());
}

#[test]
fn what_is_being_written_is_neither_overtaken_nor_dropped() {
    let mut sender = server();
    sender
        .push(Message::Binary(b"one"), Compress::IfWorthIt, None)
        .unwrap();
    sender
        .push(Message::Binary(b"two"), Compress::IfWorthIt, None)
        .unwrap();
    assert_eq!(sender.lend(7), b"\x82\x03one\x82\x03");
    sender.control(Opcode::Pong, b"", Origin::Pong).unwrap();
    sender.drop_pongs();
    assert_eq!(sender.lend(5), b"\x82\x03one");
    sender.advance(5);
    assert_eq!(drain(&mut sender, 99), b"\x82\x03two");

    sender
        .push(Message::Binary(b"one"), Compress::IfWorthIt, None)
        .unwrap();
    sender.lend(99);
    sender
        .push(Message::Ping(b""), Compress::IfWorthIt, None)
        .unwrap();
    sender.advance(5);
    sender
        .push(Message::Binary(b"two"), Compress::IfWorthIt, None)
        .unwrap();
    assert_eq!(drain(&mut sender, 99), b"\x89\0\x82\x03two");
}

#[test]
fn slices_are_all_that_may_be_written_next() {
    let mut sender = server();
    let large = [7; 100_000];
    for payload in [&large[..], b"small", &large[..]] {
        sender
            .push(Message::Binary(payload), Compress::IfWorthIt, None)
            .unwrap();
    }
    assert!(sender.lend_slices().count() > 1);
    let all = sender.lend_slices().flatten().copied().collect::<Vec<_>>();
    assert_eq!(all.len(), sender.len());
    // All of that is being written: a ping has to wait, though not for long.
    sender
        .push(Message::Ping(b"?"), Compress::IfWorthIt, None)
        .unwrap();
    sender.advance(1);
    let rest = sender.lend_slices().flatten().copied().collect::<Vec<_>>();
    assert_eq!(rest, all[1..100_010]);
    sender.advance(rest.len());
    let ping = sender.lend_slices().collect::<Vec<_>>();
    assert_eq!(ping, [b"\x89\x01?"]);
}

#[test]
fn only_pongs_of_which_no_byte_went_out_are_dropped() {
    let mut sender = server();
    sender.control(Opcode::Pong, b"a", Origin::Pong).unwrap();
    sender.control(Opcode::Pong, b"b", Origin::Pong).unwrap();
    sender
        .push(Message::Ping(b"c"), Compress::IfWorthIt, None)
        .unwrap();
    sender.take(1);
    sender.drop_pongs();
    assert_eq!(sender.pongs(), 2);
    assert_eq!(drain(&mut sender, usize::MAX), b"\x01a\x89\x01c");
    assert_eq!(sender.pongs(), 0);
}

#[test]
fn a_message_that_is_moved_leaves_as_one_that_is_copied() {
    for new in [server, client] {
        for length in [0, 1, MOVED - 1, MOVED, 65_535, 65_536, 200_000] {
            let (mut moves, mut copies) = (new(), new());
            let payload = vec![b'x'; length];
            let messages = [
                OwnedMessage::Utf8Fragment(payload.clone()),
                OwnedMessage::Utf8(payload.clone()),
                OwnedMessage::BinaryFragment(payload.clone()),
                OwnedMessage::Binary(payload),
            ];
            for message in messages {
                send(&mut copies, message.as_message()).unwrap();
                moves.push_owned(message, None).unwrap();
                // Something that is copied between those that are not.
                for sender in [&mut moves, &mut copies] {
                    sender.control(Opcode::Pong, b"", Origin::Pong).unwrap();
                }
            }
            assert_eq!(moves.len(), copies.len());
            let expected = copies.take(usize::MAX);
            assert!(drain(&mut moves, 5000) == expected, "{length}");
        }
    }
}

#[test]
fn a_long_message_that_is_moved_is_handed_out_from_where_it_is() {
    let mut sender = client();
    let payload = vec![7; MOVED];
    let address = payload.as_ptr();
    sender.push_owned(payload.into(), Some(1)).unwrap();
    let slices = sender.lend_slices().collect::<Vec<_>>();
    assert_eq!(
        slices.iter().map(|slice| slice.len()).collect::<Vec<_>>(),
        [8, MOVED]
    );
    assert_eq!(slices[1].as_ptr(), address);
    // A frame's end is where its payload ends.
    sender.advance(9);
    send(&mut sender, Message::Binary(b"next")).unwrap();
    send(&mut sender, Message::Ping(b"")).unwrap();
    let rest = sender.lend_slices().map(<[u8]>::len).sum::<usize>();
    assert_eq!(rest, MOVED - 1);
    sender.advance(rest);
    assert_eq!(sender.pop_done().and_then(|sent| sent.context), Some(1));
    assert_eq!(sender.len(), 6 + 10);
}

#[test]
fn a_message_that_is_moved_and_refused_comes_back() {
    let mut sender = limited(10_000);
    send(&mut sender, Message::Text("first")).unwrap();
    for length in [9_900, 1_000_000] {
        let message = OwnedMessage::Binary(vec![1; length]);
        let not_sent = sender.push_owned(message.clone(), None).unwrap_err();
        assert_eq!(not_sent.rule, Rule::QueueFull);
        assert!(not_sent.message == message);
    }
    let message = OwnedMessage::Utf8(vec![0xff; MOVED]);
    let not_sent = sender.push_owned(message, None).unwrap_err();
    assert_eq!(not_sent.rule, Rule::TextNotUtf8);
    sender
        .push_owned("second".repeat(1000).into(), None)
        .unwrap();
}

/// A sender whose queue takes no more than so many bytes.
fn limited(queued_output: u64) -> Sender {
    let mut config = Config::default();
    config.limits.queued_output = queued_output;
    Sender::new(None, &config)
}

fn send(sender: &mut Sender, message: Message<'_>) -> Result<(), Rule> {
    sender.push(message, Compress::IfWorthIt, None)
}

#[test]
fn class_21_a_send_beyond_the_limit_is_refused_and_others_go_on() {
    let frame = |payload: u64| payload + Limits::FRAME_OVERHEAD;
    let limit = frame(2) + frame(100 + header::MAX_LENGTH as u64);
    let mut sender = limited(limit);
    send(&mut sender, Message::Text("")).unwrap();
    for message in [
        Message::Binary(&[0; 101]),
        Message::BinaryFragment(&[0; 101]),
        Message::Ping(&[0; 101]),
    ] {
        assert_eq!(send(&mut sender, message), Err(Rule::QueueFull));
    }
    send(&mut sender, Message::Binary(&[0; 100])).unwrap();
    assert_eq!(send(&mut sender, Message::Text("")), Err(Rule::QueueFull));
    drain(&mut sender, usize::MAX);
    send(&mut sender, Message::Text("")).unwrap();
}

#[test]
fn a_message_longer_than_the_limit_is_queued_if_nothing_waits() {
    let mut sender = limited(100);
    send(&mut sender, Message::Binary(&[0; 1000])).unwrap();
    assert_eq!(send(&mut sender, Message::Text("")), Err(Rule::QueueFull));
    sender.take(1003);
    assert_eq!(send(&mut sender, Message::Text("")), Err(Rule::QueueFull));
    sender.take(1);
    send(&mut sender, Message::Binary(&[0; 1000])).unwrap();

    sender.take(usize::MAX);
    sender.control(Opcode::Pong, b"", Origin::Pong).unwrap();
    let long = Message::Binary(&[0; 1000]);
    assert_eq!(send(&mut sender, long), Err(Rule::QueueFull));
}

#[test]
fn empty_messages_count_what_it_takes_to_keep_them() {
    let mut sender = limited(1 << 20);
    let mut count = 0;
    while send(&mut sender, Message::Binary(b"")).is_ok() {
        count += 1;
    }
    assert_eq!(
        count,
        ((1 << 20) - 14) / (2 + Limits::FRAME_OVERHEAD) + u64::from(false)
    );
    assert_eq!(sender.len() as u64, 2 * count);
}

#[test]
fn a_refused_fragment_changes_nothing() {
    let mut sender = server();
    sender
        .push(Message::Utf8Fragment(b"\xce"), Compress::IfWorthIt, None)
        .unwrap();
    assert_eq!(
        sender.push(Message::Utf8(b"\x28"), Compress::IfWorthIt, None),
        Err(Rule::TextNotUtf8)
    );
    assert_eq!(
        sender.push(Message::Utf8(b""), Compress::IfWorthIt, None),
        Err(Rule::TextNotUtf8)
    );
    assert_eq!(
        sender.push(Message::Text("a"), Compress::IfWorthIt, None),
        Err(Rule::TextNotUtf8)
    );
    assert_eq!(
        sender.push(Message::Binary(b""), Compress::IfWorthIt, None),
        Err(Rule::FragmentMismatch)
    );
    sender
        .push(Message::Utf8(b"\xba"), Compress::IfWorthIt, None)
        .unwrap();
    assert_eq!(drain(&mut sender, 99), b"\x01\x01\xce\x80\x01\xba");
}

#[test]
fn a_client_that_does_not_mask_sends_the_key_0() {
    let config = Config {
        masking: false,
        ..Config::default()
    };
    let keys = KeySource::new(&[5; 32]).unwrap();
    let mut sender = Sender::new(Some(keys), &config);
    sender
        .push(Message::Text("a"), Compress::IfWorthIt, None)
        .unwrap();
    assert_eq!(drain(&mut sender, 99), b"\x81\x81\0\0\0\0a");
}

#[test]
fn extension_frames_are_the_hosts_only_after_they_were_negotiated() {
    let mut sender = server();
    let frame = Message::ExtensionFrame(0xc2, b"z");
    assert_eq!(
        sender.push(frame, Compress::IfWorthIt, None),
        Err(Rule::FrameHeaderInvalid)
    );
    sender.allow_extension_frames();
    sender.push(frame, Compress::IfWorthIt, None).unwrap();
    let control = Message::ExtensionFrame(0x89, b"");
    assert_eq!(
        sender.push(control, Compress::IfWorthIt, None),
        Err(Rule::FrameHeaderInvalid)
    );
    assert_eq!(drain(&mut sender, 99), b"\xc2\x01z");
}
