use host_tests::wire::{Frame, bytes_of};
use websocket_component::Role::{Client, Server};

use super::proxy::Proxy;

fn open() -> Proxy {
    let mut proxy = Proxy::new("");
    proxy.open(1, true);
    proxy
}

#[test]
fn what_was_counted_is_told_at_the_next_tick_or_when_the_connection_is_logged() {
    let mut proxy = open();
    let count = |proxy: &Proxy, name: &str| proxy.outside.metrics.get(name).copied();
    proxy.come(
        1,
        Client,
        &bytes_of(&[Frame::text("one"), Frame::text("three")], Client),
    );
    proxy.come(1, Client, &bytes_of(&[Frame::text("two")], Client));
    assert_eq!(count(&proxy, "websocket.client.messages"), None);
    proxy.pass(100);
    assert_eq!(count(&proxy, "websocket.client.messages"), Some(3));
    assert_eq!(count(&proxy, "websocket.client.bytes"), Some(11));
    // Then there is nothing to call for.
    assert_eq!(proxy.outside.tick, 0);
    proxy.come(1, Server, &bytes_of(&[Frame::binary("four")], Server));
    proxy.close(1);
    assert_eq!(count(&proxy, "websocket.server.messages"), Some(1));
    assert_eq!(count(&proxy, "websocket.server.bytes"), Some(4));
}

#[test]
fn the_sizes_of_two_messages_of_each_read_are_recorded() {
    let mut proxy = open();
    let message = [Frame::binary("message")];
    for count in [1, 2, 3, 100] {
        proxy.come(1, Server, &bytes_of(&message, Server).repeat(count));
    }
    let recorded = proxy.outside.metrics["websocket.server.message_bytes"];
    assert_eq!(recorded, 1 + 2 + 2 + 2);
    proxy.pass(100);
    assert_eq!(proxy.outside.metrics["websocket.server.messages"], 106);
}

#[test]
fn of_large_payloads_nothing_but_what_follows_a_header_is_read_however_they_are_cut() {
    let mut proxy = open();
    let frame = bytes_of(&[Frame::binary(vec![7; 16_000])], Client);
    proxy.come(1, Client, &frame);
    // From the second one on: the first is read as if frames were small.
    proxy.outside.read = 0;
    let (count, all) = (50, frame.repeat(50));
    for piece in all.chunks(1_234) {
        proxy.come(1, Client, piece);
    }
    assert!(proxy.outside.read <= 20 * count, "{}", proxy.outside.read);
    assert_eq!(proxy.sent(1, Client).len(), 51 * frame.len());
}
