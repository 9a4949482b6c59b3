//! Sides that disconnect without a close frame.

use host_tests::wire::Frame;
use rstest::rstest;
use serde_json::json;

use crate::proxy::{Opening, Proxy, Version};

#[rstest]
fn a_server_that_ends_its_stream_is_told_with_a_code(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    for (number, has_sent) in [(1, false), (2, true)] {
        let (mut client, mut server) = proxy.open();
        if has_sent {
            server.send(&[Frame::text("last")]);
            assert_eq!(client.frame(), Frame::text("last"));
        }
        drop(server);
        assert_eq!(client.close_code(), 1014);
        assert_eq!(client.rest(), b"");
        let entry = proxy.entry(number);
        assert_eq!(entry["ws_verdict"], "connection-lost");
    }
    proxy.wait_for_stat("open", 0);
}

#[rstest]
fn a_server_that_resets_its_connection_is_told_with_a_code(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    server.send(&[Frame::text("last")]);
    assert_eq!(client.frame(), Frame::text("last"));
    server.reset();
    assert_eq!(client.close_code(), 1014);
    assert_eq!(client.rest(), b"");
    assert_eq!(proxy.entry(1)["ws_verdict"], "connection-lost");
}

#[rstest]
fn what_a_server_sends_last_arrives_in_front_of_the_code(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    let last = Frame::binary(vec![7; 3 << 20]);
    server.send(std::slice::from_ref(&last));
    // Half a frame, which can't be completed.
    server.write(&Frame::text("never whole").bytes()[..5]);
    drop(server);
    assert!(client.frame() == last);
    assert_eq!(client.close_code(), 1014);
}

#[test]
fn the_code_for_a_server_that_is_gone_can_be_set() {
    let settings = json!({ "upstream_gone_code": 1012 });
    let Some(proxy) = Proxy::with(settings) else {
        return;
    };
    let (mut client, server) = proxy.open();
    drop(server);
    assert_eq!(client.close_code(), 1012);
    let (mut client, server) = proxy.open();
    server.reset();
    assert_eq!(client.close_code(), 1012);
}

#[test]
fn a_server_that_ends_its_stream_behind_its_close_frame_is_no_loss() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    server.send(&[Frame::close(1001, "restart")]);
    drop(server);
    assert_eq!(client.frame(), Frame::close(1001, "restart"));
    assert_eq!(client.rest(), b"");
    let entry = proxy.entry(1);
    assert_eq!(entry["ws_close_server"], "1001");
}

#[test]
fn what_envoy_itself_ends_is_nobodys_loss() {
    let set = |builder: host_tests::envoy::Builder| builder.manager("stream_idle_timeout", "0.3s");
    let Some(proxy) = Proxy::start(Version::Latest, set) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    assert_eq!((client.rest(), server.rest()), (vec![], vec![]));
    assert_eq!(proxy.entry(1)["ws_verdict"], "stream_idle_timeout");
    assert_eq!(proxy.stat("rule.connection-lost"), 0);
}

#[test]
fn who_leaves_before_the_answer_is_lost() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let mut client = proxy.dial();
    client.write(&Opening::default().request());
    let _server = proxy.accept();
    drop(client);
    assert_eq!(proxy.entry(1)["ws_verdict"], "connection-lost");
    let line = proxy.envoy.wait_for_log("client: connection-lost");
    line.expect("the client is lost");
}

#[rstest]
fn a_client_that_is_gone_ends_the_servers_connection(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let Some(proxy) = Proxy::start(version, |builder| builder) else {
        return;
    };
    for (number, is_reset) in [(1, false), (2, true)] {
        let (mut client, mut server) = proxy.open();
        client.send(&[Frame::text("last")]);
        assert_eq!(server.frame(), Frame::text("last"));
        match is_reset {
            true => client.reset(),
            false => drop(client),
        }
        // Envoy 1.40 accepts no more bytes for the server; older ones send it a close frame.
        if let Some(frame) = server.frame_or_end() {
            assert_eq!(frame.first, 0x88, "{frame:02x?}");
            assert_eq!(server.rest(), b"");
        }
        assert_eq!(proxy.entry(number)["ws_verdict"], "connection-lost");
    }
    proxy.wait_for_stat("open", 0);
    assert_eq!(proxy.stat("memory_bytes"), 0);
}
