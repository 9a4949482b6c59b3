//! The handshake of the stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use websocket_host::Role;
use websocket_host::stream::http::{HeaderValue, StatusCode, header};
use websocket_host::stream::{
    Bytes, CloseFrame, Config, Error, ErrorResponse, IntoRequest, Message, Negotiated, Origin,
    Request, Response, Rule, accept_async, accept_hdr_async, client_async, connect_async,
    from_upgraded,
};

use super::{engine, pair};
use crate::support::{Socket, URL};

use futures_util::{SinkExt, StreamExt};

/// Writes something as the peer, and returns everything received until the end.
async fn raw(mut peer: DuplexStream, bytes: &[u8]) -> String {
    peer.write_all(bytes).await.expect("written");
    peer.shutdown().await.expect("shut down");
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_and_a_server_agree_on_a_subprotocol_and_see_each_others_fields() {
    let (near, far) = duplex(1024);
    let mut request = "ws://example.com:8080/chat?room=1"
        .into_request()
        .expect("a URL");
    let headers = request.headers_mut();
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static("one, two"),
    );
    headers.insert("x-client", HeaderValue::from_static("yes"));
    let callback = |request: &Request, mut response: Response| {
        assert_eq!(request.uri(), "/chat?room=1");
        assert_eq!(request.headers()[header::HOST], "example.com:8080");
        assert_eq!(request.headers()["x-client"], "yes");
        let headers = response.headers_mut();
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static("two"),
        );
        headers.insert("x-server", HeaderValue::from_static("too"));
        Ok(response)
    };
    let client = client_async(request, near, engine());
    let server = accept_hdr_async(far, engine(), callback);
    let (client, server) = tokio::join!(client, server);
    let (client, response) = client.expect("the client opens");
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["x-server"], "too");
    assert_eq!(client.negotiated().subprotocol.as_deref(), Some("two"));
    assert_eq!(
        server
            .expect("the server opens")
            .negotiated()
            .subprotocol
            .as_deref(),
        Some("two")
    );
}

#[tokio::test]
async fn a_server_refuses_and_the_client_learns_with_what() {
    let (near, far) = duplex(1024);
    let callback = |_: &Request, _: Response| {
        let mut refusal = ErrorResponse::new(Bytes::from_static(b"go away"));
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        Err(Box::new(refusal))
    };
    let client = client_async(URL, near, engine());
    let server = accept_hdr_async(far, engine(), callback);
    let (client, server) = tokio::join!(client, server);
    let Err(Error::Http(response)) = client else {
        panic!("refused");
    };
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.body(), "go away");
    assert!(matches!(server, Err(Error::Refused(StatusCode::FORBIDDEN))));
}

/// A transport that is lost after reading these bytes.
struct ThenLost(&'static [u8]);

impl AsyncRead for ThenLost {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let (next, rest) = self.0.split_at(self.0.len().min(buffer.remaining()));
        buffer.put_slice(next);
        self.0 = rest;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_refusal_whose_connection_is_lost_is_a_refusal() {
    let answer = b"HTTP/1.1 401 x\r\nContent-Length: 5\r\n\r\nhell";
    let io = tokio::io::join(ThenLost(answer), tokio::io::sink());
    let client = client_async(URL, io, engine()).await;
    let Err(Error::Http(response)) = client else {
        panic!("refused");
    };
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.body(), "hell");
}

#[tokio::test]
async fn a_connection_that_is_lost_before_the_answer_is_an_error_of_the_transport() {
    let io = tokio::io::join(ThenLost(b"HTTP/1.1 401 x\r\n"), tokio::io::sink());
    let client = client_async(URL, io, engine()).await;
    assert!(matches!(client, Err(Error::Io(_))));
}

#[tokio::test]
async fn a_callback_that_answers_what_was_not_asked_is_the_hosts_fault() {
    let (near, far) = duplex(1024);
    let callback = |_: &Request, mut response: Response| {
        let never_offered = HeaderValue::from_static("three");
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, never_offered);
        Ok(response)
    };
    let client = client_async(URL, near, engine());
    let server = accept_hdr_async(far, engine(), callback);
    let (client, server) = tokio::join!(client, server);
    assert_eq!(server.expect_err("a bad answer").origin(), Origin::Host);
    let Err(Error::Http(response)) = client else {
        panic!("refused");
    };
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn what_is_no_request_gets_its_status_and_names_its_rule() {
    for (bytes, status, rule) in [
        (
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            "426",
            Rule::UpgradeMissing,
        ),
        (b"hello\r\n\r\n", "400", Rule::HeadMalformed),
    ] {
        let (near, far) = duplex(1024);
        let (answer, server) = tokio::join!(raw(near, bytes), accept_async(far, engine()));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        let Err(Error::Failure(failure)) = server else {
            panic!("refused");
        };
        assert_eq!(failure.rule, rule);
    }
}

#[tokio::test]
async fn a_peer_that_goes_away_in_the_handshake_is_noticed() {
    let (near, far) = duplex(1024);
    let (answer, server) = tokio::join!(raw(near, b"GET / HT"), accept_async(far, engine()));
    let error = server.expect_err("half a request");
    assert_eq!((answer.as_str(), error.origin()), ("", Origin::Transport));

    let (near, far) = duplex(1024);
    drop(far);
    let error = client_async(URL, near, engine())
        .await
        .expect_err("nobody there");
    assert_eq!(error.origin(), Origin::Transport);
}

#[tokio::test]
async fn urls_that_lead_nowhere_are_said_to() {
    for (url, why) in [
        ("example.com", "scheme"),
        ("ftp://example.com/", "ftp"),
        ("ws:///chat", ""),
        ("ws://exa mple.com/", ""),
    ] {
        let error = connect_async(url, engine()).await.expect_err("a bad URL");
        assert!(matches!(error, Error::Request(_)), "{url}: {error:?}");
        assert!(error.to_string().contains(why), "{url}: {error}");
    }
}

#[tokio::test]
async fn what_came_behind_the_head_is_not_lost() {
    // The client's first message may share a packet with its request.
    let (mut near, far) = duplex(4096);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
        \x81\x82\0\0\0\0hi";
    near.write_all(request).await.expect("written");
    let mut server = accept_async(far, engine()).await.expect("the server opens");
    let message = server.next().await.expect("a message").expect("a good one");
    assert_eq!(message, Message::text("hi"));
}

/// A server that accepts, and sends more bytes in the same write.
async fn accept_and_say(mut peer: DuplexStream, bytes: &[u8]) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        peer.read_buf(&mut request).await.expect("read");
    }
    let request = String::from_utf8(request).expect("ASCII");
    let mut fields = request.lines().filter_map(|line| line.split_once(": "));
    let (_, key) = fields
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    let answer = [head.as_bytes(), bytes].concat();
    peer.write_all(&answer).await.expect("written");
    peer.read_to_end(&mut Vec::new()).await.expect("read");
}

/// Returns what a client gets when bytes follow the response: messages, and how the connection ended.
async fn heard_behind_the_response(bytes: &'static [u8]) -> (Vec<Message>, Option<Rule>) {
    let (near, far) = duplex(4096);
    let server = tokio::spawn(accept_and_say(far, bytes));
    let opened = client_async(URL, near, engine()).await;
    let (mut client, _) = opened.expect("the handshake is complete");
    let mut messages = Vec::new();
    let mut broken = None;
    while let Some(next) = client.next().await {
        match next {
            Ok(message) => messages.push(message),
            Err(Error::Failure(failure)) => broken = Some(failure.rule),
            Err(error) => panic!("{error:?}"),
        }
    }
    drop(client);
    server.await.expect("no panic");
    (messages, broken)
}

/// With a paused clock, since the peer never closes the connection and the stream waits for that.
#[tokio::test(start_paused = true)]
async fn what_came_behind_the_response_is_not_lost_even_if_it_ends_the_session() {
    let hi = || Message::text("hi");
    let bye = Message::Close(Some(CloseFrame {
        code: 1000,
        reason: String::new(),
    }));
    let heard = heard_behind_the_response(b"\x81\x02hi\x88\x02\x03\xe8").await;
    assert_eq!(heard, (vec![hi(), bye], None));
    let heard = heard_behind_the_response(b"\x81\x02hi\x83\0").await;
    assert_eq!(heard, (vec![hi()], Some(Rule::ReservedOpcode)));
    let heard = heard_behind_the_response(b"\x83\0").await;
    assert_eq!(heard, (vec![], Some(Rule::ReservedOpcode)));
}

#[tokio::test]
async fn a_stream_can_start_open() {
    let (near, far) = duplex(4096);
    let plain = || Negotiated {
        subprotocol: Some("one".into()),
        extensions: Vec::new(),
    };
    let open = |io, role, read: &[u8]| -> Socket {
        let config = Config::default();
        from_upgraded(io, role, plain(), read.to_vec(), engine(), config).expect("it opens")
    };
    let mut server = open(far, Role::Server, b"\x81\x82\0\0\0\0hi");
    let mut client = open(near, Role::Client, b"");
    assert_eq!(client.negotiated(), &plain());
    let read = server.next().await.expect("a message").expect("a good one");
    assert_eq!(read, Message::text("hi"));
    client.send("there".into()).await.expect("sent");
    let read = server.next().await.expect("a message").expect("a good one");
    assert_eq!(read, Message::text("there"));
}

#[tokio::test]
async fn both_sides_start_without_a_subprotocol() {
    let (client, server) = pair(1024).await;
    assert_eq!(client.negotiated().subprotocol, None);
    assert_eq!(server.negotiated().subprotocol, None);
}
