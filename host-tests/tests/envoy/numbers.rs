//! What the filter counts and logs, with many connections and several workers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use host_tests::peer::{Peer, Received, echo_server};
use host_tests::usage::allow_files;
use host_tests::wire::Frame;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::timeout;
use websocket_component::Message;
use websocket_component::Role::Client;

use crate::proxy::{Proxy, Version, wait_for};

const CONNECTIONS: usize = 1_000;

/// Each connection has two sockets in Envoy, and two here.
const FILES: u64 = 2 * CONNECTIONS as u64 + 300;

/// How many messages each exchanges, in each direction.
const MESSAGES: usize = 10;

/// For all of them together.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_numbers_are_those_of_what_was_sent() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let start = proxy.stats();
    let zero = ["connections", "memory_bytes", "open", "refused", "reset"];
    for name in zero {
        assert_eq!(
            start.get(name),
            Some(&0),
            "{name} is not there from the start"
        );
    }
    let (mut client, mut server) = proxy.open();
    let (_other_client, other_server) = proxy.open();
    client.send(&[
        Frame::text("four").not_last(),
        Frame::ping("not a message"),
        Frame::continuation("teen bytes"),
        Frame::binary([7; 1000]),
    ]);
    for _ in 0..4 {
        server.frame();
    }
    server.send(&[Frame::text("three")]);
    client.frame();
    assert_eq!((proxy.stat("open"), proxy.stat("connections")), (2, 2));
    assert!(proxy.stat("memory_bytes") > 0);
    client.send(&[Frame::close(4001, "bye")]);
    assert_eq!(server.close_code(), 4001);
    server.send(&[Frame::close(4001, "")]);
    assert_eq!(client.close_code(), 4001);
    drop((client, server));
    let entry = proxy.entry(1);
    for (field, value) in [
        ("ws_verdict", "ok"),
        ("ws_messages_client", "2"),
        ("ws_messages_server", "1"),
        ("ws_bytes_client", "1014"),
        ("ws_bytes_server", "5"),
        ("ws_close_client", "4001"),
        ("ws_close_server", "4001"),
    ] {
        assert_eq!(entry[field], value, "{field} of {entry}");
    }
    let duration = entry["ws_duration_ms"]
        .as_str()
        .and_then(|time| time.parse().ok());
    assert!(duration.is_some_and(|time: u64| time < 60_000), "{entry}");

    drop(other_server);
    proxy.wait_for_stat("open", 0);
    // Histograms are updated a little later.
    proxy.wait_for_stat("client.message_bytes", 2);
    let stats = proxy.stats();
    let expected = [
        ("client.bytes", 1014),
        ("client.close.4001", 1),
        ("client.message_bytes", 2),
        ("client.messages", 2),
        ("connections", 2),
        ("memory_bytes", 0),
        ("open", 0),
        ("refused", 0),
        ("reset", stats["reset"]),
        ("rule.connection-lost", 1),
        ("server.bytes", 5),
        ("server.close.4001", 1),
        ("server.message_bytes", 1),
        ("server.messages", 1),
    ];
    let expected = expected
        .map(|(name, value)| (name.to_owned(), value))
        .into();
    assert_eq!(stats, expected);
}

#[test]
fn a_thousand_connections_at_once_lose_nothing_and_leave_nothing() -> io::Result<()> {
    if Version::Latest.program().is_none() {
        return Ok(());
    }
    allow_files(FILES)?;
    let runtime = Runtime::new()?;
    let upstream = echo_server(&runtime)?;
    let Some(proxy) = Proxy::before(Version::Latest, upstream, |builder| builder) else {
        return Ok(());
    };
    let turns = Arc::new(Semaphore::new(50));
    let all_open = Arc::new(Barrier::new(CONNECTIONS + 1));
    let all_seen = Arc::new(Barrier::new(CONNECTIONS + 1));
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (turns, all_open) = (Arc::clone(&turns), Arc::clone(&all_open));
            let all_seen = Arc::clone(&all_seen);
            let address = proxy.envoy.address;
            runtime.spawn(async move {
                let turn = turns.acquire().await.expect("it is never closed");
                let mut peer = Peer::connect(address).await?;
                drop(turn);
                all_open.wait().await;
                all_seen.wait().await;
                exchange(&mut peer, number).await
            })
        })
        .collect();
    runtime.block_on(async {
        let open = timeout(PATIENCE, all_open.wait()).await;
        assert!(open.is_ok(), "not every connection is open");
        assert_eq!(proxy.stat("open"), CONNECTIONS as u64);
        all_seen.wait().await;
        for connection in connections {
            let ended = timeout(PATIENCE, connection).await;
            ended.expect("every message comes back")??;
        }
        io::Result::Ok(())
    })?;
    proxy.wait_for_stat("open", 0);
    let stats = proxy.stats();
    let (messages, bytes) = (0..CONNECTIONS).fold((0, 0), |(messages, bytes), number| {
        let lengths = (0..MESSAGES).map(|index| message(number, index).len() as u64);
        (messages + MESSAGES as u64, bytes + lengths.sum::<u64>())
    });
    for (name, value) in [
        ("connections", CONNECTIONS as u64),
        ("client.messages", messages),
        ("server.messages", messages),
        ("client.bytes", bytes),
        ("server.bytes", bytes),
        ("memory_bytes", 0),
    ] {
        assert_eq!(stats[name], value, "{name} in {stats:#?}");
    }
    Ok(())
}

/// Sends messages, one at a time, and checks their echoes.
async fn exchange(peer: &mut Peer, number: usize) -> io::Result<()> {
    for index in 0..MESSAGES {
        let message = message(number, index);
        peer.send(Message::Text(&message))?;
        assert_eq!(peer.receive().await?, Received::Text(message));
    }
    Ok(())
}

fn message(number: usize, index: usize) -> String {
    format!(
        "{number} {index} {}",
        ".".repeat((number * 37 + index * 101) % 3000)
    )
}

#[test]
fn each_of_two_workers_has_the_settings() {
    let settings = json!({ "client": { "max_message_bytes": 100 } });
    let set = |builder: host_tests::envoy::Builder| builder.concurrency(2).configuration(settings);
    let Some(proxy) = Proxy::start(Version::Latest, set) else {
        return;
    };
    let mut connections: Vec<_> = (0..24).map(|_| proxy.open()).collect();
    assert_eq!(proxy.stat("open"), 24);
    for (client, server) in &mut connections {
        client.send(&[Frame::text("good"), Frame::binary([7; 101])]);
        assert_eq!(server.frame(), Frame::text("good"));
        assert_eq!((client.close_code(), server.close_code()), (1009, 1001));
    }
    let by_worker = connections_by_worker(&proxy.envoy.stats().expect("Envoy answers"));
    assert_eq!(by_worker.iter().sum::<u64>(), 24, "{by_worker:?}");
    assert!(
        by_worker.len() == 2 && by_worker.iter().all(|count| *count > 0),
        "{by_worker:?}"
    );
    drop(connections);
    wait_for("the connections of both to end", || {
        (proxy.stat("open") == 0).then_some(())
    });
    let stats = proxy.stats();
    assert_eq!(
        (stats["rule.message-too-big"], stats["memory_bytes"]),
        (24, 0)
    );
}

/// How many connections each worker has accepted.
fn connections_by_worker(stats: &std::collections::BTreeMap<String, u64>) -> Vec<u64> {
    let of_workers = stats.iter().filter(|(name, _)| {
        name.starts_with("listener.")
            && name.contains(".worker_")
            && name.ends_with(".downstream_cx_total")
    });
    of_workers
        .filter(|(name, _)| !name.contains("admin"))
        .map(|(_, count)| *count)
        .collect()
}

#[test]
fn a_line_of_the_log_names_the_rule_and_where_and_by_how_much_it_was_broken() {
    let Some(proxy) = Proxy::with(json!({})) else {
        return;
    };
    let (mut client, mut server) = proxy.open();
    client.write(&Frame::binary("").by(Client).header((16 << 20) + 1));
    assert_eq!((client.close_code(), server.close_code()), (1009, 1001));
    let line = proxy.envoy.wait_for_log("frame-too-big");
    let line = line.unwrap_or_else(|error| panic!("{error}"));
    for part in ["client", "at byte 0", "limit 16777216", "value 16777217"] {
        assert!(line.contains(part), "no {part:?} in {line}");
    }
}
