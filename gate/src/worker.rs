//! Workers: threads with an event loop that carry open connections.
//!
//! Each connection belongs to one worker, and workers share nothing. A connection moves to a worker when both of its
//! sides are open, and stays until both transports have ended.

mod deadlines;
mod event_loop;

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use mio::{Poll, Token};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Span, error};
use websocket_host::driver::PairDriver;
use websocket_host::{Clock, Guests};

use self::event_loop::EventLoop;
use crate::net::channel::Channel;
use crate::report::Report;

const COMMANDS: Token = Token(usize::MAX);

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) driver: PairDriver<Channel>,
    pub(crate) report: Report,
    pub(crate) ticket: Ticket,
}

/// A connection's registration with the server.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) span: Span,
    /// Counts the connection towards the limit, and for shutdown, until it has ended.
    pub(crate) _place: OwnedSemaphorePermit,
    pub(crate) _tracked: TaskTrackerToken,
}

/// Counts the connections whose sandbox has failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(pub(crate) Arc<AtomicU64>);

impl Faults {
    /// Logs how a connection has ended, and counts it if its sandbox has failed.
    pub(crate) fn log(&self, report: &Report) {
        report.log();
        self.0
            .fetch_add(u64::from(report.is_fault()), Ordering::Relaxed);
    }
}

/// All workers. Connections are assigned round-robin.
#[derive(Debug)]
pub(crate) struct Workers {
    all: Vec<Worker>,
    turn: AtomicUsize,
}

impl Workers {
    /// Starts `count` threads, each with its own guests.
    pub(crate) fn start(
        count: usize,
        clock: Clock,
        faults: &Faults,
        guests: impl Fn() -> Guests,
    ) -> io::Result<Self> {
        let start = |number| Worker::start(number, clock, faults.clone(), guests());
        Ok(Self {
            all: (0..count).map(start).collect::<io::Result<_>>()?,
            turn: AtomicUsize::new(0),
        })
    }

    /// Returns the next worker, if any was started.
    pub(crate) fn next(&self) -> Option<&Worker> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.all.get(turn % self.all.len().max(1))
    }

    /// Closes all connections with 1001, including those that are handed over later.
    pub(crate) fn go_away(&self) {
        self.all
            .iter()
            .for_each(|worker| worker.send(Command::GoAway));
    }

    /// Drops all connections, and waits for the threads to end.
    pub(crate) fn stop(&self) {
        self.all.iter().for_each(Worker::stop);
    }
}

/// A handle to a worker.
#[derive(Debug)]
pub(crate) struct Worker {
    guests: Guests,
    commands: Sender<Command>,
    waker: mio::Waker,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Carry(Box<Connection>),
    /// A guest has ended while a connection opened: end the connections that share it.
    CheckGuests,
    /// Close all connections, including later ones.
    GoAway,
    /// Drop all connections and end the thread.
    Stop,
}

impl Worker {
    fn start(number: usize, clock: Clock, faults: Faults, guests: Guests) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), COMMANDS)?;
        let (commands, received) = mpsc::channel();
        let is_shared = guests.each() > 1;
        let event_loop = EventLoop::new(poll, received, clock, faults, is_shared);
        let thread = thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || event_loop.run())?;
        Ok(Self {
            guests,
            commands,
            waker,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Returns the guests of its connections.
    pub(crate) fn guests(&self) -> &Guests {
        &self.guests
    }

    /// Hands over a connection, whose guest is one of [`guests`](Self::guests).
    pub(crate) fn carry(&self, connection: Box<Connection>) {
        self.send(Command::Carry(connection));
    }

    /// Ends the connections of a guest that has ended while a connection opened.
    pub(crate) fn check_guests(&self) {
        if self.guests.each() > 1 {
            self.send(Command::CheckGuests);
        }
    }

    fn stop(&self) {
        self.send(Command::Stop);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic of the thread is ignored.
            let _ = thread.join();
        }
    }

    fn send(&self, command: Command) {
        // If the thread has ended, so have its connections.
        let _ = self.commands.send(command);
        if let Err(error) = self.waker.wake() {
            error!("can't wake a worker: {error}");
        }
    }
}
