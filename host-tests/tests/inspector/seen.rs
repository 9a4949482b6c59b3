//! Reports of frames and messages.

use host_tests::ROLES;
use host_tests::deflate;
use host_tests::inspected::{Inspects, Proxy, Saw};
use host_tests::on_both_inspectors;
use host_tests::wire::{Frame, RSV1};
use websocket_component::Role::{self, Client, Server};
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Options, Payload, View};

use crate::by;

fn viewing(view: impl Fn(&mut View)) -> Options {
    let mut options = Options::default();
    view(&mut options.client.view);
    view(&mut options.server.view);
    options
}

fn saw<I: Inspects>(proxy: Proxy<I>, from: Role) -> Vec<Saw> {
    assert_eq!(proxy.broken(), None);
    assert!(proxy.saw.iter().all(|(side, _)| *side == from));
    proxy.saw.into_iter().map(|(_, saw)| saw).collect()
}

fn headers_come_with_their_positions<I: Inspects>() {
    for from in ROLES {
        let mut proxy =
            Proxy::<I>::open(viewing(|view| view.frames = true), &Negotiated::default());
        let frames = [
            Frame::text("Hello"),
            Frame::binary([7; 300]),
            Frame::ping(""),
        ];
        let mut offset = 0;
        let mut expected = Vec::new();
        for frame in &frames {
            let bytes = by(from, std::slice::from_ref(frame));
            let payload = frame.payload.len();
            expected.push((
                offset,
                frame.first,
                from == Client,
                bytes.len() - payload,
                payload as u64,
            ));
            offset += bytes.len() as u64;
        }
        proxy.send_in(from, &by(from, &frames), 3);
        let seen: Vec<_> = saw(proxy, from)
            .into_iter()
            .map(|saw| match saw {
                Saw::Frame(frame) => {
                    let header = usize::from(frame.header);
                    (
                        frame.offset,
                        frame.first,
                        frame.masked,
                        header,
                        frame.payload,
                    )
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(seen, expected);
    }
}

fn messages_are_seen_whole_up_to_a_bound_however_they_come<I: Inspects>() {
    let payload = Payload::Messages { up_to: 10 };
    let options = viewing(|view| (view.payload, view.messages) = (payload, true));
    for from in ROLES {
        let frames = [
            Frame::text("whole"),
            Frame::text("in ").not_last(),
            Frame::ping("between"),
            Frame::continuation("parts"),
            Frame::binary("longer than ten"),
            Frame::binary("longer ").not_last(),
            Frame::continuation("than ten"),
            Frame::binary(""),
        ];
        for length in [1, 4, 1000] {
            let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
            proxy.send_in(from, &by(from, &frames), length);
            let mut summaries = Vec::new();
            let mut messages = Vec::new();
            for saw in saw(proxy, from) {
                match saw {
                    Saw::Message(summary) => summaries.push((
                        summary.text,
                        summary.frames,
                        summary.wire_length,
                        summary.length,
                        summary.shown,
                    )),
                    other => messages.push(other),
                }
            }
            let expected = [
                Saw::Text("whole".into(), true),
                Saw::Text("in parts".into(), true),
                Saw::Binary(b"".into(), true),
            ];
            assert_eq!(messages, expected);
            let expected = [
                (true, 1, 5, Some(5), true),
                (true, 2, 8, Some(8), true),
                (false, 1, 15, Some(15), false),
                (false, 2, 15, Some(15), false),
                (false, 1, 0, Some(0), true),
            ];
            assert_eq!(summaries, expected);
        }
    }
}

fn chunks_are_what_has_come<I: Inspects>() {
    let options = viewing(|view| view.payload = Payload::Chunks);
    let mut proxy = Proxy::<I>::open(options, &Negotiated::default());
    let message = by(Server, &[Frame::binary("abcdef")]);
    for piece in [&message[..4], &message[4..5], &message[5..]] {
        proxy.send(Server, piece);
    }
    let binary = |bytes: &str, last| Saw::Binary(bytes.into(), last);
    let expected = [binary("ab", false), binary("c", false), binary("def", true)];
    assert_eq!(saw(proxy, Server), expected);
}

fn compressed_messages_are_seen_inflated_or_not_at_all<I: Inspects>() {
    let text = deflate::text(1000);
    for inflate in [true, false] {
        let payload = Payload::Messages { up_to: 5000 };
        let options = viewing(|view| {
            (view.payload, view.messages, view.inflate) = (payload, true, inflate);
        });
        let mut proxy = Proxy::<I>::open(options, &deflate::negotiated(""));
        let mut peer = deflate::Peer::default();
        for _ in 0..3 {
            let payload = peer.compresses(&text);
            let wire = payload.len() as u64;
            let message = by(Client, &[Frame::text(payload).reserved(RSV1)]);
            proxy.send_in(Client, &message, 50);
            let Some((_, Saw::Message(summary))) = proxy.saw.pop() else {
                panic!("no summary");
            };
            assert_eq!(summary.length, inflate.then_some(1000));
            assert!(summary.compressed && summary.shown == inflate);
            assert_eq!((summary.wire_length, summary.frames), (wire, 1));
            let shown = proxy.saw.pop().map(|(_, saw)| saw);
            assert_eq!(shown, inflate.then(|| Saw::Text(text.clone().into(), true)));
        }
        assert_eq!(proxy.broken(), None);
    }
}

fn control_frames_are_seen_if_asked_for_even_several_that_are_cut<I: Inspects>() {
    for from in ROLES {
        let mut proxy =
            Proxy::<I>::open(viewing(|view| view.control = true), &Negotiated::default());
        let frames = [Frame::ping("one"), Frame::pong("two"), Frame::ping("three")];
        let bytes = by(from, &frames);
        let (first, rest) = bytes.split_at(4);
        proxy.send(from, first);
        proxy.send(from, &rest[..rest.len() - 2]);
        proxy.send(from, &rest[rest.len() - 2..]);
        let expected = [
            Saw::Ping(b"one".into()),
            Saw::Pong(b"two".into()),
            Saw::Ping(b"three".into()),
        ];
        assert_eq!(saw(proxy, from), expected);
    }
}

on_both_inspectors!(
    headers_come_with_their_positions,
    messages_are_seen_whole_up_to_a_bound_however_they_come,
    chunks_are_what_has_come,
    compressed_messages_are_seen_inflated_or_not_at_all,
    control_frames_are_seen_if_asked_for_even_several_that_are_cut,
);
