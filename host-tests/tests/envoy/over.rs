//! WebSockets over HTTP/2, on either side of Envoy, and over TLS.

use std::time::Duration;

use host_tests::envoy::Http;
use host_tests::heads::{accept_for, field};
use host_tests::wire::{Frame, bytes_of};
use http::HeaderMap;
use rstest::rstest;
use serde_json::json;
use websocket_component::Role::Client;

use crate::http2::{Answer, Http2Client, Http2Server};
use crate::proxy::{Opening, Proxy, Version, response};
use crate::side::Side;

/// A client of HTTP/2, and a server of HTTP/1.1.
fn open(proxy: &Proxy, connection: &mut Http2Client) -> (Answer, Side) {
    let asked = connection.ask(&[], b"");
    let mut server = proxy.accept();
    let request = server.head();
    server.write(&response(&request, &[]));
    (connection.answer(asked), server)
}

#[rstest]
fn clients_of_http2_reach_servers_of_http1(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let mut keys = Vec::new();
    for _ in 0..3 {
        let asked = connection.ask(&[("x-test", "carried")], b"");
        let mut server = proxy.accept();
        let request = server.head();
        assert!(request.starts_with("GET /chat HTTP/1.1\r\n"), "{request}");
        assert_eq!(field(&request, "x-test"), Some("carried"));
        let key = field(&request, "sec-websocket-key").expect("a key");
        keys.push(key.to_owned());
        server.write(&response(&request, &[("x-server", "carried back")]));
        let mut answer = connection.answer(asked);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.fields["x-server"], "carried back");
        assert_eq!(answer.fields.get("sec-websocket-accept"), None);
        let client = &mut answer.client;
        for _ in 0..3 {
            let frames = [
                Frame::text("there"),
                Frame::ping("p"),
                Frame::binary([7; 70_000]),
            ];
            client.send(&frames);
            assert_eq!([server.frame(), server.frame(), server.frame()], frames);
            server.send(&frames);
            assert_eq!([client.frame(), client.frame(), client.frame()], frames);
        }
        client.send(&[Frame::close(1000, "bye")]);
        assert_eq!(server.close_code(), 1000);
        server.send(&[Frame::close(1000, "")]);
        assert_eq!(client.close_code(), 1000);
        drop(server);
        assert_eq!(client.rest(), b"");
    }
    keys.dedup();
    assert_eq!(keys.len(), 3, "the same key twice: {keys:?}");
    assert_eq!(proxy.entry(3)["ws_verdict"], "ok");
}

#[rstest]
fn rules_are_checked_over_http2(#[values(Version::Latest, Version::Oldest)] version: Version) {
    let Some(proxy) = Proxy::start(version, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, mut server) = open(&proxy, &mut connection);
    let client = &mut answer.client;
    // The first bytes of the client's are those that break it.
    client.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!((client.close_code(), server.close_code()), (1002, 1001));
    assert_eq!((client.rest(), server.rest()), (vec![], vec![]));

    // Other streams of the connection stay open.
    let (mut answer, mut server) = open(&proxy, &mut connection);
    let client = &mut answer.client;
    client.send(&[Frame::text("there")]);
    assert_eq!(server.frame(), Frame::text("there"));
    server.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    assert_eq!(client.frame(), Frame::text("good"));
    assert_eq!(server.close_code(), 1002);
    assert_eq!(client.close_code(), 1014);
}

/// Envoy doesn't allow writing to a client of HTTP/2 that has sent nothing.
#[rstest]
fn a_server_that_breaks_a_rule_is_told_so_as_soon_as_its_client_of_http2_says_something(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, mut server) = open(&proxy, &mut connection);
    server.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    let client = &mut answer.client;
    assert_eq!(client.frame(), Frame::text("good"));
    assert_eq!(client.close_code(), 1014);
    client.send(&[Frame::close(1014, "")]);
    assert_eq!(server.close_code(), 1002);

    let (mut answer, mut server) = open(&proxy, &mut connection);
    server.send(&[Frame::new(0x3, "")]);
    assert_eq!(answer.client.close_code(), 1014);
    // It sends nothing at all.
    assert_eq!(server.rest(), b"");
}

#[rstest]
fn frames_of_http2_that_come_before_the_answer_reach_the_server(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let early = [Frame::text("early"), Frame::ping("bird")];
    let asked = connection.ask(&[], &bytes_of(&early, Client));
    let mut server = proxy.accept();
    let request = server.head();
    server.write(&response(&request, &[]));
    let mut answer = connection.answer(asked);
    assert_eq!([server.frame(), server.frame()], early);
    server.send(&[Frame::text("back")]);
    assert_eq!(answer.client.frame(), Frame::text("back"));
}

#[test]
fn a_stream_of_http2_that_ends_or_is_reset_ends_the_servers_connection() {
    let Some(proxy) = Proxy::start(Version::Latest, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, mut server) = open(&proxy, &mut connection);
    answer.client.send(&[Frame::text("last")]);
    assert_eq!(server.frame(), Frame::text("last"));
    answer.client.finish();
    assert_eq!(server.close_code(), 1001);
    assert_eq!(server.rest(), b"");

    let (mut answer, mut server) = open(&proxy, &mut connection);
    answer.client.send(&[Frame::text("last")]);
    assert_eq!(server.frame(), Frame::text("last"));
    answer.client.reset();
    if let Some(frame) = server.frame_or_end() {
        assert_eq!(frame.first, 0x88, "{frame:02x?}");
        assert_eq!(server.rest(), b"");
    }
    proxy.wait_for_stat("open", 0);
    let lost = "connection 3: client: connection-lost";
    proxy
        .envoy
        .wait_for_log(lost)
        .expect("the client is told to be lost");
}

#[rstest]
fn a_server_that_is_gone_is_told_over_http2(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, server) = open(&proxy, &mut connection);
    drop(server);
    assert_eq!(answer.client.close_code(), 1014);
    assert_eq!(answer.client.rest(), b"");
}

#[test]
fn without_the_repair_a_request_of_http2_has_no_key() {
    let settings = json!({ "http2_repair": false });
    let set =
        |builder: host_tests::envoy::Builder| builder.downstream(Http::Two).configuration(settings);
    let Some(proxy) = Proxy::start(Version::Latest, set) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let asked = connection.ask(&[], b"");
    let mut server = proxy.accept();
    let request = server.head();
    assert_eq!(field(&request, "sec-websocket-key"), None);
    server.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(connection.answer(asked).status, 400);
}

#[test]
fn an_accept_that_does_not_fit_the_key_of_the_repair_is_a_bad_gateway() {
    let Some(proxy) = Proxy::start(Version::Latest, |builder| builder.downstream(Http::Two)) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let asked = connection.ask(&[], b"");
    let mut server = proxy.accept();
    server.head();
    // It accepts another one.
    server.write(&response("", &[]));
    assert_eq!(connection.answer(asked).status, 502);
}

/// The answer of a server of HTTP/2 that has received a key nevertheless, for a client of HTTP/1.1.
fn accept(request: &HeaderMap) -> HeaderMap {
    let mut answer = HeaderMap::new();
    if let Some(key) = request.get("sec-websocket-key") {
        let accept = accept_for(key.to_str().expect("text"));
        answer.insert("sec-websocket-accept", accept.parse().expect("text"));
    }
    answer
}

#[test]
fn clients_of_http1_reach_servers_of_http2() {
    let upstream = Http2Server::start(accept);
    let set = |builder: host_tests::envoy::Builder| builder.upstream(Http::Two);
    let Some(proxy) = Proxy::before(Version::Latest, upstream.address, set) else {
        return;
    };
    let mut client = proxy.dial();
    client.write(&Opening::default().request());
    let (_, mut server) = upstream.accept();
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    for _ in 0..3 {
        server.send(&[Frame::text("back"), Frame::ping("p")]);
        assert_eq!(
            [client.frame(), client.frame()],
            [Frame::text("back"), Frame::ping("p")]
        );
        client.send(&[Frame::text("there")]);
        assert_eq!(server.frame(), Frame::text("there"));
    }
    server.reset();
    assert_eq!(client.close_code(), 1014);
    assert_eq!(client.rest(), b"");
    assert_eq!(proxy.entry(1)["ws_verdict"], "connection-lost");
}

/// An Envoy between clients and servers of HTTP/2, which leaves requests as they are.
fn between_http2(upstream: &Http2Server) -> Option<Proxy> {
    let settings = json!({ "http2_repair": false });
    Proxy::before(Version::Latest, upstream.address, |builder| {
        let builder = builder.upstream(Http::Two).downstream(Http::Two);
        builder.configuration(settings)
    })
}

/// A client and a server of HTTP/2, and the fields of the request that the server got.
fn open_between(client: &mut Http2Client, upstream: &Http2Server) -> (Answer, HeaderMap, Side) {
    let asked = client.ask(&[], b"");
    let (fields, server) = upstream.accept();
    (client.answer(asked), fields, server)
}

#[test]
fn clients_of_http2_reach_servers_of_http2_without_the_repair() {
    let upstream = Http2Server::start(accept);
    let Some(proxy) = between_http2(&upstream) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, fields, mut server) = open_between(&mut connection, &upstream);
    assert_eq!(fields.get("sec-websocket-key"), None);
    assert_eq!(answer.status, 200);
    let client = &mut answer.client;
    for _ in 0..3 {
        client.send(&[Frame::text("there")]);
        assert_eq!(server.frame(), Frame::text("there"));
        server.send(&[Frame::text("back")]);
        assert_eq!(client.frame(), Frame::text("back"));
    }
    client.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!((client.close_code(), server.close_code()), (1002, 1001));

    // A server that resets its stream with RST_STREAM.
    let (mut answer, _, mut server) = open_between(&mut connection, &upstream);
    server.send(&[Frame::text("last")]);
    assert_eq!(answer.client.frame(), Frame::text("last"));
    server.reset();
    assert_eq!(answer.client.close_code(), 1014);
}

#[test]
fn a_frame_without_bytes_of_a_server_of_http2_is_no_end() {
    let upstream = Http2Server::start(accept);
    let Some(proxy) = between_http2(&upstream) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (answer, _, mut server) = open_between(&mut connection, &upstream);
    let mut client = answer.client;
    for _ in 0..3 {
        server.send_empty();
        client.is_silent_for(Duration::from_millis(50));
        server.send(&[Frame::text("back")]);
        assert_eq!(client.frame(), Frame::text("back"));
    }
}

/// Envoy doesn't allow writing to the server of a client of HTTP/2 that has sent nothing.
#[test]
fn the_server_of_a_client_of_http2_gets_pings_once_that_has_said_something() {
    let settings = json!({ "server": { "ping_seconds": 0.1, "pong_seconds": 0.4 } });
    let set =
        |builder: host_tests::envoy::Builder| builder.downstream(Http::Two).configuration(settings);
    let Some(proxy) = Proxy::start(Version::Latest, set) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, mut server) = open(&proxy, &mut connection);
    server.is_silent_for(Duration::from_secs(1));
    answer.client.send(&[Frame::text("first")]);
    let both = [server.frame(), server.frame()];
    assert!(both.contains(&Frame::text("first")), "{both:?}");
    let ping = both.iter().find(|frame| frame.first == 0x89);
    server.send(&[Frame::pong(&ping.expect("a ping").payload)]);
    // It answers no other.
    let closed = std::iter::repeat_with(|| server.frame()).find(|frame| frame.first == 0x88);
    let closed = closed.expect("a close frame");
    assert_eq!(closed.payload[..2], 1011_u16.to_be_bytes());
    assert_eq!(proxy.entry(1)["ws_verdict"], "pong-timeout");
}

#[test]
fn a_close_frame_that_could_not_be_written_is_not_logged() {
    let settings = json!({ "server": { "idle_seconds": 0.2 } });
    let set =
        |builder: host_tests::envoy::Builder| builder.downstream(Http::Two).configuration(settings);
    let Some(proxy) = Proxy::start(Version::Latest, set) else {
        return;
    };
    let mut connection = Http2Client::connect(proxy.envoy.address);
    let (mut answer, mut server) = open(&proxy, &mut connection);
    assert_eq!(answer.client.close_code(), 1014);
    assert_eq!(server.rest(), b"");
    let entry = proxy.entry(1);
    assert_eq!(entry["ws_verdict"], "idle-timeout");
    assert_eq!(entry["ws_close_to_client"], "1014");
    assert!(entry["ws_close_to_server"].is_null(), "{entry}");
}

#[test]
fn rules_are_checked_behind_tls() {
    let Some(proxy) = Proxy::start(Version::Latest, |builder| builder.tls()) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    for _ in 0..3 {
        client.send(&[Frame::text("there"), Frame::binary([7; 70_000])]);
        assert_eq!(server.frame(), Frame::text("there"));
        assert_eq!(server.frame(), Frame::binary([7; 70_000]));
        server.send(&[Frame::text("back")]);
        assert_eq!(client.frame(), Frame::text("back"));
    }
    client.send(&[Frame::text("good"), Frame::new(0x3, "")]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!((client.close_code(), server.close_code()), (1002, 1001));
    assert_eq!((client.rest(), server.rest()), (vec![], vec![]));

    let (mut client, server) = proxy.open();
    drop(server);
    assert_eq!(client.close_code(), 1014);
}
