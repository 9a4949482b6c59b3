//! How connections end.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, timeout};
use websocket_host::Role;
use websocket_host::stream::{
    CloseFrame, Config, Error, Message, Negotiated, Origin, Rule, WebSocketStream, accept_async,
    client_async, from_upgraded,
};

use super::{engine, pair};
use crate::support::{Socket, URL};

fn frame(code: u16, reason: &str) -> Option<CloseFrame> {
    let reason = reason.to_owned();
    Some(CloseFrame { code, reason })
}

fn open(role: Role, config: Config) -> (Socket, tokio::io::DuplexStream) {
    let (near, far) = duplex(1 << 16);
    let plain = Negotiated::default();
    let socket = from_upgraded(near, role, plain, Vec::new(), engine(), config);
    (socket.expect("it opens"), far)
}

#[tokio::test]
async fn a_close_is_answered_and_both_sides_end_without_an_error() {
    for client_closes in [true, false] {
        let (client, server) = pair(1024).await;
        let (mut closer, mut other) = if client_closes {
            (client, server)
        } else {
            (server, client)
        };
        other.send("last".into()).await.expect("sent");
        let closing = async {
            closer.close(frame(4000, "enough")).await.expect("closed");
            assert_eq!(
                closer.next().await.expect("kept").expect("good"),
                Message::text("last")
            );
            let answer = closer
                .next()
                .await
                .expect("the answer")
                .expect("a good one");
            assert_eq!(answer, Message::Close(frame(4000, "")));
            assert!(closer.next().await.is_none());
        };
        let receiving = async {
            let message = other.next().await.expect("a close").expect("a good one");
            assert_eq!(message, Message::Close(frame(4000, "enough")));
            assert!(other.next().await.is_none());
            let error = other.send("too late".into()).await.expect_err("closed");
            assert!(matches!(error, Error::Closed), "{error:?}");
        };
        timeout(Duration::from_secs(30), async {
            tokio::join!(closing, receiving)
        })
        .await
        .expect("in time");
    }
}

/// With a message before the answer, which then has the program's reason too.
#[tokio::test]
async fn a_program_can_answer_a_close_frame_itself() {
    for role in [Role::Client, Role::Server] {
        let (near, far) = duplex(1024);
        let plain = Negotiated {
            subprotocol: None,
            extensions: Vec::new(),
        };
        let open = |io, role, reply_to_close| {
            let mut config = Config::default();
            config.reply_to_close = reply_to_close;
            from_upgraded(io, role, plain.clone(), Vec::new(), engine(), config).expect("it opens")
        };
        let other = match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        let (mut answers, mut closes) = (open(near, role, false), open(far, other, true));
        let answering = async {
            let close = answers.next().await.expect("a close").expect("a good one");
            answers.feed("last".into()).await.expect("room");
            answers.send(close).await.expect("sent");
            assert!(answers.next().await.is_none());
            let error = answers.send("too late".into()).await.expect_err("closed");
            assert!(matches!(error, Error::Closed), "{error:?}");
        };
        let closing = async {
            closes.close(frame(4000, "enough")).await.expect("closed");
            let last = closes.next().await.expect("kept").expect("good");
            assert_eq!(last, Message::text("last"));
            let answer = closes.next().await.expect("the answer").expect("good");
            assert_eq!(answer, Message::Close(frame(4000, "enough")));
        };
        timeout(Duration::from_secs(30), async {
            tokio::join!(answering, closing)
        })
        .await
        .expect("in time");
    }
}

/// They arrive in one read, and the program is slow.
#[tokio::test]
async fn messages_in_front_of_a_close_frame_are_answered_in_front_of_its_answer() {
    for (code, answer) in [(4000, frame(4000, "")), (1005, None)] {
        let (mut client, mut server) = pair(1024).await;
        for text in ["one", "two"] {
            client.feed(text.into()).await.expect("queued");
        }
        let close = (code != 1005).then(|| frame(code, "enough")).flatten();
        client
            .send(Message::Close(close.clone()))
            .await
            .expect("sent");
        let answering = async {
            for text in ["one", "two"] {
                let message = server.next().await.expect("a message").expect("good");
                assert_eq!(message, Message::text(text));
                tokio::time::sleep(Duration::from_millis(20)).await;
                server.send(message).await.expect("still open");
            }
            let last = server.next().await.expect("a close").expect("good");
            assert_eq!(last, Message::Close(close));
            let error = server.send("too late".into()).await.expect_err("closed");
            assert!(matches!(error, Error::Closed), "{error:?}");
            // Nothing follows: the answer was written.
            drop(server);
        };
        let asking = async {
            let expected = ["one".into(), "two".into(), Message::Close(answer)];
            for expected in expected {
                let message = client.next().await.expect("an answer").expect("good");
                assert_eq!(message, expected);
            }
            assert!(client.next().await.is_none());
        };
        timeout(Duration::from_secs(30), async {
            tokio::join!(answering, asking)
        })
        .await
        .expect("in time");
    }
}

#[tokio::test]
async fn nothing_can_be_sent_behind_a_close_frame() {
    let (mut client, _server) = pair(1024).await;
    client.feed(Message::Close(None)).await.expect("queued");
    let error = client.feed("more".into()).await.expect_err("closed");
    assert!(matches!(error, Error::Closed), "{error:?}");
}

#[tokio::test]
async fn a_close_frame_that_is_none_is_refused() {
    let (mut client, _server) = pair(1024).await;
    let error = client.close(frame(1006, "")).await.expect_err("never sent");
    let Error::Failure(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.rule, Rule::CloseCodeForbidden);
    client.send("still open".into()).await.expect("sent");
}

#[tokio::test]
async fn a_transport_that_ends_is_1006() {
    let (mut client, server) = pair(1024).await;
    drop(server);
    let error = client.next().await.expect("an error").expect_err("lost");
    assert_eq!(
        (error.close_code(), error.origin()),
        (1006, Origin::Transport)
    );
    assert!(client.next().await.is_none());
    assert!(client.send("hello".into()).await.is_err());
}

#[tokio::test]
async fn a_peer_that_breaks_a_rule_is_told_and_what_came_before_is_delivered() {
    let (mut server, mut peer) = open(Role::Server, Config::default());
    let two = b"\x81\x82\0\0\0\0ok\x83\x80\0\0\0\0";
    peer.write_all(two).await.expect("written");
    let peer = tokio::spawn(async move {
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.expect("read");
        answer
    });
    assert_eq!(
        server.next().await.expect("kept").expect("good"),
        Message::text("ok")
    );
    let error = server.next().await.expect("an error").expect_err("broken");
    let Error::Failure(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (failure.rule, error.close_code()),
        (Rule::ReservedOpcode, 1002)
    );
    assert_eq!(error.origin(), Origin::Peer);
    assert!(server.next().await.is_none());
    let answer = peer.await.expect("no panic");
    assert_eq!(answer[0], 0x88);
    assert_eq!(answer[2..4], 1002_u16.to_be_bytes());
}

#[tokio::test]
async fn a_message_in_front_of_a_broken_rule_can_be_answered() {
    let (mut server, mut peer) = open(Role::Server, Config::default());
    let two = b"\x81\x82\0\0\0\0ok\x83\x80\0\0\0\0";
    peer.write_all(two).await.expect("written");
    let message = server.next().await.expect("kept").expect("good");
    // The answer is written, and then the connection ends.
    let _ = server.send(message).await;
    let peer = async {
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.expect("read");
        drop(peer);
        answer
    };
    let (answer, end) = tokio::join!(peer, server.next());
    assert_eq!(answer[..5], *b"\x81\x02ok\x88");
    assert_eq!(answer[6..8], 1002_u16.to_be_bytes());
    let error = end.expect("an error").expect_err("broken");
    assert_eq!(error.close_code(), 1002);
}

#[tokio::test]
async fn a_server_hangs_up_first_and_a_client_waits_for_it() {
    let (mut server, mut peer) = open(Role::Server, Config::default());
    peer.write_all(b"\x88\x80\0\0\0\0").await.expect("written");
    let ending = tokio::spawn(async move { while server.next().await.is_some() {} });
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer)
        .await
        .expect("the end, though the peer is still there");
    assert_eq!(answer, b"\x88\0");
    drop(peer);
    ending.await.expect("no panic");

    let (mut client, mut peer) = open(Role::Client, Config::default());
    peer.write_all(b"\x88\0").await.expect("written");
    let ending = tokio::spawn(async move { while client.next().await.is_some() {} });
    let mut answer = [0; 6];
    peer.read_exact(&mut answer).await.expect("an answer");
    let more = timeout(Duration::from_millis(200), peer.read(&mut answer)).await;
    assert!(more.is_err(), "it waits");
    peer.shutdown().await.expect("shut down");
    assert_eq!(peer.read(&mut answer).await.expect("read"), 0);
    ending.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_closes_is_waited_for_no_longer_than_agreed() {
    let (mut server, mut peer) = open(Role::Server, Config::default());
    peer.write_all(b"\x88\x80\0\0\0\0").await.expect("written");
    let start = Instant::now();
    while server.next().await.is_some() {}
    let took = start.elapsed().as_secs();
    assert!((10..=11).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_doesn_t_answer_a_close_or_a_ping_is_given_up() {
    let (mut client, _peer) = open(Role::Client, Config::default());
    let error = client.close(None).await.expect_err("no answer");
    let Error::Failure(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.rule, Rule::CloseTimeout);

    let mut config = Config::default();
    config.timeouts.keepalive = Some(Duration::from_secs(1));
    config.timeouts.pong = Some(Duration::from_secs(2));
    let (mut client, _peer) = open(Role::Client, config);
    let start = Instant::now();
    let error = client.next().await.expect("an error").expect_err("silence");
    let Error::Failure(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (failure.rule, error.close_code()),
        (Rule::PongTimeout, 1011)
    );
    assert!(start.elapsed().as_secs() >= 3);
}

#[tokio::test(start_paused = true)]
async fn two_idle_sides_keep_each_other_alive() {
    let (mut client, mut server) = pair(1024).await;
    let idle = async {
        tokio::select! {
            message = client.next() => panic!("{message:?}"),
            message = server.next() => panic!("{message:?}"),
        }
    };
    timeout(Duration::from_secs(3600), idle)
        .await
        .expect_err("an hour goes by");
}

#[tokio::test]
async fn the_last_words_of_a_server_survive_input_that_nobody_reads() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bound");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (io, _) = listener.accept().await.expect("a client");
        let mut socket = accept_async(io, engine()).await.expect("open");
        let _ = socket
            .next()
            .await
            .expect("an error")
            .expect_err("a bad frame");
    });
    let io = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    let (socket, _): (WebSocketStream<_>, _) = client_async(URL, io, engine()).await.expect("open");
    let mut socket = socket;
    let io = socket.get_mut();
    let mut flood = b"\x83\x80\0\0\0\0".to_vec();
    flood.resize(1 << 20, 0);
    let _ = io.write_all(&flood).await;
    let message = socket.next().await.expect("a close").expect("a good one");
    let Message::Close(Some(close)) = message else {
        panic!("{message:?}");
    };
    assert_eq!(close.code, 1002);
    drop(socket);
    server.await.expect("no panic");
}
