//! How connections end: what one side does, and what the other receives.

use std::net::Shutdown;

use rstest::rstest;
use websocket_component::{Message, Rule};

use crate::peer::{Got, Upstream, pair};
use crate::process::{Gate, INSPECT, TERMINATE};

fn close(code: u16, reason: &str) -> Got {
    Got::Close(code, reason.into())
}

#[rstest]
fn codes_and_reasons_are_carried_over_both_ways(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    for code in [1000, 1001, 1003, 1011, 1012, 3000, 4999] {
        let (mut client, mut server) = pair(&gate, &upstream);
        client.send(Message::CloseWith(code, "warum nicht, Jürgen".as_bytes()));
        assert_eq!(server.receive(), close(code, "warum nicht, Jürgen"));
        assert!(matches!(client.receive(), Got::Close(answer, _) if answer == code));
        assert_eq!(client.receive(), Got::End);
        assert_eq!(server.receive(), Got::End);

        let (mut client, mut server) = pair(&gate, &upstream);
        server.send(Message::CloseWith(code, b"enough"));
        assert_eq!(client.receive(), close(code, "enough"));
        assert!(matches!(server.receive(), Got::Close(answer, _) if answer == code));
        assert_eq!(server.receive(), Got::End);
        assert_eq!(client.receive(), Got::End);
        let codes = format!(
            "client_close_received={code} client_close_sent={code} \
            upstream_close_received={code} upstream_close_sent={code}"
        );
        gate.logged(2, &codes);
    }
    gate.logged(7, r#"ended="closed" by="client""#);
    gate.logged(7, r#"ended="closed" by="upstream""#);
}

#[rstest]
fn a_close_without_a_code_stays_one(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::Close);
    assert_eq!(server.receive(), close(1005, ""));
    assert_eq!(client.receive(), close(1005, ""));
    assert_eq!((client.receive(), server.receive()), (Got::End, Got::End));
    gate.logged(1, "client_close_received=1005 client_close_sent=1005");
}

#[rstest]
fn messages_before_a_close_arrive_before_it(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    let large = vec![7; 3 << 20];
    server
        .session
        .send(Message::Binary(&large), None, server.now())
        .unwrap();
    server
        .session
        .send(Message::CloseWith(1000, b"done"), None, server.now())
        .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| server.flush());
        assert!(client.receive() == Got::Binary(large.clone()));
    });
    assert_eq!(client.receive(), close(1000, "done"));
}

#[rstest]
fn messages_on_their_way_to_a_client_that_closes_still_arrive(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::CloseWith(1000, b""));
    server.send(Message::Text("one more"));
    assert_eq!(client.receive(), Got::Text("one more".into()));
    // The answer to a close frame is the upstream's.
    assert_eq!(server.receive(), close(1000, ""));
    assert_eq!(client.receive(), close(1000, ""));
}

#[rstest]
fn a_client_that_breaks_a_rule_gets_its_code_and_the_upstream_1001(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &["--max-message", "1KiB"]);
    let broken: [(&[u8], u16, &str); 8] = [
        (&[0xc1, 0x80, 0, 0, 0, 0], 1002, "reserved-bits"),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002, "reserved-opcode"),
        (&[0x81, 0x01, b'x'], 1002, "frame-not-masked"),
        (&[0x80, 0x80, 0, 0, 0, 0], 1002, "unexpected-continuation"),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], 1007, "invalid-utf8"),
        (&[0x82, 0xfe, 0x04, 0x01], 1009, "message-too-big"),
        (
            &[0x88, 0x81, 0, 0, 0, 0, 1],
            1002,
            "close-payload-too-short",
        ),
        (
            &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed],
            1002,
            "close-code-reserved",
        ),
    ];
    for (bytes, code, rule) in broken {
        let (mut client, mut server) = pair(&gate, &upstream);
        client.send(Message::Text("fine"));
        client.write(bytes);
        assert_eq!(server.receive(), Got::Text("fine".into()));
        assert_eq!(
            server.receive(),
            close(1001, "the client is gone"),
            "{rule}"
        );
        assert!(
            matches!(client.receive(), Got::Close(got, _) if got == code),
            "{rule}"
        );
        assert_eq!(client.receive(), Got::End, "{rule}");
        let words = format!(r#"ended="failed" by="client" rule="{rule}" offset="#);
        let line = gate.logged(1, &words);
        for sent in [
            r#"reason="RFC 6455"#.into(),
            format!("client_close_sent={code}"),
            "upstream_close_sent=1001".into(),
        ] {
            assert!(line.contains(&sent), "{sent}: {line}");
        }
        // Errors of clients are nothing for the gate's operator to fix.
        assert!(line.contains("INFO"), "{line}");
    }
}

#[rstest]
fn an_upstream_that_breaks_a_rule_gets_its_code_and_the_client_1014(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let broken: [(&[u8], u16, &str); 3] = [
        (&[0x81, 0x80, 0, 0, 0, 0], 1002, "frame-masked"),
        (&[0x81, 0x01, 0xff], 1007, "invalid-utf8"),
        (&[0x82, 127, 0, 0, 0, 1, 0, 0, 0, 5], 1009, "frame-too-big"),
    ];
    for (bytes, code, rule) in broken {
        let (mut client, mut server) = pair(&gate, &upstream);
        server.write(bytes);
        assert_eq!(
            client.receive(),
            close(1014, "the server is gone"),
            "{rule}"
        );
        assert!(
            matches!(server.receive(), Got::Close(got, _) if got == code),
            "{rule}"
        );
        let line = gate.logged(1, &format!(r#"by="upstream" rule="{rule}""#));
        let codes = format!("client_close_sent=1014 upstream_close_sent={code}");
        assert!(line.contains(&codes), "{line}");
        assert!(line.contains("WARN"), "{line}");
    }
}

/// Until the timeout the upstream answers what came before the broken rule, and then the close frame.
#[rstest]
fn what_came_before_a_broken_rule_is_answered_before_its_close(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values(false, true)] by_client: bool,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (client, server) = pair(&gate, &upstream);
    let (mut broken, mut other, key) = match by_client {
        true => (client, server, &[0x80, 0, 0, 0, 0][..]),
        false => (server, client, &[0][..]),
    };
    broken.send(Message::Text("ask"));
    broken.write(&[&[0x83][..], key].concat());
    // By now the gate knows that the rule is broken.
    std::thread::sleep(std::time::Duration::from_millis(100));
    other.send(Message::Text("answer"));
    assert_eq!(other.receive(), Got::Text("ask".into()));
    assert!(matches!(other.receive(), Got::Close(1001 | 1014, _)));
    assert_eq!(broken.receive(), Got::Text("answer".into()));
    let description = Rule::ReservedOpcode.description();
    assert_eq!(broken.receive(), close(1002, description));
    assert_eq!(broken.receive(), Got::End);
    let line = gate.logged(1, r#"rule="reserved-opcode""#);
    assert!(line.contains("close_sent=1002"), "{line}");
}

/// It doesn't read, so it doesn't answer.
#[rstest]
fn who_has_broken_a_rule_is_told_even_if_the_other_side_never_answers(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, _server) = pair(&gate, &upstream);
    client.write(&[0x83, 0x80, 0, 0, 0, 0]);
    let description = Rule::ReservedOpcode.description();
    assert_eq!(client.receive(), close(1002, description));
    gate.logged(1, "client_close_sent=1002");
}

#[rstest]
fn a_side_that_is_lost_is_told_to_the_other(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, server) = pair(&gate, &upstream);
    drop(server);
    assert_eq!(client.receive(), close(1014, "the server is gone"));
    assert_eq!(client.receive(), Got::End);
    let line = gate.logged(1, r#"ended="lost" by="upstream""#);
    assert!(line.contains("WARN"), "{line}");

    let (client, mut server) = pair(&gate, &upstream);
    drop(client);
    assert_eq!(server.receive(), close(1001, "the client is gone"));
    let line = gate.logged(1, r#"ended="lost" by="client""#);
    assert!(line.contains("INFO"), "{line}");

    // In the middle of a message.
    let (mut client, mut server) = pair(&gate, &upstream);
    server.send(Message::TextFragment("half of"));
    server.stream.shutdown(Shutdown::Both).unwrap();
    assert_eq!(client.receive(), close(1014, "the server is gone"));
}

#[rstest]
fn class_22_a_close_that_nobody_answers_ends_in_time(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &["--close-timeout", "300ms"]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::CloseWith(3000, b"bye"));
    // The upstream doesn't read, so it doesn't answer; the client gets its own code back.
    assert_eq!(client.receive(), close(3000, ""));
    assert_eq!(client.receive(), Got::End);
    gate.logged(1, "client_close_received=3000");
    assert_eq!(server.receive(), close(3000, "bye"));
}

#[rstest]
fn a_close_without_a_code_that_nobody_answers_is_answered_with_one(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values(false, true)] is_lost: bool,
) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &["--close-timeout", "300ms"]);
    let (mut client, server) = pair(&gate, &upstream);
    client.send(Message::Close);
    if is_lost {
        drop(server);
    }
    assert_eq!(client.receive(), close(1005, ""));
    gate.logged(1, "client_close_received=1005 client_close_sent=1005");
}

#[rstest]
fn what_came_before_a_side_was_lost_inside_a_frame_is_not_lost_with_it(
    #[values(INSPECT, TERMINATE)] mode: &str,
    #[values(false, true)] by_client: bool,
) {
    const COUNT: usize = 1500;
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (client, server) = pair(&gate, &upstream);
    let (mut from, mut to) = match by_client {
        true => (client, server),
        false => (server, client),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..COUNT {
                from.send(Message::Binary(&[7; 1000]));
            }
            // A part of one more.
            let now = from.now();
            from.session
                .send(Message::Binary(&[7; 1000]), None, now)
                .unwrap();
            let frame = from.session.take_output(500, now);
            from.write(&frame);
            from.stream.shutdown(Shutdown::Both).unwrap();
        });
        // The receiver is late.
        std::thread::sleep(std::time::Duration::from_millis(300));
        for number in 0..COUNT {
            assert_eq!(to.receive(), Got::Binary(vec![7; 1000]), "{number}");
        }
    });
}

#[rstest]
fn class_23_sides_that_are_silent_or_never_finish_are_cut_off(
    #[values(INSPECT, TERMINATE)] mode: &str,
) {
    let upstream = Upstream::bind();
    let arguments = ["--keepalive", "100ms", "--pong-timeout", "200ms"];
    let gate = Gate::in_mode(mode, upstream.address, &arguments);
    let (mut client, mut server) = pair(&gate, &upstream);
    // The upstream reads and so answers pings; the client doesn't.
    loop {
        match server.receive() {
            Got::Ping(_) => {}
            got => break assert_eq!(got, close(1001, "the client is gone")),
        }
    }
    let line = gate.logged(1, r#"by="client" rule="pong-timeout""#);
    assert!(line.contains("client_close_sent=1011"), "{line}");
    while let Got::Ping(_) = client.receive() {}

    let gate = Gate::in_mode(mode, upstream.address, &["--message-timeout", "200ms"]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::BinaryFragment(b"to be continued"));
    assert_eq!(server.receive(), close(1001, "the client is gone"));
    assert!(matches!(client.receive(), Got::Close(1008, _)));

    let gate = Gate::in_mode(
        mode,
        upstream.address,
        &["--idle-timeout", "200ms", "--keepalive", "off"],
    );
    let (mut client, mut server) = pair(&gate, &upstream);
    let ends = [client.receive(), server.receive()];
    // Both are idle; the one whose timeout expires first gets 1001.
    assert!(
        ends.contains(&close(1001, Rule::IdleTimeout.description())),
        "{ends:?}"
    );
    let gateways = [
        close(1001, "the client is gone"),
        close(1014, "the server is gone"),
    ];
    assert!(ends.iter().any(|end| gateways.contains(end)), "{ends:?}");
}

#[rstest]
fn a_peer_that_closes_and_is_gone_is_no_error(#[values(INSPECT, TERMINATE)] mode: &str) {
    let upstream = Upstream::bind();
    let gate = Gate::in_mode(mode, upstream.address, &[]);
    let (mut client, mut server) = pair(&gate, &upstream);
    client.send(Message::CloseWith(1000, b""));
    drop(client);
    assert_eq!(server.receive(), close(1000, ""));
    assert_eq!(server.receive(), Got::End);
    gate.logged(1, r#"close ended="closed" by="client""#);
    assert_eq!(gate.log().matches("ended=").count(), 1);
}
