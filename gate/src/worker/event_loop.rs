//! The event loop of a worker: ready sockets, deadlines and new connections.

use std::io::ErrorKind;
use std::mem;
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::Receiver;
use std::task::{Context, Waker};
use std::time::Duration;

use mio::{Events, Poll, Token};
use slab::Slab;
use tracing::{error, warn};
use websocket_host::driver::Progress;
use websocket_host::protocol::{CloseCode, Instant};
use websocket_host::{Clock, Role};

use super::deadlines::Deadlines;
use super::{COMMANDS, Command, Connection, Faults};
use crate::report::End;

const GOING_AWAY: CloseCode = 1001;

/// The maximum number of events of one poll.
const EVENTS: usize = 1024;

/// The connections of a worker.
pub(super) struct EventLoop {
    poll: Poll,
    commands: Receiver<Command>,
    clock: Clock,
    connections: Slab<Carried>,
    deadlines: Deadlines,
    /// The keys of connections that can make progress.
    ready: Vec<usize>,
    goes_away: bool,
    faults: Faults,
    /// Connections share guests.
    is_shared: bool,
}

struct Carried {
    connection: Box<Connection>,
    is_ready: bool,
    /// The deadline at which the connection is polled.
    looked_at: Option<Instant>,
}

impl EventLoop {
    pub(super) fn new(
        poll: Poll,
        commands: Receiver<Command>,
        clock: Clock,
        faults: Faults,
        is_shared: bool,
    ) -> Self {
        Self {
            poll,
            commands,
            clock,
            connections: Slab::new(),
            deadlines: Deadlines::default(),
            ready: Vec::new(),
            goes_away: false,
            faults,
            is_shared,
        }
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut batch = Vec::new();
        loop {
            let wait = self.wait();
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != ErrorKind::Interrupted
            {
                error!("a worker can't wait for its sockets: {error}");
                return;
            }
            let mut has_commands = false;
            for event in &events {
                match event.token() {
                    COMMANDS => has_commands = true,
                    Token(number) => {
                        let carried = self.is_ready(number / 2);
                        if let Some(carried) = carried {
                            let driver = &mut carried.connection.driver;
                            driver.transport(side_of(number)).is_ready(event);
                        }
                    }
                }
            }
            // One reading of the clock for all: timeouts are in the order of seconds.
            let now = self.clock.now();
            while let Some(key) = self.deadlines.pop(now) {
                if let Some(carried) = self.is_ready(key) {
                    carried.looked_at = None;
                }
            }
            if has_commands && self.take_commands(now).is_break() {
                return;
            }
            mem::swap(&mut self.ready, &mut batch);
            for key in batch.drain(..) {
                self.go_on(key, now);
            }
        }
    }

    /// Returns how long to wait for the next event.
    fn wait(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.deadlines.next()?;
        let left = Duration::from_nanos(due.saturating_sub(self.clock.now()));
        // The system's timer rounds down to milliseconds. Waking late is better than waking early, and then again.
        Some(left.saturating_add(Duration::from_millis(1)))
    }

    /// Marks a connection as ready, and returns it if it still exists.
    fn is_ready(&mut self, key: usize) -> Option<&mut Carried> {
        let carried = self.connections.get_mut(key)?;
        if !mem::replace(&mut carried.is_ready, true) {
            self.ready.push(key);
        }
        Some(carried)
    }

    fn take_commands(&mut self, now: Instant) -> ControlFlow<()> {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Carry(connection) => self.add(connection, now),
                Command::CheckGuests => self.check_guests(now),
                Command::GoAway => {
                    self.goes_away = true;
                    let keys: Vec<_> = self.connections.iter().map(|(key, _)| key).collect();
                    for key in keys {
                        self.close(key, now);
                    }
                }
                Command::Stop => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    fn add(&mut self, mut connection: Box<Connection>, now: Instant) {
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        for side in [Role::Client, Role::Server] {
            let socket = connection.driver.transport(side);
            let token = token_of(key, side);
            let registered = socket.register(self.poll.registry(), token);
            if let Err(error) = registered {
                warn!("a connection is dropped, because the system can't watch it: {error}");
                return;
            }
        }
        entry.insert(Carried {
            connection,
            is_ready: false,
            looked_at: None,
        });
        if self.goes_away {
            self.close(key, now);
        }
        self.is_ready(key);
    }

    /// Closes both sides, because the gate shuts down.
    fn close(&mut self, key: usize, now: Instant) {
        let Some(carried) = self.is_ready(key) else {
            return;
        };
        let Connection { driver, report, .. } = &mut *carried.connection;
        // The first cause counts.
        report.ended(driver.cause().map_or(End::Shutdown, End::from));
        let cx = &mut Context::from_waker(Waker::noop());
        driver.close(GOING_AWAY, "the gate shuts down", now, cx);
    }

    /// Polls a connection.
    fn go_on(&mut self, key: usize, now: Instant) {
        let Some(carried) = self.connections.get_mut(key) else {
            return;
        };
        carried.is_ready = false;
        let Connection {
            driver,
            report,
            ticket,
            ..
        } = &mut *carried.connection;
        let cx = &mut Context::from_waker(Waker::noop());
        // A panic ends only this connection.
        let polled = panic::catch_unwind(AssertUnwindSafe(|| driver.poll(cx, now)));
        let progress = polled.unwrap_or_else(|_| {
            ticket
                .span
                .in_scope(|| error!("a connection is dropped, because of a bug in the gate"));
            Progress::Over
        });
        let mut has_failed = false;
        if let Some(outcome) = driver.take_outcome() {
            has_failed = outcome.fault.is_some();
            report.carried(outcome);
            ticket.span.in_scope(|| self.faults.log(report));
        }
        match progress {
            Progress::Waiting => {
                // Deadlines mostly move away. A timer that fires too early is set again.
                if let Some(due) = driver.next_deadline() {
                    let looked_at = &mut carried.looked_at;
                    self.deadlines.bring_forward(looked_at, due, key);
                }
            }
            Progress::More => _ = self.is_ready(key),
            Progress::Over => {
                self.deadlines.remove(carried.looked_at, key);
                drop(self.connections.try_remove(key));
            }
        }
        if has_failed && self.is_shared {
            self.check_guests(now);
        }
    }

    /// Ends all connections whose guest has ended.
    fn check_guests(&mut self, now: Instant) {
        let cx = &mut Context::from_waker(Waker::noop());
        for (key, carried) in &mut self.connections {
            let driver = &mut carried.connection.driver;
            if driver.check_guest(now, cx) && !mem::replace(&mut carried.is_ready, true) {
                self.ready.push(key);
            }
        }
    }
}

/// Returns the token of one of a connection's two sockets.
fn token_of(key: usize, side: Role) -> Token {
    Token(match side {
        Role::Client => key * 2,
        Role::Server => key * 2 + 1,
    })
}

fn side_of(token: usize) -> Role {
    match token % 2 {
        0 => Role::Client,
        _ => Role::Server,
    }
}
