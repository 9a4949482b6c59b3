//! Connections that say nothing: how many there can be, and what they cost.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::alone;
use crate::gate::{Gate, component};
use crate::native::{Peer, Received, echo_server};

const CONNECTIONS: usize = 2_000;

/// Each connection has two sockets in the gate, and two here.
const FILES: u64 = 2 * CONNECTIONS as u64 + 200;

/// Far above what is aimed at, which is 64 KiB: a leak is to be found, not a busy machine.
const MOST_BYTES: usize = 256 * 1024;

/// For all of them together.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn two_thousand_idle_connections_stay_open_and_small() -> io::Result<()> {
    let _alone = alone();
    raise_file_limit();
    let runtime = Runtime::new()?;
    let upstream = echo_server(&runtime)?;
    let arguments = ["--log", "warn", "--keepalive", "5s"];
    let gate = Gate::before(upstream, &component(), &arguments);
    // What the first connection makes is there for all.
    runtime.block_on(one_message(gate.address))?;
    let before = resident(gate.process.id())?;

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
        let after = resident(gate.process.id())?;
        let each = after.saturating_sub(before) / CONNECTIONS;
        let kibibytes = each / 1024;
        eprintln!("{CONNECTIONS} idle connections: {kibibytes} KiB each resident in the gate");
        assert!(each < MOST_BYTES, "{each} bytes for each connection");
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
    // The gate asks whether it is still there.
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

/// Lets a connection be for so long: it only answers pings.
async fn idle(peer: &mut Peer, time: Duration) -> io::Result<()> {
    match timeout(time, peer.receive()).await {
        Err(_) => Ok(()),
        Ok(received) => Err(io::Error::other(format!("out of nowhere: {received:?}"))),
    }
}

async fn echoes(peer: &mut Peer, text: &str) -> io::Result<()> {
    peer.send(text).await?;
    let received = peer.receive().await?;
    assert_eq!(received, Received::Text(text.to_owned()));
    Ok(())
}

async fn one_message(gate: SocketAddr) -> io::Result<()> {
    let mut peer = Peer::connect(gate).await?;
    echoes(&mut peer, "hello").await
}

/// The gate inherits it.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    let hardest = limit.maximum;
    assert!(
        hardest.is_none_or(|hardest| hardest >= FILES),
        "this needs {FILES} open files, and no more than {hardest:?} are allowed: `ulimit -Hn {FILES}`"
    );
    if limit.current.is_some_and(|current| current < FILES) {
        limit.current = Some(FILES);
        setrlimit(Resource::Nofile, limit).expect("it is below what is allowed");
    }
}

/// The resident memory of a process, in bytes.
fn resident(process: u32) -> io::Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse::<usize>().ok());
    let kibibytes = kibibytes.ok_or_else(|| io::Error::other("no VmRSS"))?;
    Ok(kibibytes * 1024)
}
