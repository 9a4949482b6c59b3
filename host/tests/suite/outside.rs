//! Long payloads that are received without going through the guest.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::time::timeout;
use websocket_host::protocol::{
    Compression, Config, Negotiated, Outgoing, OutgoingKind, Rule, State,
};
use websocket_host::stream::{Error, Message, WebSocketStream, from_upgraded};
use websocket_host::{CallError, Guest, Role, Session};

use crate::support::sandbox;

const ENTROPY: [u8; 32] = [7; 32];
const KEY: [u8; 4] = [1, 0x9e, 0, 0xff];
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const PING: u8 = 0x9;
const FIN: u8 = 0x80;

/// A frame of a client's, or of a server's without the mask.
fn frame(first: u8, payload: &[u8], by: Role) -> Vec<u8> {
    let mask_bit = if by == Role::Client { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(mask_bit | short as u8),
        length @ 126..65_536 => {
            frame.push(mask_bit | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(mask_bit | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    match by {
        Role::Server => frame.extend(payload),
        Role::Client => {
            frame.extend(KEY);
            let masked = payload.iter().zip(KEY.iter().cycle());
            frame.extend(masked.map(|(byte, key)| byte ^ key));
        }
    }
    frame
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

fn open(role: Role, config: Config) -> (WebSocketStream<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(1 << 20);
    let socket = from_upgraded(
        near,
        role,
        Negotiated::default(),
        Vec::new(),
        sandbox(),
        config,
    );
    (socket.expect("it opens"), far)
}

/// The messages that come of these bytes in pieces of this length, the peer's last, and why it ends.
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
        Some(Error::Failure(failure)) => failure.rule(),
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

/// A server and a client in one guest, as in a relay from one to the other, and the memory they take.
fn relay() -> (Guest, Session, Session) {
    let mut guest = sandbox().guest().expect("a guest");
    let mut config = Config::default();
    config.leave_payloads = Some(1000);
    let negotiated = Negotiated::default();
    let server = guest.open_server(&config, &negotiated, 0);
    let client = guest.open_client(&config, &ENTROPY, &negotiated, 0);
    (guest, server.expect("a server"), client.expect("a client"))
}

/// Relays one frame, of which so many bytes come at a time. What is written.
fn relayed(
    guest: &mut Guest,
    from: &Session,
    to: &Session,
    frame: &[u8],
    piece: usize,
) -> Result<Vec<u8>, CallError> {
    let begun = guest.begin_payload(from, frame, 1)?;
    let (header, mut payload) = begun.expect("a long payload");
    let mut written = Vec::new();
    let mut read = frame[header..].to_vec();
    for piece in read.chunks_mut(piece) {
        let relayed = guest.relay_payload(from, to, &mut payload, piece, 1)?;
        let (count, header) = relayed;
        let header = header.expect("nothing waits");
        assert_eq!(count, piece.len());
        written.extend(header.as_bytes());
        written.extend(&piece[..count]);
    }
    Ok(written)
}

#[test]
fn a_relayed_payload_costs_the_guest_no_memory_and_arrives_in_fragments() {
    let text = "zażółć gęślą jaźń ".repeat(50_000);
    for (first, data) in [
        (FIN | TEXT, text.as_bytes()),
        (FIN | BINARY, &bytes(1 << 20)),
    ] {
        for from_client in [true, false] {
            let (mut guest, server, client) = relay();
            let before = guest.memory();
            let (from, to, by, receiver) = match from_client {
                true => (&server, &client, Role::Client, Role::Server),
                false => (&client, &server, Role::Server, Role::Client),
            };
            let said = frame(first, data, by);
            let written = relayed(&mut guest, from, to, &said, 65_537).expect("relayed");
            assert_eq!(guest.memory(), before);

            // What a session of the other side makes of it.
            let mut other = sandbox().guest().expect("a guest");
            let (config, negotiated) = (Config::default(), Negotiated::default());
            let session = match receiver {
                Role::Server => other.open_server(&config, &negotiated, 0),
                Role::Client => other.open_client(&config, &ENTROPY, &negotiated, 0),
            }
            .expect("a session");
            let result = other
                .exchange(&session, &written, &[], b"", 1, 4 << 20)
                .expect("a result");
            assert_eq!(result.consumed, written.len());
            let [event] = &result.events[..] else {
                panic!("{:?}", result.events);
            };
            assert!(result.bytes(event) == data);
        }
    }
}

#[test]
fn a_relayed_text_that_is_none_ends_the_session_it_came_to() {
    let (mut guest, server, client) = relay();
    let mut text = "x".repeat(5000).into_bytes();
    text[4000] = 0xff;
    let said = frame(FIN | TEXT, &text, Role::Client);
    match relayed(&mut guest, &server, &client, &said, 1000) {
        Err(CallError::Failure(failure)) => assert_eq!(failure.rule(), Some(Rule::InvalidUtf8)),
        other => panic!("{other:?}"),
    }
    assert_eq!(guest.state(&server), Ok(State::Closing));
    assert_eq!(guest.state(&client), Ok(State::Open));
}

#[test]
fn a_relayed_payload_waits_for_what_the_other_side_has_queued() {
    let (mut guest, server, client) = relay();
    let said = frame(FIN | BINARY, &bytes(5000), Role::Client);
    let (header, mut payload) = guest
        .begin_payload(&server, &said, 1)
        .expect("a result")
        .expect("a long payload");
    let ping = frame(FIN | PING, b"?", Role::Server);
    let result = guest.exchange(&client, &ping, &[], b"", 1, 1);
    assert_eq!(result.expect("a result").output.len(), 1);
    let mut rest = said[header..].to_vec();
    let relayed = guest.relay_payload(&server, &client, &mut payload, &mut rest[..2000], 1);
    assert_eq!(
        relayed.map(|(count, header)| (count, header.is_none())),
        Ok((2000, true))
    );
    // They are unmasked, to be sent by the other way.
    assert!(rest[..2000] == bytes(2000));
    let fragment = Outgoing {
        kind: OutgoingKind::BinaryFragment(Compression::Automatic),
        start: 0,
        length: 2000,
        context: None,
    };
    let sent = guest.exchange(&client, b"", &[fragment], &rest[..2000], 1, 1 << 20);
    assert_eq!(sent.expect("a result").accepted, 1);
    // Then nothing is queued any more.
    let relayed = guest.relay_payload(&server, &client, &mut payload, &mut rest[2000..], 1);
    let (count, header) = relayed.expect("both are open");
    assert_eq!((count, payload.left()), (3000, 0));
    assert_eq!(
        header.expect("nothing waits").as_bytes()[0],
        FIN | CONTINUATION
    );
}

#[test]
fn a_source_that_fails_changes_nothing_of_the_target() {
    let (mut guest, server, client) = relay();
    let mut text = "x".repeat(5000).into_bytes();
    text[4000] = 0xff;
    let said = frame(FIN | TEXT, &text, Role::Client);
    relayed(&mut guest, &server, &client, &said, 5000).expect_err("it is no text");
    let header = guest
        .frame_header(&client, false, true, 3)
        .expect("it is open");
    assert_eq!(header.expect("nothing waits").as_bytes()[0], FIN | BINARY);
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
        // The pong's write fails, and what comes behind the long payload writes nothing.
        let read = [
            frame(FIN | PING, b"?", Role::Client),
            frame(FIN | BINARY, &bytes(length), Role::Client),
            frame(FIN | TEXT, b"last", Role::Client),
        ]
        .concat();
        let io = Failing { read, failures: 1 };
        let (plain, config) = (Negotiated::default(), Config::default());
        let socket = from_upgraded(io, Role::Server, plain, Vec::new(), sandbox(), config);
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
            // Whether it is told of the rule by then or not: the answer goes first.
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
