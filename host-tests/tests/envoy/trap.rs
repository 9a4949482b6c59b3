//! What Envoy does with a filter that traps, which none should.

use std::thread;
use std::time::{Duration, Instant};

use host_tests::gate::misbehaving_filter;
use host_tests::wire::Frame;
use rstest::rstest;

use crate::proxy::{Opening, Proxy, Version};

/// How long a new VM may take. Envoy waits for a second before it makes one.
const RELOAD: Duration = Duration::from_secs(20);

/// A request that the filter traps at.
const TRAP: Opening<'static> = Opening {
    path: "/chat",
    request: &[("misbehave", "trap")],
    response: &[],
};

#[rstest]
fn a_trap_ends_the_connections_of_its_worker_and_new_ones_are_inspected_again(
    #[values(Version::Latest, Version::Oldest)] version: Version,
) {
    let misbehaving = |builder: host_tests::envoy::Builder| builder.filter(misbehaving_filter());
    let Some(proxy) = Proxy::start(version, misbehaving) else {
        return;
    };
    let (mut client, _server) = proxy.open();
    let mut other = proxy.dial();
    other.write(&TRAP.request());
    assert_eq!(other.rest().get(..12), Some(&b"HTTP/1.1 503"[..]));
    // It is ended when its next bytes arrive.
    client.send(&[Frame::text("anybody there?")]);
    assert_eq!(client.frame_or_end(), None);

    let since = Instant::now();
    let mut response = String::new();
    while !response.starts_with("HTTP/1.1 101") {
        assert!(since.elapsed() < RELOAD, "no new VM: {response}");
        thread::sleep(Duration::from_millis(200));
        let mut client = proxy.dial();
        client.write(&Opening::default().request());
        if let Some(mut server) = proxy.accepted_within(Duration::from_millis(300)) {
            let request = server.head();
            server.write(&crate::proxy::response(&request, &[]));
        }
        response = client.head();
    }
    let (mut client, mut server) = proxy.open();
    client.send(&[Frame::text("good"), Frame::text("x").reserved(0x70)]);
    assert_eq!(server.frame(), Frame::text("good"));
    assert_eq!(client.close_code(), 1002);
}
