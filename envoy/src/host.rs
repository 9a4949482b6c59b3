//! What the filter needs from the proxy.

use alloc::string::String;
use alloc::vec::Vec;

use websocket_component::Role;

/// The interface to the proxy: proxy-wasm, or a mock in tests.
///
/// Calls apply to the connection that [`Host::enter`] has set last, or that the callback is for.
pub trait Host {
    /// Returns the time of the system's clock, which may jump, in nanoseconds.
    fn now(&mut self) -> u64;

    /// Writes a line to the proxy's log.
    fn log(&mut self, level: Level, line: &str);

    /// Sets the connection that later calls apply to.
    fn enter(&mut self, connection: u32, carrier: Carrier);

    /// Returns the header fields of the request or the response, in order.
    fn headers(&mut self, of: Head) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// Replaces all header fields of a name.
    fn set_header(&mut self, of: Head, name: &str, value: &[u8]);

    /// Removes all header fields of a name.
    fn remove_header(&mut self, of: Head, name: &str);

    /// Responds to the request instead of the server.
    fn respond(&mut self, status: u16, body: &str);

    /// Returns a property of the connection, such as `request.id` with a zero byte instead of the dot.
    fn property(&mut self, path: &str) -> Option<Vec<u8>>;

    /// Sets a field of the access log.
    fn set_field(&mut self, name: &str, value: &str);

    /// Appends at most `length` bytes of a side's buffered input, from `start` on, to `into`.
    fn read(&mut self, from: Role, start: usize, length: usize, into: &mut Vec<u8>);

    /// Replaces the first `length` bytes of a side's buffered input. Returns whether the proxy allows it.
    fn replace(&mut self, from: Role, length: usize, bytes: &[u8]) -> bool;

    /// Appends to a side's buffered input. Returns whether the proxy allows it.
    fn append(&mut self, from: Role, bytes: &[u8]) -> bool;

    /// Forwards all buffered input of a side. Nothing after this in a callback may fail.
    fn go_on(&mut self, from: Role);

    /// Resets the connection.
    fn reset(&mut self);

    /// Sets the interval of [`Filter::tick`](crate::Filter::tick); 0 turns it off.
    fn tick_every(&mut self, milliseconds: u32);

    /// Defines a metric, and returns its number.
    fn metric(&mut self, kind: Metric, name: &str) -> Option<u32>;

    /// Adds to a counter or a gauge.
    fn add(&mut self, metric: u32, count: i64);

    /// Records a value of a histogram, or sets a gauge.
    fn record(&mut self, metric: u32, value: u64);
}

/// How the proxy treats a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As HTTP: the proxy parses heads, and either direction can be written to at any time.
    Http,
    /// As TCP: a direction can be written to only during a callback for its bytes.
    Tcp,
}

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Events of each connection.
    Debug,
    /// Information for operators.
    Info,
    /// A connection was ended.
    Warn,
    /// The filter can't work.
    Error,
}

/// Which head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The client's request.
    Request,
    /// The server's response.
    Response,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A value that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// What the proxy does with the bytes of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forward them.
    Continue,
    /// Buffer them, unless [`Host::go_on`] was called.
    Pause,
}

/// Converts bytes to text, even if they aren't UTF-8.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
