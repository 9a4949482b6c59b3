//! Metrics: counters, gauges and histograms in the proxy's statistics.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::mem;

use websocket_component::Role;
use websocket_component::inspector::Sides;

use crate::host::{Host, Metric};

/// Metrics by name. Each is defined when it is first used.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    numbers: BTreeMap<String, Option<u32>>,
    /// Metrics of each message: the outer option is `None` until the proxy was asked for it, the inner one is its
    /// answer.
    traffic: Sides<[Option<Option<u32>>; 3]>,
    /// Each side's messages and bytes since the last [`Metrics::flush`].
    counted: Sides<[u64; 2]>,
}

/// The metrics of each message of a side, in the order of [`TRAFFIC`].
#[derive(Clone, Copy, Debug)]
enum Traffic {
    Messages,
    Bytes,
    MessageBytes,
}

const TRAFFIC: [(Metric, &str); 3] = [
    (Metric::Counter, "messages"),
    (Metric::Counter, "bytes"),
    (Metric::Histogram, "message_bytes"),
];

pub(super) const CONNECTIONS: &str = "websocket.connections";
pub(super) const OPEN: &str = "websocket.open";
pub(super) const REFUSED: &str = "websocket.refused";
pub(super) const RESET: &str = "websocket.reset";
pub(super) const MEMORY: &str = "websocket.memory_bytes";

/// The metrics that exist from the start.
const FROM_START: [(Metric, &str); 5] = [
    (Metric::Counter, CONNECTIONS),
    (Metric::Counter, REFUSED),
    (Metric::Counter, RESET),
    (Metric::Gauge, OPEN),
    (Metric::Gauge, MEMORY),
];

/// Returns the name of a side.
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

    /// Adds to a counter of one side.
    pub(super) fn count_of(&mut self, side: Role, what: &str, count: u64, host: &mut dyn Host) {
        self.count(&of(side, what), count, host);
    }

    /// Records a value in a histogram of one side.
    pub(super) fn record_of(&mut self, side: Role, what: &str, value: u64, host: &mut dyn Host) {
        if let Some(number) = self.number(Metric::Histogram, &of(side, what), host) {
            host.record(number, value);
        }
    }

    /// Counts what a side has sent. It is reported at the next [`Metrics::flush`]: a call for each read would cost as
    /// much as reading.
    pub(super) fn count_traffic(&mut self, side: Role, messages: u64, bytes: u64) {
        let [counted_messages, counted_bytes] = &mut self.counted[side];
        *counted_messages = counted_messages.saturating_add(messages);
        *counted_bytes = counted_bytes.saturating_add(bytes);
    }

    /// Records the size of a message.
    pub(super) fn record_message(&mut self, side: Role, bytes: u64, host: &mut dyn Host) {
        if let Some(number) = self.traffic(side, Traffic::MessageBytes, host) {
            host.record(number, bytes);
        }
    }

    /// Whether some counts were not reported yet.
    pub(super) fn is_behind(&self) -> bool {
        self.counted != Sides::default()
    }

    /// Reports the counts to the proxy.
    pub(super) fn flush(&mut self, host: &mut dyn Host) {
        for side in Role::BOTH {
            let counted = mem::take(&mut self.counted[side]);
            for (what, count) in [Traffic::Messages, Traffic::Bytes].into_iter().zip(counted) {
                if count > 0
                    && let Some(number) = self.traffic(side, what, host)
                {
                    host.add(number, i64::try_from(count).unwrap_or(i64::MAX));
                }
            }
        }
    }

    fn traffic(&mut self, side: Role, what: Traffic, host: &mut dyn Host) -> Option<u32> {
        if let Some(number) = self.traffic[side][what as usize] {
            return number;
        }
        let (kind, name) = TRAFFIC[what as usize];
        let number = self.number(kind, &of(side, name), host);
        self.traffic[side][what as usize] = Some(number);
        number
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
