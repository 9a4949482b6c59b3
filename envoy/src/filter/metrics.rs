//! What people look at: counters, gauges and histograms in the proxy's statistics.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use websocket_component::Role;

use crate::host::{Host, Metric};

/// Metrics by their names. Each is defined when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    numbers: BTreeMap<String, Option<u32>>,
}

pub(super) const CONNECTIONS: &str = "websocket.connections";
pub(super) const OPEN: &str = "websocket.open";
pub(super) const REFUSED: &str = "websocket.refused";
pub(super) const RESET: &str = "websocket.reset";
pub(super) const MEMORY: &str = "websocket.memory_bytes";

/// Those that are there from the start, so that they can be told from ones that don't exist.
const FROM_START: [(Metric, &str); 5] = [
    (Metric::Counter, CONNECTIONS),
    (Metric::Counter, REFUSED),
    (Metric::Counter, RESET),
    (Metric::Gauge, OPEN),
    (Metric::Gauge, MEMORY),
];

/// What a side is called in names.
pub(super) fn name_of(side: Role) -> &'static str {
    match side {
        Role::Client => "client",
        Role::Server => "server",
    }
}

impl Metrics {
    pub(super) fn define(&mut self, host: &mut dyn Host) {
        for (kind, name) in FROM_START {
            self.number(kind, name, host);
        }
    }

    /// Adds to a counter.
    pub(super) fn count(&mut self, name: &str, count: u64, host: &mut dyn Host) {
        if let Some(number) = self.number(Metric::Counter, name, host) {
            host.add(number, i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Changes a gauge.
    pub(super) fn change(&mut self, name: &str, by: i64, host: &mut dyn Host) {
        if let Some(number) = self.number(Metric::Gauge, name, host) {
            host.add(number, by);
        }
    }

    /// The same of one side's.
    pub(super) fn count_of(&mut self, side: Role, what: &str, count: u64, host: &mut dyn Host) {
        self.count(&of(side, what), count, host);
    }

    /// Records a value of a histogram of one side's.
    pub(super) fn record_of(&mut self, side: Role, what: &str, value: u64, host: &mut dyn Host) {
        if let Some(number) = self.number(Metric::Histogram, &of(side, what), host) {
            host.record(number, value);
        }
    }

    fn number(&mut self, kind: Metric, name: &str, host: &mut dyn Host) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = host.metric(kind, name);
        self.numbers.insert(name.into(), number);
        number
    }
}

fn of(side: Role, what: &str) -> String {
    format!("websocket.{}.{what}", name_of(side))
}
