//! Accepting connections, and ending them when the program is to end.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Instrument, error, error_span, info, warn};
use websocket_host::driver::Line;

use crate::client::Client;
use crate::connection;
use crate::endpoint::linger;
use crate::fault;
use crate::gate::Gate;
use crate::report::Report;
use crate::signals::Signals;
use crate::socket::Socket;
use crate::throttle::Throttle;
use crate::worker::{Faults, Seat, Workers};

/// The most clients at a time that are told that they are too many; others are just dropped.
const MAX_REFUSALS: usize = 64;

/// How often it is logged that clients are too many, or that none can be accepted.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A gate that listens, and what its listeners share.
#[derive(Debug)]
pub(crate) struct Server {
    gate: Gate,
    max_connections: u32,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    shutdown: CancellationToken,
    connections: TaskTracker,
    /// The number of the last connection.
    last: AtomicU64,
    refused: AtomicU64,
    faults: Faults,
    workers: Workers,
    refused_log: Mutex<Throttle>,
    failed_log: Mutex<Throttle>,
}

impl Server {
    /// Starts the threads that carry open connections.
    pub(crate) fn new(gate: Gate, max_connections: u32, workers: usize) -> io::Result<Arc<Self>> {
        let faults = Faults::default();
        let workers = Workers::start(workers, gate.clock, &faults)?;
        Ok(Arc::new(Self {
            gate,
            max_connections,
            places: Arc::new(Semaphore::new(max_connections as usize)),
            refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
            shutdown: CancellationToken::new(),
            connections: TaskTracker::new(),
            last: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            faults,
            workers,
            refused_log: Mutex::new(Throttle::new(LOG_INTERVAL)),
            failed_log: Mutex::new(Throttle::new(LOG_INTERVAL)),
        }))
    }

    /// Serves until a signal comes, and then until the last connection has ended or time is up.
    pub(crate) async fn run(
        self: Arc<Self>,
        listeners: Vec<TcpListener>,
        mut signals: Signals,
        shutdown_timeout: Duration,
    ) {
        for listener in listeners {
            tokio::spawn(Arc::clone(&self).listen(listener));
        }
        let signal = signals.next().await;
        info!("{signal}: no new connections, closing those that are open");
        self.shutdown.cancel();
        self.connections.close();
        self.workers.go_away();
        tokio::select! {
            gone = timeout(shutdown_timeout, self.connections.wait()) => if gone.is_err() {
                warn!("{} connections did not close in time and are cut off", self.connections.len());
            },
            signal = signals.next() => warn!("{signal} again: {} connections are cut off", self.connections.len()),
        }
        self.workers.stop();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        info!(
            connections = count(&self.last),
            refused = count(&self.refused),
            faults = count(&self.faults.0),
            "ended"
        );
    }

    /// Accepts connections until the gate shuts down.
    async fn listen(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.shutdown.cancelled() => return,
            };
            match accepted {
                Ok((stream, peer)) => match Arc::clone(&self.places).try_acquire_owned() {
                    Ok(place) => {
                        let conn = self.last.fetch_add(1, Ordering::Relaxed) + 1;
                        let tracked = self.connections.token();
                        let served = Arc::clone(&self).serve(stream, peer, conn, place, tracked);
                        tokio::spawn(served);
                    }
                    Err(_) => self.turn_away(stream),
                },
                Err(error) => self.accept_failed(&error).await,
            }
        }
    }

    /// Serves a client, and has a worker carry its connection once that is open.
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        conn: u64,
        place: OwnedSemaphorePermit,
        tracked: TaskTrackerToken,
    ) {
        let Self {
            gate,
            faults,
            shutdown,
            ..
        } = &*self;
        let found = tokio::select! {
            found = Client::find_out(gate, stream, peer) => found,
            () = shutdown.cancelled() => return,
        };
        let address = found.as_ref().map_or(peer, |it| it.addresses.client);
        // Of the highest level, so that an event of any level has its fields.
        let span = error_span!("connection", conn, peer = %address);
        let client = match found {
            Ok(client) => client,
            Err(error) => return span.in_scope(|| Report::unknown(&error).log()),
        };
        let seat = Seat {
            span: span.clone(),
            _place: place,
            _tracked: tracked,
        };
        let served = connection::serve(gate, client, conn, seat, faults, shutdown);
        if let Some(connection) = served.instrument(span).await {
            self.workers.carry(connection);
        }
    }

    /// Refuses a client that is one too many.
    fn turn_away(self: &Arc<Self>, stream: TcpStream) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(refused) = admit(&self.refused_log) {
            warn!(
                status = 503,
                refused,
                max_connections = self.max_connections,
                "full"
            );
        }
        if let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() {
            let server = Arc::clone(self);
            tokio::spawn(async move {
                let mut line = Line::new(Socket::new(stream));
                fault::refuse_for_now(&mut line);
                linger(line, &server.gate.clock).await;
                drop(place);
            });
        }
    }

    /// A connection that ended before it was accepted is none of ours. Anything else, such as too many open files, will
    /// take a moment to get better.
    async fn accept_failed(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};

        if !matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        ) {
            if let Some(times) = admit(&self.failed_log) {
                error!(times, "can't accept connections: {error}");
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Whether to log an event that may come often, and how many there were since the last one that was logged.
fn admit(throttle: &Mutex<Throttle>) -> Option<u64> {
    let mut throttle = throttle.lock().unwrap_or_else(PoisonError::into_inner);
    throttle.admit(Instant::now())
}
