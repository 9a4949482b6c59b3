use host_tests::heads;
use host_tests::wire::{Frame, bytes_of, read_frames};
use websocket_component::Role::{Client, Server};

use super::proxy::{Proxy, SWITCHING, UPGRADE};
use super::{frames, send};

fn open(settings: &str) -> Proxy {
    let mut proxy = Proxy::new(settings);
    proxy.open(1, true);
    proxy
}

#[test]
fn a_broken_rule_ends_both_sides_at_once_behind_what_was_good() {
    for (breaker, code, other_code) in [(Client, 1002, 1001), (Server, 1002, 1014)] {
        let mut proxy = open("");
        let broken = Frame {
            first: 0x83,
            ..Frame::text("x")
        };
        send(
            &mut proxy,
            breaker,
            &[Frame::text("good"), broken, Frame::text("late")],
        );
        let on = frames(&mut proxy, breaker);
        assert_eq!(on.len(), 2, "{on:?}");
        assert_eq!(on[0], Frame::text("good"));
        assert_eq!(on[1].payload[..2], u16::to_be_bytes(other_code));
        let back = frames(&mut proxy, breaker.peer());
        assert_eq!(back.len(), 1, "{back:?}");
        assert_eq!(back[0].payload[..2], u16::to_be_bytes(code));
        let fields = proxy.close(1);
        assert_eq!(fields["ws_verdict"], "reserved-opcode");
        assert_eq!(proxy.outside.metrics["websocket.rule.reserved-opcode"], 1);
        assert_eq!(proxy.outside.metrics["websocket.open"], 0);
        assert_eq!(proxy.outside.metrics["websocket.memory_bytes"], 0);
    }
}

#[test]
fn a_rule_that_is_broken_in_the_read_of_a_head_ends_both_sides() {
    for breaker in [Client, Server] {
        let mut proxy = Proxy::new("");
        proxy.request(1, &UPGRADE);
        let early = [Frame::text("good"), Frame::new(0x3, "")];
        let early_of = |from| match from == breaker {
            true => bytes_of(&early, from),
            false => Vec::new(),
        };
        proxy.come(1, Client, &early_of(Client));
        proxy.response(1, &SWITCHING);
        proxy.come(1, Server, &early_of(Server));
        proxy.pass(5);
        let on = frames(&mut proxy, breaker);
        assert_eq!((on.len(), &on[0]), (2, &early[0]), "{on:?}");
        assert_eq!(
            frames(&mut proxy, breaker.peer())[0].opcode_and_code(),
            (0x88, 1002)
        );
    }
}

#[test]
fn a_message_that_is_too_long_ends_at_its_header() {
    let mut proxy = open(r#"{"client": {"max_message_bytes": 1000}}"#);
    send(&mut proxy, Client, &[Frame::binary([0; 1000])]);
    let header = Frame::binary("").by(Client).header(1001);
    proxy.come(1, Client, &header);
    let on = frames(&mut proxy, Client);
    assert_eq!(on.len(), 2);
    assert_eq!(
        frames(&mut proxy, Server)[0].payload[..2],
        u16::to_be_bytes(1009)
    );
}

#[test]
fn a_rule_that_is_broken_inside_a_frame_that_was_forwarded_ends_in_a_reset() {
    let mut proxy = open(r#"{"client": {"hold_frame_bytes": 0}}"#);
    let text = Frame::text(vec![b'a'; 5000]).by(Client).bytes();
    proxy.come(1, Client, &text[..4000]);
    assert_eq!(proxy.sent(1, Client), &text[..4000]);
    let mut rest = text[4000..].to_vec();
    rest[10] ^= 0x80;
    proxy.come(1, Client, &rest);
    // No close frame can stand inside of a frame; the client's side can be closed.
    assert_eq!(
        frames(&mut proxy, Server)[0].payload[..2],
        u16::to_be_bytes(1007)
    );
    proxy.pass(2000);
    assert!(proxy.of(1).is_reset);
    assert_eq!(proxy.outside.metrics["websocket.reset"], 1);
}

#[test]
fn an_upstream_that_is_gone_is_told_with_a_code() {
    for (settings, code) in [("", 1014), (r#"{"upstream_gone_code": 1012}"#, 1012)] {
        // A callback that brings nothing, as of HTTP/1.1.
        let mut proxy = open(settings);
        send(&mut proxy, Server, &[Frame::text("last")]);
        proxy.come(1, Server, b"");
        let on = frames(&mut proxy, Server);
        assert_eq!(on[0], Frame::text("last"));
        assert_eq!(on[1].payload[..2], u16::to_be_bytes(code));
        assert_eq!(proxy.close(1)["ws_verdict"], "connection-lost");
        // The end of a stream of HTTP/2.
        let mut proxy = open(settings);
        proxy.end(1, Server);
        assert_eq!(
            frames(&mut proxy, Server)[0].payload[..2],
            u16::to_be_bytes(code)
        );
    }
}

#[test]
fn a_client_that_ends_its_stream_of_http2_is_told_to_the_server() {
    let mut proxy = open("");
    send(&mut proxy, Client, &[Frame::text("last")]);
    proxy.end(1, Client);
    let on = frames(&mut proxy, Client);
    assert_eq!(
        (&on[0], on[1].opcode_and_code()),
        (&Frame::text("last"), (0x88, 1001))
    );
    proxy.pass(1000);
    assert!(proxy.of(1).is_reset);
    assert_eq!(proxy.close(1)["ws_close_to_server"], "1001");
}

#[test]
fn a_connection_that_is_gone_without_a_callback_is_told_too() {
    // As if an upstream of HTTP/2 resets its stream.
    let mut proxy = open("");
    send(&mut proxy, Server, &[Frame::text("last")]);
    assert_eq!(proxy.close(1)["ws_verdict"], "connection-lost");
    let on = frames(&mut proxy, Server);
    assert_eq!(on[1].payload[..2], u16::to_be_bytes(1014));
    assert_eq!(proxy.outside.metrics["websocket.rule.connection-lost"], 1);
}

#[test]
fn a_callback_that_brings_nothing_is_no_end_of_a_server_of_http2() {
    let mut proxy = Proxy::new(r#"{"http2_repair": false}"#);
    let has_no_key = |(name, _): &&(&str, &str)| !name.starts_with("sec-websocket-key");
    let request: Vec<_> = UPGRADE.iter().filter(has_no_key).copied().collect();
    proxy.request(1, &request);
    proxy.response(1, &SWITCHING[..3]);
    for _ in 0..3 {
        proxy.come(1, Server, b"");
    }
    send(&mut proxy, Server, &[Frame::text("still here")]);
    assert_eq!(frames(&mut proxy, Server), [Frame::text("still here")]);
}

#[test]
fn who_is_gone_is_told_by_the_proxys_flags_and_details() {
    let (client, server) = ("client: connection-lost", "server: connection-lost");
    let lost = "connection-lost";
    for (flags, details, said, verdict) in [
        (1_u64 << 14, "downstream_remote_disconnect", client, lost),
        (1 << 18, "http2.unexpected_underscore", client, lost),
        (1 << 28, "http2.remote_reset", client, lost),
        (
            1 << 4,
            "upstream_reset_after_response_started",
            server,
            lost,
        ),
        (1 << 6, "via_upstream", server, lost),
        (0, "via_upstream", server, lost),
        (
            1 << 16,
            "stream_idle_timeout",
            "ended by the proxy: stream_idle_timeout",
            "stream_idle_timeout",
        ),
        (
            0,
            "request_payload_too_large",
            "ended by the proxy: request_payload_too_large",
            "request_payload_too_large",
        ),
    ] {
        let mut proxy = open("");
        let properties = [
            ("response\0flags", flags.to_le_bytes().to_vec()),
            ("response\0code_details", details.into()),
        ];
        proxy.outside.properties.extend(properties);
        assert_eq!(proxy.close(1)["ws_verdict"], verdict, "{details}");
        let (_, line) = proxy.outside.log.last().expect("a line");
        assert!(line.contains(said), "{details}: {line}");
    }
}

#[test]
fn a_ping_goes_to_a_client_as_soon_as_anything_can_and_only_then_is_a_pong_due() {
    // As over HTTP/2, if the server has sent nothing yet.
    let settings = r#"{"client": {"ping_seconds": 10, "pong_seconds": 5}}"#;
    let mut proxy = Proxy::new(settings);
    proxy.open(1, false);
    proxy.pass(60_000);
    assert_eq!(proxy.sent(1, Server), b"");
    send(&mut proxy, Server, &[Frame::text("first")]);
    proxy.pass(200);
    let on = frames(&mut proxy, Server);
    let ping = on.iter().find(|frame| frame.first == 0x89);
    let ping = ping.unwrap_or_else(|| panic!("{on:?}"));
    send(&mut proxy, Client, &[Frame::pong(&ping.payload)]);
    proxy.pass(5000);
    assert_eq!(proxy.outside.metrics["websocket.client.round_trip_ms"], 1);
    proxy.pass(10_200);
    assert_eq!(proxy.close(1)["ws_verdict"], "pong-timeout");
}

#[test]
fn no_close_frame_is_told_as_sent_to_a_server_whose_client_was_lost_first() {
    let mut proxy = open("");
    let flags = (1_u64 << 14).to_le_bytes().to_vec();
    proxy.outside.properties.insert("response\0flags", flags);
    let fields = proxy.close(1);
    assert_eq!(fields["ws_verdict"], "connection-lost");
    assert_eq!(fields.get("ws_close_to_server"), None);
}

#[test]
fn a_close_frame_behind_what_may_not_pass_is_not_told_as_sent() {
    for behind in [Frame::close(1000, ""), Frame::new(0x3, "")] {
        let mut proxy = open(r#"{"content": {"deny": [{"text": "secret"}]}}"#);
        send(&mut proxy, Client, &[Frame::text("a secret"), behind]);
        proxy.pass(100);
        assert_eq!(proxy.sent(1, Client), b"");
        assert_eq!(proxy.outside.metrics["websocket.ended.content"], 1);
        let fields = proxy.close(1);
        assert_eq!(fields["ws_verdict"], "content");
        assert_eq!(fields.get("ws_close_to_server"), None);
    }
}

#[test]
fn who_leaves_without_an_answer_to_a_close_frame_is_lost() {
    let mut proxy = open("");
    send(&mut proxy, Server, &[Frame::close(1000, "")]);
    let flags = (1_u64 << 14).to_le_bytes().to_vec();
    proxy.outside.properties.insert("response\0flags", flags);
    assert_eq!(proxy.close(1)["ws_verdict"], "connection-lost");
    assert_eq!(proxy.outside.metrics["websocket.rule.connection-lost"], 1);

    let mut proxy = open("");
    send(&mut proxy, Client, &[Frame::close(1000, "")]);
    let details = b"stream_idle_timeout".to_vec();
    proxy
        .outside
        .properties
        .insert("response\0code_details", details);
    assert_eq!(proxy.close(1)["ws_verdict"], "stream_idle_timeout");

    // An answer that has come is enough.
    let mut proxy = open("");
    send(&mut proxy, Client, &[Frame::close(1000, "")]);
    send(&mut proxy, Server, &[Frame::close(1000, "")]);
    assert_eq!(proxy.close(1)["ws_verdict"], "ok");
}

#[test]
fn a_proxy_that_passes_bytes_on_has_opened_what_was_accepted_and_refused_what_was_not() {
    let request = heads::request();
    let accepted = heads::response_to(heads::KEY);
    let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    for (request, response, opens, verdict) in [
        (&request[..], &accepted[..], 1, "connection-lost"),
        (&request[..], &refusal[..], 0, "handshake-refused"),
        (
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"",
            0,
            "upgrade-missing",
        ),
    ] {
        let mut proxy = Proxy::new("");
        proxy.accept(1);
        assert_eq!(proxy.outside.metrics["websocket.open"], 0);
        proxy.come(1, Client, request);
        proxy.come(1, Server, response);
        assert_eq!(proxy.outside.metrics["websocket.open"], opens, "{verdict}");
        proxy.pass(1000);
        assert_eq!(proxy.close(1)["ws_verdict"], verdict);
        assert_eq!(proxy.outside.metrics["websocket.open"], 0);
        assert_eq!(proxy.outside.metrics["websocket.refused"], 1 - opens);
    }
}

#[test]
fn a_close_frame_that_was_not_written_is_not_told_as_sent() {
    let mut proxy = Proxy::new(r#"{"client": {"idle_seconds": 5}}"#);
    proxy.open(1, false);
    proxy.pass(60_000);
    assert!(proxy.of(1).is_reset);
    let fields = proxy.close(1);
    assert_eq!(fields["ws_verdict"], "idle-timeout");
    assert_eq!(fields.get("ws_close_to_client"), None);

    let mut proxy = open(r#"{"client": {"idle_seconds": 5}}"#);
    proxy.pass(60_000);
    assert_eq!(proxy.close(1)["ws_close_to_client"], "1001");
}

#[test]
fn close_frames_of_the_sides_pass_and_the_rest_is_cut_off_in_time() {
    let mut proxy = open("");
    send(&mut proxy, Client, &[Frame::close(4000, "bye")]);
    send(&mut proxy, Server, &[Frame::close(4000, "")]);
    assert_eq!(frames(&mut proxy, Client), [Frame::close(4000, "bye")]);
    assert_eq!(frames(&mut proxy, Server), [Frame::close(4000, "")]);
    // Neither side ends its transport.
    proxy.pass(30_000);
    assert!(proxy.of(1).is_reset);
    let fields = proxy.close(1);
    assert_eq!(fields["ws_verdict"], "ok");
    assert_eq!(
        (
            &fields["ws_close_client"][..],
            &fields["ws_close_server"][..]
        ),
        ("4000", "4000")
    );
}

#[test]
fn silence_and_age_end_connections_between_frames() {
    let settings = r#"{"client": {"idle_seconds": 5}, "age_seconds": 60, "age_code": 1012}"#;
    let mut proxy = open(settings);
    proxy.pass(5200);
    assert_eq!(
        frames(&mut proxy, Server)[0].opcode_and_code(),
        (0x88, 1001)
    );

    let mut proxy = open(settings);
    for _ in 0..20 {
        send(&mut proxy, Client, &[Frame::text("I live")]);
        proxy.pass(3000);
    }
    proxy.pass(500);
    for from in [Client, Server] {
        let frames = frames(&mut proxy, from);
        assert_eq!(
            frames.last().map(OpcodeAndCode::opcode_and_code),
            Some((0x88, 1012))
        );
    }
    assert_eq!(proxy.outside.metrics["websocket.ended.age"], 1);
    assert_eq!(proxy.close(1)["ws_verdict"], "age");
}

#[test]
fn pings_are_inserted_and_their_pongs_swallowed() {
    let mut proxy = open(r#"{"client": {"ping_seconds": 10, "pong_seconds": 5}}"#);
    proxy.pass(10_200);
    let pings = frames(&mut proxy, Server);
    assert_eq!(pings.len(), 1);
    assert_eq!(pings[0].first, 0x89);
    send(&mut proxy, Client, &[Frame::pong(&pings[0].payload)]);
    assert_eq!(proxy.sent(1, Client), b"");
    assert_eq!(proxy.outside.metrics["websocket.client.round_trip_ms"], 1);
    // Nobody answers the next one.
    proxy.pass(10_200 + 5_200);
    let all = frames(&mut proxy, Server);
    assert_eq!(all.len(), 3);
    assert_eq!(proxy.close(1)["ws_verdict"], "pong-timeout");
}

#[test]
fn a_clock_that_is_set_ends_nobody() {
    let mut proxy = open(r#"{"client": {"idle_seconds": 30}}"#);
    proxy.pass(1000);
    proxy.outside.now += 3_600_000_000_000;
    proxy.pass(1000);
    proxy.outside.now -= 7_200_000_000_000;
    proxy.pass(1000);
    assert_eq!(proxy.sent(1, Server), b"");
    send(&mut proxy, Client, &[Frame::text("still here")]);
    assert_eq!(frames(&mut proxy, Client), [Frame::text("still here")]);
}

#[test]
fn a_proxy_that_passes_bytes_on_refuses_settings_that_need_http() {
    for (settings, is_refused) in [
        ("", false),
        (
            r#"{"client": {"messages_per_second": 1, "over_rate": "close"}}"#,
            false,
        ),
        (r#"{"client": {"messages_per_second": 1}}"#, true),
        (r#"{"server": {"ping_seconds": 10}}"#, true),
        (r#"{"origins": ["https://example.com"]}"#, true),
        (r#"{"subprotocols": ["chat"]}"#, true),
    ] {
        let mut proxy = Proxy::new(settings);
        proxy.accept(1);
        assert_eq!(proxy.of(1).is_reset, is_refused, "{settings}");
        assert_eq!(
            proxy.outside.log.len(),
            usize::from(is_refused),
            "{settings}"
        );
    }
}

#[test]
fn what_a_filter_writes_waits_for_the_first_callback_of_its_direction() {
    // As over HTTP/2: nothing of the server's has come when the client breaks a rule.
    let mut proxy = Proxy::new("");
    proxy.open(1, false);
    let bytes = bytes_of(&[Frame::text("a")], Client);
    proxy.come(1, Client, &bytes);
    proxy.pass(2);
    assert_eq!(proxy.sent(1, Client), bytes);
    proxy.come(1, Client, b"\xff");
    assert_eq!(proxy.sent(1, Server), b"");
    proxy.come(1, Server, &bytes_of(&[Frame::text("b")], Server));
    proxy.pass(100);
    let on = read_frames(&proxy.sent(1, Server));
    assert_eq!(
        on.last().map(OpcodeAndCode::opcode_and_code),
        Some((0x88, 1002))
    );
}

trait OpcodeAndCode {
    fn opcode_and_code(&self) -> (u8, u16);
}

impl OpcodeAndCode for Frame {
    fn opcode_and_code(&self) -> (u8, u16) {
        (
            self.first,
            u16::from_be_bytes([self.payload[0], self.payload[1]]),
        )
    }
}
