//! Long payloads, which bypass the session.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::timeout;
use websocket_host::Role;
use websocket_host::stream::{
    Config, Error, Message, Negotiated, Rule, WebSocketStream, from_upgraded,
};

use super::engine;
use crate::frames::{BINARY, CONTINUATION, FIN, PING, TEXT, bytes, frame};

fn open(role: Role, config: Config) -> (WebSocketStream<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(1 << 20);
    let socket = from_upgraded(
        near,
        role,
        Negotiated::default(),
        Vec::new(),
        engine(),
        config,
    );
    (socket.expect("it opens"), far)
}

/// Receives these bytes, the last from the peer, in parts of this length. Returns the messages, and why it ended.
async fn received(
    role: Role,
    config: Config,
    said: Vec<u8>,
    piece: usize,
) -> (Vec<Message>, Option<Error>) {
    let (mut socket, mut peer) = open(role, config);
    let speaking = async move {
        for piece in said.chunks(piece) {
            if peer.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        peer.shutdown().await.ok();
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.ok();
        answer
    };
    let listening = async {
        let mut messages = Vec::new();
        loop {
            match socket.next().await {
                Some(Ok(message)) => messages.push(message),
                Some(Err(error)) => return (messages, Some(error)),
                None => return (messages, None),
            }
        }
    };
    let (_, heard) = tokio::join!(speaking, listening);
    heard
}

fn rule(error: Option<Error>) -> Option<Rule> {
    match error {
        Some(Error::Failure(failure)) => Some(failure.rule),
        _ => None,
    }
}

#[tokio::test]
async fn long_and_short_messages_and_fragments_come_in_order_however_they_are_cut() {
    let text = "zażółć gęślą jaźń ".repeat(2000);
    let (text, data) = (text.as_bytes(), bytes(300_000));
    let closing = [FIN | 0x8, 0x02, 0x03, 0xe8];
    for (role, by) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
        let mut said = Vec::new();
        let mut say = |first, payload: &[u8]| said.extend(frame(first, payload, by));
        say(FIN | TEXT, b"short");
        say(FIN | BINARY, &data);
        say(FIN | TEXT, text);
        say(FIN | BINARY, &data[..16 << 10]);
        say(FIN | BINARY, b"");
        // Long and short fragments, the first of them long, and cut inside characters.
        say(TEXT, &text[..20_001]);
        say(CONTINUATION, &text[20_001..20_006]);
        say(FIN | PING, b"?");
        say(CONTINUATION, &text[20_006..40_003]);
        say(FIN | CONTINUATION, &text[40_003..]);
        // The first of them short.
        say(BINARY, &data[..5]);
        say(FIN | CONTINUATION, &data[5..]);
        say(FIN | TEXT, b"last");
        say(closing[0], &closing[2..]);
        let text = Message::text(String::from_utf8(text.to_vec()).expect("text"));
        let expected = [
            Message::text("short"),
            Message::binary(data.clone()),
            text.clone(),
            Message::binary(data[..16 << 10].to_vec()),
            Message::binary(Vec::new()),
            text,
            Message::binary(data.clone()),
            Message::text("last"),
        ];
        for piece in [1000, 16_391, 65_536, 1 << 20] {
            let (messages, error) = received(role, Config::default(), said.clone(), piece).await;
            let (close, messages) = messages.split_last().expect("messages");
            assert!(messages == expected, "in pieces of {piece}");
            assert!(matches!(close, Message::Close(Some(close)) if close.code == 1000));
            assert!(error.is_none(), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_long_text_that_is_none_ends_the_connection_behind_the_messages_before_it() {
    let mut text = "x".repeat(100_000).into_bytes();
    text[90_000] = 0xff;
    for fragments in [1, 3] {
        let mut said = frame(FIN | TEXT, b"before", Role::Client);
        for (index, part) in text.chunks(text.len().div_ceil(fragments)).enumerate() {
            let opcode = if index == 0 { TEXT } else { CONTINUATION };
            let fin = if index + 1 == fragments { FIN } else { 0 };
            said.extend(frame(fin | opcode, part, Role::Client));
        }
        for piece in [1000, 65_536, 1 << 20] {
            let config = Config::default();
            let (messages, error) = received(Role::Server, config, said.clone(), piece).await;
            assert_eq!(messages, [Message::text("before")]);
            assert_eq!(rule(error), Some(Rule::InvalidUtf8));
        }
    }
}

#[tokio::test]
async fn limits_hold_for_long_payloads() {
    let mut config = Config::default();
    config.limits.message = 50_000;
    let data = bytes(30_000);
    let mut said = frame(FIN | BINARY, &data, Role::Server);
    said.extend(frame(BINARY, &data, Role::Server));
    said.extend(frame(FIN | CONTINUATION, &data, Role::Server));
    let (messages, error) = received(Role::Client, config, said, 7000).await;
    assert!(messages == [Message::binary(data)]);
    assert_eq!(rule(error), Some(Rule::MessageTooBig));
}

#[tokio::test]
async fn a_transport_that_ends_inside_a_long_payload_is_an_error() {
    for length in [20_000, 200_000] {
        let mut said = frame(FIN | TEXT, b"before", Role::Client);
        said.extend(frame(FIN | BINARY, &bytes(length), Role::Client));
        said.truncate(said.len() - 1);
        let (messages, error) = received(Role::Server, Config::default(), said, 9000).await;
        assert_eq!(messages, [Message::text("before")]);
        assert_eq!(rule(error), Some(Rule::ConnectionLost));
    }
}

/// A transport that has this to read, then nothing, and whose first writes fail.
struct Failing {
    read: Vec<u8>,
    failures: usize,
}

impl AsyncRead for Failing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.read.len().min(buffer.remaining());
        if count == 0 {
            return Poll::Pending;
        }
        buffer.put_slice(&self.read.drain(..count).collect::<Vec<_>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Failing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.failures.checked_sub(1) {
            Some(left) => {
                self.failures = left;
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            None => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_write_that_fails_is_not_forgotten_behind_a_long_payload() {
    for length in [100, 20_000] {
        // The pong's write fails, and nothing is written for what follows the long payload.
        let read = [
            frame(FIN | PING, b"?", Role::Client),
            frame(FIN | BINARY, &bytes(length), Role::Client),
            frame(FIN | TEXT, b"last", Role::Client),
        ]
        .concat();
        let io = Failing { read, failures: 1 };
        let (plain, config) = (Negotiated::default(), Config::default());
        let socket = from_upgraded(io, Role::Server, plain, Vec::new(), engine(), config);
        let mut socket = socket.expect("it opens");
        for expected in [length, 4] {
            let message = socket.next().await.expect("a message").expect("a good one");
            assert_eq!(message.len(), expected);
        }
        let end = socket.next().await.expect("an error");
        assert!(matches!(end, Err(Error::Io(_))), "{end:?}");
        socket.send("late".into()).await.expect_err("it has ended");
    }
}

#[tokio::test]
async fn who_sends_only_long_messages_keeps_deadlines_too() {
    for length in [1000, 20_000] {
        let mut config = Config::default();
        config.timeouts.keepalive = Some(Duration::from_millis(20));
        config.timeouts.pong = Some(Duration::from_millis(20));
        let (mut socket, mut peer) = open(Role::Server, config);
        let sending = async {
            loop {
                if let Err(error) = socket.send(Message::binary(bytes(length))).await {
                    return error;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let reading = async {
            let mut buffer = vec![0; 1 << 16];
            while peer.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            std::future::pending::<()>().await;
        };
        let error = tokio::select! {
            error = timeout(Duration::from_secs(60), sending) => error.expect("in time"),
            () = reading => unreachable!(),
        };
        assert_eq!(rule(Some(error)), Some(Rule::PongTimeout));
    }
}

#[tokio::test]
async fn a_message_can_be_answered_before_a_rule_is_broken_in_or_behind_a_long_frame() {
    let wrong = vec![0xff; 20_000];
    for (what, frames) in [
        ("a short wrong text", vec![(FIN | TEXT, &wrong[..100])]),
        ("a long wrong text", vec![(FIN | TEXT, &wrong[..])]),
        (
            "a reserved opcode behind a long fragment",
            vec![(BINARY, &wrong[..]), (FIN | 0x3, b"")],
        ),
    ] {
        for first in [1, 20_000] {
            let mut said = frame(FIN | BINARY, &bytes(first), Role::Client);
            for (first, payload) in &frames {
                said.extend(frame(*first, payload, Role::Client));
            }
            let mut config = Config::default();
            config.timeouts.close = Some(Duration::from_millis(50));
            let (mut socket, mut peer) = open(Role::Server, config);
            peer.write_all(&said).await.expect("written");
            let message = socket.next().await.expect("a message").expect("a good one");
            assert_eq!(message.len(), first);
            // The answer is sent first, whether the rule has been reported by then or not.
            socket.send("answer".into()).await.ok();
            let answer = async {
                let mut answer = [0; 9];
                peer.read_exact(&mut answer).await.expect("an answer");
                answer
            };
            let (answer, _) = tokio::join!(answer, socket.next());
            assert_eq!(answer[..8], *b"\x81\x06answer", "{first}, {what}");
            assert_eq!(answer[8], 0x88, "{first}, {what}");
        }
    }
}
