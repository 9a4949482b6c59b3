//! Accepting connections, and shutting down.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Instrument, error, error_span, info, warn};
use websocket_host::Guests;
use websocket_host::driver::Line;

use crate::address::Peer;
use crate::connection;
use crate::endpoint::linger;
use crate::fault;
use crate::gate::Gate;
use crate::net::client;
use crate::net::listener::Listener;
use crate::net::socket::Socket;
use crate::opening::Client;
use crate::report::Report;
use crate::signals::Signals;
use crate::throttle::Throttle;
use crate::worker::{Faults, Ticket, Workers};

/// The maximum number of clients at a time that get a 503 because the gate is full; others are dropped.
const MAX_REFUSALS: usize = 64;

/// How often it is logged that the gate is full, or that accepting fails.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A listening gate, with the state that its listeners share.
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
    /// Starts the workers.
    pub(crate) fn new(gate: Gate, max_connections: u32, workers: usize) -> io::Result<Arc<Self>> {
        let faults = Faults::default();
        let guests = || Guests::new(gate.sandbox.clone(), gate.connections_in_a_guest);
        let workers = Workers::start(workers, gate.clock, &faults, guests)?;
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

    /// Returns the state that all connections share.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Serves until a signal arrives, and then until the last connection has ended or the timeout has passed.
    pub(crate) async fn run(
        self: Arc<Self>,
        listeners: Vec<Listener>,
        mut signals: Signals,
        shutdown_timeout: Duration,
    ) {
        for listener in listeners {
            tokio::spawn(Arc::clone(&self).listen(listener));
        }
        let signal = signals.next().await;
        info!("{signal}: shutting down: no new connections, open ones are closed");
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
    async fn listen(self: Arc<Self>, listener: Listener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.shutdown.cancelled() => return,
            };
            match accepted {
                Ok((socket, peer)) => match Arc::clone(&self.places).try_acquire_owned() {
                    Ok(place) => {
                        let conn = self.last.fetch_add(1, Ordering::Relaxed) + 1;
                        let tracked = self.connections.token();
                        let is_secure = listener.is_secure;
                        let arrival = Arrival {
                            socket,
                            peer,
                            is_secure,
                        };
                        let served = Arc::clone(&self).serve(arrival, conn, place, tracked);
                        tokio::spawn(served);
                    }
                    Err(_) => self.turn_away(socket, listener.is_secure),
                },
                Err(error) => self.accept_failed(&error).await,
            }
        }
    }

    /// Serves a client until its connection is open, then hands it to a worker.
    async fn serve(
        self: Arc<Self>,
        arrival: Arrival,
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
        let mut peer = arrival.peer;
        let welcomed = tokio::select! {
            welcomed = welcome(gate, arrival, &mut peer) => welcomed,
            () = shutdown.cancelled() => return,
        };
        // At the highest level, so that events of any level have its fields.
        let span = error_span!("connection", conn, %peer);
        let client = match welcomed {
            Ok(client) => client,
            Err(why) => return span.in_scope(|| Report::unusable(why).log()),
        };
        let ticket = Ticket {
            span: span.clone(),
            _place: place,
            _tracked: tracked,
        };
        let Some(worker) = self.workers.next() else {
            return;
        };
        let served = connection::serve(gate, worker, client, conn, ticket, faults, shutdown);
        if let Some(connection) = served.instrument(span).await {
            worker.carry(connection);
        }
    }

    /// Refuses a client when the gate is full. With TLS the connection is just closed.
    fn turn_away(self: &Arc<Self>, socket: Socket, is_secure: bool) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(refused) = admit(&self.refused_log) {
            warn!(refused, max_connections = self.max_connections, "full");
        }
        if !is_secure && let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() {
            let server = Arc::clone(self);
            tokio::spawn(async move {
                let mut line = Line::new(socket.into());
                fault::refuse_for_now(&mut line);
                linger(line, &server.gate.clock).await;
                drop(place);
            });
        }
    }

    /// Handles an error of accepting. If the connection ended before, it is ignored. Otherwise, such as with too many
    /// open files, waits a moment.
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

/// A client that a listener has accepted.
struct Arrival {
    socket: Socket,
    peer: Peer,
    is_secure: bool,
}

/// Reads the header of the PROXY protocol, which changes `peer`, and makes the TLS handshake.
async fn welcome(gate: &Gate, arrival: Arrival, peer: &mut Peer) -> Result<Client, String> {
    let Arrival {
        mut socket,
        is_secure,
        ..
    } = arrival;
    let expects_header = gate.expects_proxy_header.then_some(gate.handshake_timeout);
    let addresses = client::find_out(&mut socket, *peer, expects_header).await?;
    *peer = addresses.client;
    let front = gate.front.as_ref().filter(|_| is_secure);
    let channel = client::secure(socket, front, gate.handshake_timeout).await?;
    Ok(Client { channel, addresses })
}

/// Returns whether to log a frequent event, and how many there were since the last logged one.
fn admit(throttle: &Mutex<Throttle>) -> Option<u64> {
    let mut throttle = throttle.lock().unwrap_or_else(PoisonError::into_inner);
    throttle.admit(Instant::now())
}
