//! Handshakes that fail, and bytes after the heads.

use std::time::Duration;

use host_tests::heads;
use host_tests::inspected::{Inspects, Proxy, Saw};
use host_tests::on_both_inspectors;
use host_tests::wire::Frame;
use websocket_component::Role::{Client, Server};
use websocket_component::State;
use websocket_component::handshake::HandshakeKind;
use websocket_component::inspector::{End, Options, Payload};

use crate::{by, headers};

const SECOND: Duration = Duration::from_secs(1);

/// A proxy that has forwarded a request, in header fields.
fn asked_in_fields<I: Inspects>() -> Proxy<I> {
    let mut proxy = Proxy::<I>::new(Options::default());
    let request = headers(&heads::REQUEST);
    proxy
        .inspector
        .request_headers(HandshakeKind::Upgrade, &request, proxy.now)
        .expect("a request");
    proxy
}

/// The server refuses it.
fn refuse_in_fields<I: Inspects>(proxy: &mut Proxy<I>) {
    let refused = proxy.inspector.response_headers(403, &[], proxy.now);
    refused.expect_err("a refusal");
}

fn payload_pipelined_with_the_response_is_seen_as_it_is<I: Inspects>() {
    let mut options = Options::default();
    options.server.view.payload = Payload::Chunks;
    let mut proxy = Proxy::<I>::new(options);
    proxy.send(Client, &heads::request());
    proxy.send(
        Server,
        &[
            heads::response_to(heads::KEY),
            by(Server, &[Frame::text("greeting")]),
        ]
        .concat(),
    );
    assert_eq!(
        proxy.saw.last(),
        Some(&(Server, Saw::Text("greeting".into(), true)))
    );
}

fn a_refusal_goes_on_to_its_end_and_no_further<I: Inspects>() {
    for (length, body) in [
        (("Content-Length", "6"), "denied"),
        (("Transfer-Encoding", "chunked"), "6\r\ndenied\r\n0\r\n\r\n"),
    ] {
        let refusal = [
            &heads::head("HTTP/1.1 403 Forbidden", &[length]),
            body.as_bytes(),
        ]
        .concat();
        let all = [&refusal[..], b"HTTP/1.1 200 OK\r\n\r\n"].concat();
        for piece in [1, 1000, heads::end(&all).unwrap()] {
            let mut proxy = Proxy::<I>::new(Options::default());
            proxy.send(Client, &heads::request());
            proxy.send_in(Server, &all, piece);
            assert_eq!(
                String::from_utf8_lossy(&proxy.reached(Client)),
                String::from_utf8_lossy(&refusal),
                "{piece}"
            );
        }
    }
}

fn a_refusal_ends_although_the_server_goes_on<I: Inspects>() {
    let mut proxy = Proxy::<I>::new(Options::default());
    proxy.send(Client, &heads::request());
    proxy.send(
        Server,
        &[
            &heads::head("HTTP/1.1 403 Forbidden", &[("Content-Length", "1")])[..],
            b"x",
        ]
        .concat(),
    );
    assert_eq!(proxy.inspector.state(), State::Draining);
    for _ in 0..100 {
        proxy.wait(SECOND * 5);
        proxy.send(Server, b"y");
    }
    assert_eq!(proxy.inspector.state(), State::Closed);
}

fn no_http_bytes_if_the_heads_are_fields<I: Inspects>() {
    let mut proxy = asked_in_fields::<I>();
    proxy.send(Client, &by(Client, &[Frame::text("early")]));
    refuse_in_fields(&mut proxy);
    proxy.forward();
    assert_eq!(String::from_utf8_lossy(&proxy.reached(Client)), "");
}

fn a_pause_extends_the_time_of_the_handshake<I: Inspects>() {
    let mut proxy = Proxy::<I>::new(Options::default());
    proxy.inspector.pause_reading(Client, proxy.now);
    proxy.wait(SECOND * 60);
    proxy.inspector.resume_reading(Client, proxy.now);
    let due = proxy.inspector.next_deadline();
    assert!(due.is_none_or(|direction| direction > proxy.now), "{due:?}");
}

fn extensions_are_taken_out_however_their_field_is_spelled<I: Inspects>() {
    let mut options = Options::default();
    options.strip_extensions = true;
    let base = "GET /chat HTTP/1.1\r\nHost: e\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    for field in [
        "SEC-WEBSOCKET-extensions:permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: a,\r\n permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: a,\r\n\tpermessage-deflate\r\n",
        "Sec-WebSocket-Extensions : permessage-deflate\r\n",
        "X: y\nSec-WebSocket-Extensions: permessage-deflate\r\n",
        "X: y\rSec-WebSocket-Extensions: permessage-deflate\r\n",
        " Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: permessage-deflate\r\nY: 1\r\n",
        "Sec-WebSocket-Extensions:\r\n",
    ] {
        let mut proxy = Proxy::<I>::new(options);
        proxy.send(Client, format!("{base}{field}\r\n").as_bytes());
        let got = String::from_utf8_lossy(&proxy.reached(Server)).to_lowercase();
        assert!(!got.contains("deflate"), "{field:?}: {got}");
        let broken = proxy.broken();
        assert!(
            broken.is_some() || got.ends_with("\r\n\r\n"),
            "{field:?}: {broken:?}"
        );
    }
}

fn refused_in_header_fields_drains<I: Inspects>() {
    let mut proxy = asked_in_fields::<I>();
    refuse_in_fields(&mut proxy);
    assert_eq!(proxy.ends(), (End::Shutdown, End::Shutdown));
    assert_eq!(proxy.inspector.state(), State::Draining);
}

fn a_refusal_that_is_cut_by_time_is_not_ended_as_if_whole<I: Inspects>() {
    let mut proxy = Proxy::<I>::new(Options::default());
    proxy.send(Client, &heads::request());
    proxy.send(
        Server,
        &[&heads::head("HTTP/1.1 403 Forbidden", &[])[..], b"half"].concat(),
    );
    proxy.wait(SECOND * 11);
    assert_eq!(proxy.inspector.end(Server), End::Reset);
}

fn state_is_closed_after_a_failed_field_handshake_in_one_close_time<I: Inspects>() {
    let mut proxy = asked_in_fields::<I>();
    refuse_in_fields(&mut proxy);
    proxy.wait(SECOND * 10);
    assert_eq!(proxy.inspector.state(), State::Closed);
}

on_both_inspectors!(
    payload_pipelined_with_the_response_is_seen_as_it_is,
    a_refusal_goes_on_to_its_end_and_no_further,
    a_refusal_ends_although_the_server_goes_on,
    no_http_bytes_if_the_heads_are_fields,
    a_pause_extends_the_time_of_the_handshake,
    extensions_are_taken_out_however_their_field_is_spelled,
    refused_in_header_fields_drains,
    a_refusal_that_is_cut_by_time_is_not_ended_as_if_whole,
    state_is_closed_after_a_failed_field_handshake_in_one_close_time,
);
