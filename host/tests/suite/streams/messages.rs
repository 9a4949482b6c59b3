//! Messages in both directions, polled by either half.

use std::pin::pin;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use websocket_host::stream::{
    Bytes, Config, Error, Message, Negotiated, Role, Rule, accept_async_with_config,
    client_async_with_config, from_upgraded,
};

use super::{engine, pair};
use crate::frames::{FIN, TEXT, frame};
use crate::support::{Socket, URL};

const LONG: Duration = Duration::from_secs(60);

async fn next(socket: &mut Socket) -> Message {
    let next = timeout(LONG, socket.next()).await.expect("in time");
    next.expect("a message").expect("a good one")
}

fn bytes(size: usize, seed: usize) -> Bytes {
    (0..size).map(|at| ((at + seed) * 31 % 251) as u8).collect()
}

#[tokio::test]
async fn messages_of_all_sizes_through_a_narrow_pipe() {
    let (mut client, mut server) = pair(1000).await;
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        for (from, to) in [(&mut client, &mut server)] {
            let message = Message::Binary(bytes(size, 1));
            let (sent, received) = tokio::join!(from.send(message.clone()), next(to));
            sent.expect("sent");
            assert!(received == message, "{size} bytes");
            let message = Message::text("ż".repeat(size / 2));
            let (sent, received) = tokio::join!(to.send(message.clone()), next(from));
            sent.expect("sent");
            assert!(received == message, "{size} bytes of text");
        }
    }
}

/// The long ones don't go through the guest, and the short ones do.
#[tokio::test]
async fn short_and_long_messages_and_pings_stay_in_order() {
    let mut config = Config::default();
    config.report_control_frames = true;
    let (near, far) = tokio::io::duplex(5000);
    let (client, server) = tokio::join!(
        client_async_with_config(URL, near, engine(), config),
        accept_async_with_config(far, engine(), config),
    );
    let mut sides = (client.expect("a client").0, server.expect("a server"));
    for _ in 0..2 {
        let (from, to) = (&mut sides.0, &mut sides.1);
        let sizes = [10, 16_383, 16_384, 1, 100_000, 0, 40_000];
        let mut messages: Vec<_> = sizes
            .into_iter()
            .map(|size| Message::Binary(bytes(size, size)))
            .collect();
        messages.insert(3, Message::Ping("between".into()));
        messages.push(Message::text("ż".repeat(10_000)));
        let sending = async {
            for message in &messages {
                from.feed(message.clone()).await.expect("queued");
            }
            from.flush().await.expect("sent");
        };
        let receiving = async {
            let mut received = Vec::new();
            while received.len() < messages.len() {
                let message = next(to).await;
                // The answer to the ping of the other direction.
                if !matches!(message, Message::Pong(_)) {
                    received.push(message);
                }
            }
            received
        };
        let ((), received) = tokio::join!(sending, receiving);
        let (mut pings, received): (Vec<_>, Vec<_>) =
            received.into_iter().partition(|message| !message.is_data());
        assert_eq!(pings.pop(), Some(messages.remove(3)));
        assert!(received == messages);
        sides = (sides.1, sides.0);
    }
}

#[tokio::test]
async fn messages_that_are_fed_go_out_together_and_in_order() {
    let (mut client, mut server) = pair(1 << 20).await;
    for count in 0..1000 {
        client
            .feed(Message::text(format!("message {count}")))
            .await
            .expect("queued");
    }
    client.flush().await.expect("sent");
    for count in 0..1000 {
        assert_eq!(
            next(&mut server).await,
            Message::text(format!("message {count}"))
        );
    }
}

#[tokio::test]
async fn a_sender_waits_for_a_receiver_that_is_slow() {
    let (mut client, mut server) = pair(1000).await;
    let message = Message::Binary(bytes(10_000, 0));
    let mut sent = 0;
    while timeout(Duration::from_millis(200), client.send(message.clone()))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(sent < 100, "nothing holds it back");
    }
    // The abandoned one was queued, and arrives as well.
    for _ in 0..=sent {
        let (_, received) = tokio::join!(client.flush(), next(&mut server));
        assert_eq!(received, message);
    }
}

#[tokio::test]
async fn two_that_send_before_they_read_don_t_wait_for_each_other() {
    let (client, server) = pair(1000).await;
    let both = |socket: Socket, seed| async move {
        let (mut sink, mut stream) = socket.split();
        let message = Message::Binary(bytes(4 << 20, seed));
        let sending = async {
            for _ in 0..3 {
                sink.send(message.clone()).await.expect("sent");
            }
        };
        let receiving = async {
            let mut received = Vec::new();
            while received.len() < 3 {
                received.push(stream.next().await.expect("a message").expect("a good one"));
            }
            received
        };
        tokio::join!(sending, receiving).1
    };
    let client = tokio::spawn(both(client, 1));
    let server = tokio::spawn(both(server, 2));
    let (client, server) = timeout(LONG, async { tokio::join!(client, server) })
        .await
        .expect("no deadlock");
    let message = |seed| Message::Binary(bytes(4 << 20, seed));
    assert!(client.expect("no panic") == vec![message(2); 3]);
    assert!(server.expect("no panic") == vec![message(1); 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_in_two_tasks_wake_each_other() {
    let (client, mut server) = pair(500).await;
    let echo = tokio::spawn(async move {
        while let Some(Ok(message)) = server.next().await {
            if message.is_data() {
                server.send(message).await.expect("sent");
            }
        }
    });
    let (mut sink, mut stream) = client.split();
    let count = 2000;
    let sender = tokio::spawn(async move {
        for at in 0..count {
            sink.send(Message::Binary(bytes(at % 700, at)))
                .await
                .expect("sent");
        }
        sink
    });
    for at in 0..count {
        let item = timeout(LONG, stream.next()).await.expect("in time");
        let message = item.expect("a message").expect("a good one");
        assert_eq!(message, Message::Binary(bytes(at % 700, at)));
    }
    let sink = sender.await.expect("no panic");
    let mut client = sink.reunite(stream).expect("halves of one");
    client.close(None).await.expect("closed");
    echo.await.expect("no panic");
}

#[tokio::test]
async fn a_receive_that_is_given_up_loses_nothing() {
    let (mut client, mut server) = pair(100).await;
    let sender = tokio::spawn(async move {
        for at in 0..50 {
            client
                .send(Message::Binary(bytes(1000, at)))
                .await
                .expect("sent");
        }
        client
    });
    let mut given_up = 0;
    for at in 0..50 {
        let message = loop {
            let mut next = pin!(server.next());
            // Polled once, and dropped if that was not enough.
            match futures_util::poll!(&mut next) {
                std::task::Poll::Ready(item) => break item,
                std::task::Poll::Pending => given_up += 1,
            }
            tokio::task::yield_now().await;
        };
        let message = message.expect("a message").expect("a good one");
        assert_eq!(message, Message::Binary(bytes(1000, at)));
    }
    assert!(given_up > 0);
    sender.await.expect("no panic");
}

#[tokio::test]
async fn pings_are_answered_unseen_unless_they_are_asked_for() {
    let (near, far) = tokio::io::duplex(1024);
    let config = Config::default();
    let mut shown = config;
    shown.report_control_frames = true;
    let (client, server) = tokio::join!(
        client_async_with_config(URL, near, engine(), shown),
        accept_async_with_config(far, engine(), config),
    );
    let (mut client, mut server) = (client.expect("open").0, server.expect("open"));
    client
        .send(Message::Ping(Bytes::from_static(b"hello")))
        .await
        .expect("sent");
    client.send("after".into()).await.expect("sent");
    assert_eq!(next(&mut server).await, Message::text("after"));
    assert_eq!(
        next(&mut client).await,
        Message::Pong(Bytes::from_static(b"hello"))
    );
}

#[tokio::test(start_paused = true)]
async fn who_only_sends_keeps_the_connection() {
    let (mut client, mut server) = pair(1 << 16).await;
    let server = tokio::spawn(async move { while server.next().await.is_some() {} });
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(7)).await;
        client.send("still here".into()).await.expect("sent");
    }
    client.close(None).await.expect("closed");
    server.await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn who_is_away_for_long_finds_the_connection_as_it_was() {
    let (mut client, mut server) = pair(1 << 16).await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(45)).await;
        timeout(Duration::from_millis(1), client.next())
            .await
            .expect_err("nothing yet");
        timeout(Duration::from_millis(1), server.next())
            .await
            .expect_err("nothing yet");
    }
    server.send("hello".into()).await.expect("sent");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(next(&mut client).await, Message::text("hello"));
}

#[tokio::test]
async fn empty_messages_don_t_pile_up_either() {
    let (mut client, _server) = pair(1 << 16).await;
    let mut fed = 0;
    while timeout(Duration::from_millis(200), client.feed("".into()))
        .await
        .is_ok()
    {
        fed += 1;
        assert!(fed < 100_000, "nothing holds it back");
    }
}

#[tokio::test]
async fn a_message_that_never_fits_is_refused_before_it_costs_anything() {
    let (mut client, mut server) = pair(1 << 16).await;
    let limit = Config::default().limits.queued_output;
    let huge = vec![0; usize::try_from(limit).expect("an index") + 1];
    let error = client.send(huge.into()).await.expect_err("too long");
    assert!(
        matches!(error, Error::TooLong { limit: l } if l == limit),
        "{error:?}"
    );
    client.send("next".into()).await.expect("sent");
    assert_eq!(next(&mut server).await, Message::text("next"));
}

#[tokio::test]
async fn what_can_t_be_sent_is_refused_and_the_rest_goes_on() {
    let (mut client, mut server) = pair(1 << 16).await;
    let error = client
        .send(Message::Ping(bytes(126, 0)))
        .await
        .expect_err("too long");
    let Error::Failure(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.rule, Rule::ControlPayloadTooLong);
    client.send("next".into()).await.expect("sent");
    assert_eq!(next(&mut server).await, Message::text("next"));
}

#[tokio::test]
async fn the_transport_and_the_settings_come_back() {
    let (client, _server) = pair(1000).await;
    assert_eq!(client.get_config(), &Config::default());
    let _transport: tokio::io::DuplexStream = client.into_inner();
}

#[tokio::test]
async fn a_frame_that_comes_in_two_reads_is_waited_for_whatever_the_settings_say() {
    let config = Config::with(|config| config.leave_unfinished = 1 << 20);
    let (near, mut peer) = tokio::io::duplex(1 << 10);
    let plain = Negotiated::default();
    let socket = from_upgraded(near, Role::Server, plain, Vec::new(), engine(), config);
    let mut socket = socket.expect("it opens");
    let hello = frame(FIN | TEXT, b"hello", Role::Client);
    for piece in hello.chunks(3) {
        peer.write_all(piece).await.expect("written");
        let nothing = timeout(Duration::from_millis(5), socket.next()).await;
        if let Ok(message) = nothing {
            let message = message.expect("a message").expect("a good one");
            return assert_eq!(message, Message::text("hello"));
        }
    }
    assert_eq!(next(&mut socket).await, Message::text("hello"));
}

#[test]
fn a_stream_can_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Socket>();
}
