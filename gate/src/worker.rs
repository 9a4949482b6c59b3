//! A thread that carries open connections: it waits for their sockets and their deadlines, and does nothing else.
//!
//! Each connection belongs to one worker, and nothing is shared between them. A connection comes here when both of its
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

/// A connection whose two sides are open.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) driver: PairDriver<Channel>,
    pub(crate) report: Report,
    pub(crate) ticket: Ticket,
}

/// What a connection has of its server.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) span: Span,
    /// Counted until it has ended, among those that are there and those that are waited for.
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

/// All workers. Connections go to them in turn.
#[derive(Debug)]
pub(crate) struct Workers {
    all: Vec<Worker>,
    turn: AtomicUsize,
}

impl Workers {
    /// Starts `count` threads, with guests for the connections of each.
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

    /// Returns the worker whose turn it is; there is one if any was started.
    pub(crate) fn next(&self) -> Option<&Worker> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.all.get(turn % self.all.len().max(1))
    }

    /// Has all connections closed with 1001, also those that are still to come.
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

/// A worker as others see it.
#[derive(Debug)]
pub(crate) struct Worker {
    guests: Guests,
    commands: Sender<Command>,
    waker: mio::Waker,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Carry(Box<Connection>),
    /// A guest has ended while a connection opened: so do those that share it.
    CheckGuests,
    /// Closes all connections, also those that come from now on.
    GoAway,
    /// Drops what is left.
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

    /// Returns the guests that its connections are in.
    pub(crate) fn guests(&self) -> &Guests {
        &self.guests
    }

    /// Hands a connection over, whose guest is one of these.
    pub(crate) fn carry(&self, connection: Box<Connection>) {
        self.send(Command::Carry(connection));
    }

    /// A guest has ended while a connection opened.
    pub(crate) fn check_guests(&self) {
        if self.guests.each() > 1 {
            self.send(Command::CheckGuests);
        }
    }

    fn stop(&self) {
        self.send(Command::Stop);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // One that has panicked is gone too.
            let _ = thread.join();
        }
    }

    fn send(&self, command: Command) {
        // If the thread has ended, so has the connection.
        let _ = self.commands.send(command);
        if let Err(error) = self.waker.wake() {
            error!("can't wake a worker: {error}");
        }
    }
}
