//! Compressed messages through a stream, and a component that was built without permessage-deflate.

use futures_util::{SinkExt, StreamExt};
use tokio::io::duplex;
use websocket_host::stream::{
    Config, Deflate, Error, Message, Rule, accept_async, accept_async_with_config, client_async,
    client_async_with_config,
};
use websocket_host::{Sandbox, SandboxConfig};

use crate::support::{URL, component, component_without_deflate, config, sandbox};

fn without_deflate() -> Sandbox {
    Sandbox::load(component_without_deflate(), config()).expect("the component loads")
}

#[tokio::test]
async fn it_says_that_it_cannot_compress() {
    let sandbox = without_deflate();
    let mut config = Config::default();
    config.deflate = Some(Deflate::default());
    let (near, _far) = duplex(1024);
    let refused = client_async_with_config(URL, near, &sandbox, config).await;
    match refused.map(drop) {
        Err(Error::Failure(failure)) => {
            assert_eq!(failure.rule, Rule::DeflateUnavailable);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_speaks_with_one_that_offers_to_compress() {
    let plain = without_deflate();
    let mut offering = Config::default();
    offering.deflate = Some(Deflate::default());
    let (near, far) = duplex(64 << 10);
    let (client, server) = tokio::join!(
        client_async_with_config(URL, near, sandbox(), offering),
        accept_async(far, &plain),
    );
    let (mut client, _) = client.expect("the client opens");
    let mut server = server.expect("the server opens");
    assert!(client.negotiated().extensions.is_empty());
    let message = Message::text("again and again ".repeat(100));
    client.send(message.clone()).await.expect("sent");
    assert_eq!(
        server.next().await.expect("a message").expect("no error"),
        message
    );
}

#[tokio::test]
async fn the_one_that_can_compresses_only_if_it_is_asked_to() {
    let (near, far) = duplex(1024);
    let (client, server) = tokio::join!(
        client_async(URL, near, sandbox()),
        accept_async(far, sandbox()),
    );
    let (client, _) = client.expect("the client opens");
    server.expect("the server opens");
    assert!(client.negotiated().extensions.is_empty());
}

#[tokio::test]
async fn a_long_message_is_compressed_in_pieces_however_little_memory_a_guest_has() {
    const LENGTH: usize = 15 << 20;
    let small = SandboxConfig {
        memory: 4 << 20,
        ..config()
    };
    let small = Sandbox::load(component(), small).expect("the component loads");
    let mut compressing = Config::default();
    compressing.deflate = Some(Deflate::default());
    let (near, far) = duplex(64 << 10);
    let (client, server) = tokio::join!(
        client_async_with_config(URL, near, &small, compressing),
        accept_async_with_config(far, sandbox(), compressing),
    );
    let (mut client, _) = client.expect("the client opens");
    let mut server = server.expect("the server opens");
    assert_eq!(client.negotiated().extensions.len(), 1);

    // Of three bytes each, so that pieces end inside of characters.
    let text = Message::text("\u{20ac}".repeat(LENGTH / 3));
    let mut noise = vec![0; LENGTH];
    getrandom::fill(&mut noise).expect("random bytes");
    let messages = [text, "between".into(), noise.into(), "behind".into()];
    let send = async {
        for message in messages.clone() {
            client.feed(message).await.expect("fed");
        }
        client.flush().await.expect("flushed");
    };
    let receive = async {
        for message in &messages {
            let received = server.next().await.expect("a message").expect("no error");
            assert!(received == *message, "{} bytes", message.len());
        }
    };
    tokio::join!(send, receive);
}
