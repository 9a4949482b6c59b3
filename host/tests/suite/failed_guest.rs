//! Streams whose guest fails, and streams that get no guest.

use std::num::NonZero;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use websocket_host::stream::{
    Config, Engine, Error, Negotiated, Origin, WebSocketStream, accept_async, from_upgraded,
};
use websocket_host::{Guests, Role, Sandbox, SandboxConfig, SandboxError};

use crate::support::{component, config, misbehaving};

/// A stream that is open, and its peer.
fn open(engine: &impl Engine, role: Role) -> (WebSocketStream<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(1 << 16);
    let (plain, config) = (Negotiated::default(), Config::default());
    let socket = from_upgraded(near, role, plain, Vec::new(), engine, config);
    (socket.expect("it opens"), far)
}

/// A text that makes the guest trap, from the peer of `role`.
fn trap(role: Role) -> Vec<u8> {
    const TEXT: &[u8] = b"misbehave: trap";
    let length = TEXT.len() as u8;
    match role {
        Role::Server => [&[0x81, 0x80 | length, 0, 0, 0, 0], TEXT].concat(),
        Role::Client => [&[0x81, length], TEXT].concat(),
    }
}

/// Checks that the stream sends 1011, and ends because of a trap.
async fn ends_with_1011(
    role: Role,
    mut socket: WebSocketStream<DuplexStream>,
    mut peer: DuplexStream,
) {
    let peer = tokio::spawn(async move {
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.expect("read");
        answer
    });
    let error = socket.next().await.expect("an error").expect_err("a trap");
    let is_trap = matches!(error, Error::Sandbox(SandboxError::Trap { .. }));
    assert!(is_trap, "{error:?}");
    assert_eq!(error.origin(), Origin::Guest);
    assert!(socket.next().await.is_none());
    let answer = peer.await.expect("no panic");
    assert_eq!(answer[0], 0x88);
    if role == Role::Server {
        assert_eq!(answer[2..4], 1011_u16.to_be_bytes());
        assert_eq!(&answer[4..], b"internal error");
    }
}

#[tokio::test]
async fn class_29_a_guest_that_traps_says_1011_and_ends_alone() {
    for role in [Role::Server, Role::Client] {
        let (mut other, _its_peer) = open(misbehaving(), role);
        let (socket, mut peer) = open(misbehaving(), role);
        peer.write_all(&trap(role)).await.expect("written");
        ends_with_1011(role, socket, peer).await;
        other.send("alive".into()).await.expect("sent");
    }
}

#[tokio::test]
async fn class_29_a_shared_guest_that_traps_says_1011_on_each_of_its_connections() {
    let two = NonZero::new(2).expect("two");
    let guests = Guests::new(misbehaving().clone(), two);
    for role in [Role::Server, Role::Client] {
        let (socket, mut peer) = open(&guests, role);
        let (mut neighbour, its_peer) = open(&guests, role);
        let (mut other, _its_peer) = open(&guests, role);
        peer.write_all(&trap(role)).await.expect("written");
        ends_with_1011(role, socket, peer).await;
        // Its next call returns the error.
        neighbour.send("too late".into()).await.expect_err("gone");
        ends_with_1011(role, neighbour, its_peer).await;
        other.send("alive".into()).await.expect("sent");
    }
}

/// A sandbox whose only guest is in use until the stream is dropped.
fn full() -> (Sandbox, WebSocketStream<DuplexStream>) {
    let one = SandboxConfig {
        guests: 1,
        ..config()
    };
    let sandbox = Sandbox::load(component(), one).expect("the component loads");
    let (socket, _) = open(&sandbox, Role::Server);
    (sandbox, socket)
}

#[tokio::test]
async fn without_a_guest_there_is_no_stream_until_one_is_free() {
    let (full, only) = full();
    let (near, _peer) = duplex(1);
    let error = accept_async(near, &full).await.expect_err("it is full");
    let is_full = matches!(error, Error::Sandbox(SandboxError::PoolExhausted));
    assert!(is_full, "{error:?}");
    drop(only);
    open(&full, Role::Client);
}

#[cfg(feature = "hyper")]
#[test]
fn without_a_guest_a_request_is_refused_with_503() {
    use websocket_host::stream::http::{Request, StatusCode};
    use websocket_host::upgrade::Upgrade;

    let (full, _only) = full();
    let request = Request::builder()
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .expect("a request");
    let refused = Upgrade::new(request).accept(&full).map(drop);
    let error = refused.expect_err("it is full");
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
}
