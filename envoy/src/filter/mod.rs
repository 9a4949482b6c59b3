//! The filter: what the proxy calls, over all connections of one configuration.

mod clock;
mod connection;
mod content;
mod handshake;
mod line;
mod metrics;
mod rate;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::vec::Vec;

use websocket_component::{Instant, Role};

use crate::host::{Action, Carrier, Head, Host};
use crate::{ConfigError, Settings};
use clock::Clock;
use connection::{Connection, GoOn};
use metrics::Metrics;

/// The default interval of ticks, in milliseconds.
const TICK: u32 = 100;

/// The filter, for the connections of one configuration in one VM.
pub struct Filter {
    settings: Rc<Settings>,
    metrics: Metrics,
    clock: Clock,
    connections: BTreeMap<u32, Connection>,
    /// The deadlines of connections.
    due: BTreeSet<(Instant, u32)>,
    /// How much memory all connections hold.
    memory: u64,
    /// The buffer to read a connection's input into.
    buffer: Vec<u8>,
    /// The interval of ticks, in milliseconds.
    tick: u32,
}

/// The environment of a connection during a call.
pub(crate) struct Env<'a> {
    host: &'a mut dyn Host,
    settings: &'a Settings,
    metrics: &'a mut Metrics,
    buffer: &'a mut Vec<u8>,
    now: Instant,
}

impl Filter {
    /// Creates a filter with settings from JSON.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the invalid setting.
    pub fn new(json: &[u8], host: &mut dyn Host) -> Result<Filter, ConfigError> {
        let settings = Rc::new(Settings::parse(json)?);
        let mut metrics = Metrics::default();
        metrics.define(host);
        Ok(Filter {
            settings,
            metrics,
            clock: Clock::new(host.now()),
            connections: BTreeMap::new(),
            due: BTreeSet::new(),
            memory: 0,
            buffer: Vec::new(),
            tick: 0,
        })
    }

    /// Changes the settings, for connections that are opened from now on.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the invalid setting. The settings are unchanged.
    pub fn configure(&mut self, json: &[u8]) -> Result<(), ConfigError> {
        self.settings = Rc::new(Settings::parse(json)?);
        Ok(())
    }

    /// Handles a head: the request of a new connection, or the server's response.
    pub fn head(&mut self, id: u32, head: Head, host: &mut dyn Host) -> Action {
        let answer = self.with(id, head == Head::Request, host, |connection, env| {
            let action = match head {
                Head::Request => connection.request(env),
                Head::Response => connection.response(env),
            };
            (action, connection.is_foreign())
        });
        let (action, is_foreign) = answer.unwrap_or((Action::Continue, false));
        if is_foreign {
            // It isn't inspected any more.
            self.delete(id, host);
        }
        self.after(id, Carrier::Http, host);
        action
    }

    /// Handles a new connection whose HTTP the proxy doesn't parse.
    pub fn accept(&mut self, id: u32, host: &mut dyn Host) {
        self.with(id, true, host, Connection::accept);
        self.after(id, Carrier::Tcp, host);
    }

    /// Handles input: `length` bytes of a side are buffered, including those held back before. `is_end` if no more
    /// follow.
    pub fn bytes(
        &mut self,
        id: u32,
        from: Role,
        length: usize,
        is_end: bool,
        host: &mut dyn Host,
    ) -> Action {
        let outcome = self.with(id, false, host, |connection, env| {
            (
                connection.carrier(),
                connection.come(from, length, is_end, env),
            )
        });
        let Some((carrier, (action, directions))) = outcome else {
            return Action::Continue;
        };
        self.after(id, carrier, host);
        go_on(directions, host);
        action
    }

    /// Handles timeouts.
    pub fn tick(&mut self, host: &mut dyn Host) {
        let now = self.read_clock(host);
        // Each connection is handled once per tick, even if its next deadline has passed, too.
        let last = (now, u32::MAX);
        let due: Vec<u32> = self.due.range(..=last).map(|(_, id)| *id).collect();
        for id in due {
            let Some(connection) = self.connections.get(&id) else {
                continue;
            };
            let carrier = connection.carrier();
            host.enter(id, carrier);
            let directions = self.with(id, false, host, Connection::tick);
            go_on(directions.unwrap_or_default(), host);
            self.limit_memory(id, carrier, host);
        }
        self.metrics.flush(host);
        self.set_tick(host);
    }

    /// Sets the fields of the access log, before the connection is logged.
    pub fn log(&mut self, id: u32, host: &mut dyn Host) {
        let directions = self.with(id, false, host, Connection::log);
        self.metrics.flush(host);
        go_on(directions.unwrap_or_default(), host);
    }

    /// Deletes a connection.
    pub fn delete(&mut self, id: u32, host: &mut dyn Host) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if let Some(at) = connection.noted.due {
            self.due.remove(&(at, id));
        }
        self.note_memory(connection.noted.memory, 0, host);
        if connection.was_open() {
            self.metrics.change(metrics::OPEN, -1, host);
        }
    }

    /// Makes a call for a connection, which may be new.
    fn with<R>(
        &mut self,
        id: u32,
        is_new: bool,
        host: &mut dyn Host,
        call: impl FnOnce(&mut Connection, &mut Env<'_>) -> R,
    ) -> Option<R> {
        let now = self.read_clock(host);
        if is_new {
            let settings = Rc::clone(&self.settings);
            self.connections
                .insert(id, Connection::new(id, settings, now));
        }
        let connection = self.connections.get_mut(&id)?;
        let settings = Rc::clone(&connection.settings);
        let mut env = Env {
            host,
            settings: &settings,
            metrics: &mut self.metrics,
            buffer: &mut self.buffer,
            now,
        };
        let result = call(connection, &mut env);
        let noted = connection.noted;
        connection.note();
        let (memory, due) = (connection.noted.memory, connection.noted.due);
        if due != noted.due {
            if let Some(at) = noted.due {
                self.due.remove(&(at, id));
            }
            if let Some(at) = due {
                self.due.insert((at, id));
            }
        }
        self.note_memory(noted.memory, memory, host);
        Some(result)
    }

    fn note_memory(&mut self, before: u64, after: u64, host: &mut dyn Host) {
        self.memory = self.memory.saturating_sub(before).saturating_add(after);
        if before != after {
            let change = i64::try_from(after).unwrap_or(0) - i64::try_from(before).unwrap_or(0);
            self.metrics.change(metrics::MEMORY, change, host);
        }
    }

    /// Finishes a callback of a connection.
    fn after(&mut self, id: u32, carrier: Carrier, host: &mut dyn Host) {
        self.limit_memory(id, carrier, host);
        self.set_tick(host);
    }

    /// Closes connections, those with the most memory first, until the total is within the limit. `id` is the
    /// connection of the current callback, which stays current.
    fn limit_memory(&mut self, id: u32, carrier: Carrier, host: &mut dyn Host) {
        while let Some((greediest, of)) = self.greediest() {
            host.enter(greediest, of);
            let directions = self.with(greediest, false, host, Connection::end_greedy);
            go_on(directions.unwrap_or_default(), host);
            host.enter(id, carrier);
        }
    }

    /// Returns the connection that holds the most memory and can free some, if the limit is exceeded.
    fn greediest(&self) -> Option<(u32, Carrier)> {
        if self.memory <= self.settings.memory {
            return None;
        }
        let others = self.connections.values().filter(|other| other.is_seen());
        let greediest = others.max_by_key(|connection| connection.noted.memory)?;
        Some((greediest.id(), greediest.carrier()))
    }

    /// Sets the interval of ticks by the deadlines.
    fn set_tick(&mut self, host: &mut dyn Host) {
        let wanted = match self.due.first() {
            None if self.metrics.is_behind() => TICK,
            None => 0,
            Some((at, _)) => {
                let left = at.as_nanos().saturating_sub(self.clock.now().as_nanos());
                let millis = u32::try_from(left.div_ceil(1_000_000)).unwrap_or(u32::MAX);
                millis.clamp(1, TICK)
            }
        };
        if wanted != self.tick {
            self.tick = wanted;
            host.tick_every(wanted);
        }
    }

    fn read_clock(&mut self, host: &mut dyn Host) -> Instant {
        let is_in_use = !self.due.is_empty();
        self.clock.read(host.now(), is_in_use)
    }
}

/// Forwards buffered input. These must be the last calls of a callback, since a failure after them would crash the
/// proxy.
fn go_on(directions: GoOn, host: &mut dyn Host) {
    for from in Role::BOTH {
        if directions[from] {
            host.go_on(from);
        }
    }
}

#[cfg(test)]
mod tests;
