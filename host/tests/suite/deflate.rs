//! A component that was built without permessage-deflate.

use futures_util::{SinkExt, StreamExt};
use tokio::io::duplex;
use websocket_host::Sandbox;
use websocket_host::protocol::{Config, Deflate, Rule};
use websocket_host::stream::{
    Error, Message, accept_async, client_async, client_async_with_config,
};

use crate::support::{URL, component_without_deflate, config, sandbox};

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
            assert_eq!(failure.rule(), Some(Rule::DeflateUnavailable));
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
