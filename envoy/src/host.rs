//! What the filter asks of the proxy that runs it.

use alloc::string::String;
use alloc::vec::Vec;

use websocket_component::Role;

/// A proxy, as the filter sees it: proxy-wasm, or a test.
///
/// Calls that name no connection are about the one that [`Host::enter`] has named last, or that a callback is for.
pub trait Host {
    /// Returns the time in nanoseconds: the system's clock, which may jump.
    fn now(&mut self) -> u64;

    /// Writes a line to the proxy's log.
    fn log(&mut self, level: Level, line: &str);

    /// What follows is about this connection.
    fn enter(&mut self, connection: u32, carrier: Carrier);

    /// Returns the header fields of the request or the response, in order.
    fn headers(&mut self, of: Head) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// Sets a header field in the place of all of that name.
    fn set_header(&mut self, of: Head, name: &str, value: &[u8]);

    /// Removes all header fields of a name.
    fn remove_header(&mut self, of: Head, name: &str);

    /// Answers the request in the place of the server.
    fn respond(&mut self, status: u16, body: &str);

    /// Returns a property of the connection, such as `request.id` with a zero byte in the place of the dot.
    fn property(&mut self, path: &str) -> Option<Vec<u8>>;

    /// Sets a field of the access log.
    fn set_field(&mut self, name: &str, value: &str);

    /// Appends at most `length` bytes of what waits of a side's, from `start` on.
    fn read(&mut self, from: Role, start: usize, length: usize, into: &mut Vec<u8>);

    /// Replaces the first `length` bytes of what waits of a side's. Returns whether the proxy allows it.
    fn replace(&mut self, from: Role, length: usize, bytes: &[u8]) -> bool;

    /// Appends to what waits of a side's. Returns whether the proxy allows it.
    fn append(&mut self, from: Role, bytes: &[u8]) -> bool;

    /// All that waits of a side's goes on. Nothing of what follows it in a callback may fail.
    fn go_on(&mut self, from: Role);

    /// Resets the connection.
    fn reset(&mut self);

    /// Asks for [`Filter::tick`](crate::Filter::tick) so often, or never with 0.
    fn tick_every(&mut self, milliseconds: u32);

    /// Defines a metric, and returns its number.
    fn metric(&mut self, kind: Metric, name: &str) -> Option<u32>;

    /// Adds to a counter or a gauge.
    fn add(&mut self, metric: u32, count: i64);

    /// Records a value of a histogram, or sets a gauge.
    fn record(&mut self, metric: u32, value: u64);
}

/// What the proxy takes a connection for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// It reads the heads of HTTP itself, and either direction can be written to at any time.
    Http,
    /// It passes bytes on. A direction can be written to only while its bytes come.
    Tcp,
}

/// How grave a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What happens with each connection.
    Debug,
    /// What an operator may want to know.
    Info,
    /// A connection was ended.
    Warn,
    /// The filter can't do its work.
    Error,
}

/// Whose header fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The client's request.
    Request,
    /// The server's response.
    Response,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How values are spread.
    Histogram,
}

/// What becomes of the bytes that a callback is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They go on.
    Continue,
    /// They wait, unless [`Host::go_on`] was called.
    Pause,
}

/// The text of bytes that may not be UTF-8.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
