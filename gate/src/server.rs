//! Accepting connections, and ending them when the program is to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};

use crate::connection;
use crate::fault;
use crate::gate::Gate;
use crate::signals::Signals;
use crate::socket::Socket;

/// How many clients that are one too many are told so at a time; others are just dropped.
const MOST_TURNED_AWAY: usize = 64;

/// A gate that listens.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) gate: Gate,
    pub(crate) max_connections: u32,
    pub(crate) shutdown_timeout: Duration,
}

/// Counts for the last line of the log.
#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    faults: AtomicU64,
    turned_away: AtomicU64,
}

/// Serves until a signal comes, and then until the last connection has ended or time is up.
pub(crate) async fn run(server: Server, listener: TcpListener, mut signals: Signals) {
    let Server {
        gate,
        max_connections,
        shutdown_timeout,
    } = server;
    let gate = Arc::new(gate);
    let shutdown = CancellationToken::new();
    let connections = TaskTracker::new();
    let counts = Arc::new(Counts::default());
    let name = tokio::select! {
        () = accept(&gate, max_connections, listener, &shutdown, &connections, &counts) => "",
        name = signals.next() => name,
    };
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    info!("{name}: no new connections, closing those that are open");
    shutdown.cancel();
    connections.close();
    tokio::select! {
        gone = timeout(shutdown_timeout, connections.wait()) => if gone.is_err() {
            warn!("{} connections did not close in time and are cut off", connections.len());
        },
        name = signals.next() => warn!("{name} again: {} connections are cut off", connections.len()),
    }
    info!(
        "ended after {} connections, {} turned away, {} failed in the sandbox",
        count(&counts.connections),
        count(&counts.turned_away),
        count(&counts.faults)
    );
}

async fn accept(
    gate: &Arc<Gate>,
    max: u32,
    listener: TcpListener,
    shutdown: &CancellationToken,
    connections: &TaskTracker,
    counts: &Arc<Counts>,
) {
    let places = Arc::new(Semaphore::new(max as usize));
    let refusals = Arc::new(Semaphore::new(MOST_TURNED_AWAY));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                accept_failed(&error).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            counts.turned_away.fetch_add(1, Ordering::Relaxed);
            warn!("{peer}: refused with 503: all {max} connections are in use");
            if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(async move {
                    turn_away(stream).await;
                    drop(place);
                });
            }
            continue;
        };
        debug!("{peer}: connected");
        counts.connections.fetch_add(1, Ordering::Relaxed);
        let (gate, counts, shutdown) = (Arc::clone(gate), Arc::clone(counts), shutdown.clone());
        connections.spawn(async move {
            let report = connection::serve(&gate, stream, peer, &shutdown).await;
            counts
                .faults
                .fetch_add(report.is_fault().into(), Ordering::Relaxed);
            drop(place);
        });
    }
}

async fn turn_away(stream: TcpStream) {
    let mut socket = Socket::new(stream);
    fault::refuse_for_now(&mut socket);
    socket.linger().await;
}

/// A connection that ended before it was accepted is none of ours. Anything else, such as too many open files, will take
/// a moment to get better.
async fn accept_failed(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};

    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    ) {
        error!("can't accept a connection: {error}");
        sleep(Duration::from_millis(100)).await;
    }
}
