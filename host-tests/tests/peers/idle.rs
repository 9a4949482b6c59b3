//! Idle connections: how many there can be, and what they cost.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use host_tests::gate::{Gate, component};
use host_tests::peer::{Peer, Received, echo_server};
use host_tests::usage::{Usage, allow_files};
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use websocket_component::Message;

use crate::alone;

const CONNECTIONS: usize = 2_000;

/// Each connection has two sockets in the gate, and two here.
const FILES: u64 = 2 * CONNECTIONS as u64 + 200;

/// For all of them together.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most memory of each while it keeps its sandbox, in bytes: far above the usual, so that only leaks fail.
const WITH_SANDBOX: u64 = 256 * 1024;

/// The most memory of each without a sandbox: half of that with one. The target, 24 KiB, is checked by the benchmark.
const PARKED: u64 = 38 * 1024;

#[test]
fn two_thousand_idle_connections_stay_open_and_small() -> io::Result<()> {
    let _alone = alone();
    stay_open("off", Duration::ZERO, WITH_SANDBOX)
}

#[test]
fn two_thousand_idle_connections_that_are_parked_stay_open_and_smaller() -> io::Result<()> {
    let _alone = alone();
    stay_open("500ms", Duration::from_secs(2), PARKED)
}

/// Opens all of them, waits until each was pinged and this time longer, and measures.
fn stay_open(park_after: &str, wait: Duration, most: u64) -> io::Result<()> {
    allow_files(FILES)?;
    let runtime = Runtime::new()?;
    let upstream = echo_server(&runtime)?;
    let arguments = [
        "--log",
        "warn",
        "--keepalive",
        "5s",
        "--park-after",
        park_after,
        "--max-connections",
        "2100",
    ];
    let gate = Gate::before(upstream, &component(), &arguments)?;
    // Memory that the first connection allocates once isn't counted.
    runtime.block_on(one_message(gate.address))?;
    let before = Usage::of(gate.process.id())?.resident;

    let stages = Arc::new(Stages {
        turns: Semaphore::new(50),
        idle: Barrier::new(CONNECTIONS + 1),
        measured: Barrier::new(CONNECTIONS + 1),
    });
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|number| runtime.spawn(connection(gate.address, number, Arc::clone(&stages))))
        .collect();
    runtime.block_on(async {
        if timeout(PATIENCE, stages.idle.wait()).await.is_err() {
            for connection in connections.into_iter().filter(JoinHandle::is_finished) {
                connection.await??;
            }
            panic!("not every connection is open and was asked whether it is there");
        }
        sleep(wait).await;
        let after = Usage::of(gate.process.id())?.resident;
        let each = after.saturating_sub(before) / CONNECTIONS as u64;
        let kibibytes = each / 1024;
        eprintln!(
            "{CONNECTIONS} idle connections, parked after {park_after}: {kibibytes} KiB each resident in the gate"
        );
        assert!(each <= most, "{each} bytes for each connection");
        stages.measured.wait().await;
        for connection in connections {
            let message = timeout(PATIENCE, connection).await;
            message.expect("its message comes back")??;
        }
        io::Result::Ok(())
    })?;
    assert_eq!(gate.process.log(), "");
    Ok(())
}

/// What the connections wait for.
struct Stages {
    /// Not all of them connect at once.
    turns: Semaphore,
    /// All of them are open and idle.
    idle: Barrier,
    /// Their memory was measured.
    measured: Barrier,
}

/// Opens a connection, is idle until the memory was measured, and then sends a message through it.
async fn connection(gate: SocketAddr, number: usize, stages: Arc<Stages>) -> io::Result<()> {
    let turn = stages.turns.acquire().await.expect("it is never closed");
    let mut peer = Peer::connect(gate).await?;
    drop(turn);
    // The gate sends a ping.
    while peer.pings == 0 {
        idle(&mut peer, Duration::from_millis(100)).await?;
    }
    stages.idle.wait().await;
    let mut measured = pin!(stages.measured.wait());
    while timeout(Duration::ZERO, measured.as_mut()).await.is_err() {
        idle(&mut peer, Duration::from_millis(100)).await?;
    }
    echoes(&mut peer, &format!("connection {number}")).await
}

/// Leaves a connection idle for this time: it only answers pings.
async fn idle(peer: &mut Peer, time: Duration) -> io::Result<()> {
    match timeout(time, peer.receive()).await {
        Err(_) => Ok(()),
        Ok(received) => Err(io::Error::other(format!("out of nowhere: {received:?}"))),
    }
}

async fn echoes(peer: &mut Peer, text: &str) -> io::Result<()> {
    peer.send(Message::Text(text))?;
    let received = peer.receive().await?;
    assert_eq!(received, Received::Text(text.to_owned()));
    Ok(())
}

async fn one_message(gate: SocketAddr) -> io::Result<()> {
    let mut peer = Peer::connect(gate).await?;
    echoes(&mut peer, "hello").await
}
