//! A proxy as Envoy is seen to behave: what waits in each direction, and what has gone on.

use std::collections::BTreeMap;

use websocket_component::Role;
use websocket_component::inspector::Sides;

use crate::Filter;
use crate::host::{Action, Carrier, Head, Host, Level, Metric};

/// The most that Envoy holds in one direction.
const LIMIT: usize = 1 << 20;

/// What happens around one connection of a filter.
pub(super) struct Proxy {
    pub(super) outside: Outside,
    pub(super) filter: Filter,
}

/// All that the filter can ask for.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) now: u64,
    pub(super) log: Vec<(Level, String)>,
    pub(super) fields: BTreeMap<String, String>,
    /// What the proxy tells of the connection.
    pub(super) properties: BTreeMap<&'static str, Vec<u8>>,
    pub(super) metrics: BTreeMap<String, i64>,
    names: Vec<String>,
    pub(super) tick: u32,
    /// How many bytes the filter has read.
    pub(super) read: usize,
    pub(super) connections: BTreeMap<u32, Connection>,
    current: u32,
    /// Inside a callback of this direction.
    callback: Option<Role>,
}

#[derive(Default)]
pub(super) struct Connection {
    /// What each side sends.
    sides: Sides<Direction>,
    pub(super) request: Vec<(String, String)>,
    pub(super) response: Vec<(String, String)>,
    pub(super) local: Option<(u16, String)>,
    pub(super) is_reset: bool,
    /// What is told to go on does so when the callback has returned.
    deferred: Vec<Role>,
}

/// What one side sends.
#[derive(Default)]
pub(super) struct Direction {
    waiting: Vec<u8>,
    pub(super) sent: Vec<u8>,
    /// A callback has returned [`Action::Pause`].
    is_paused: bool,
}

pub(super) const UPGRADE: [(&str, &str); 8] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/chat"),
    (":authority", "example.com"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];

pub(super) const SWITCHING: [(&str, &str); 4] = [
    (":status", "101"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
];

impl Proxy {
    pub(super) fn new(settings: &str) -> Self {
        let id = b"2f1c6cb2-7d0d-4b51-9b0e-0e6c1a3a7a10".to_vec();
        let mut outside = Outside {
            now: 1_700_000_000_000_000_000,
            properties: BTreeMap::from([("request\0id", id)]),
            ..Outside::default()
        };
        let filter = Filter::new(settings.as_bytes(), &mut outside);
        let filter = filter.unwrap_or_else(|error| panic!("{error}"));
        Self { outside, filter }
    }

    /// A connection that is open, as HTTP/1.1 has it or, without the callbacks of no bytes, HTTP/2.
    pub(super) fn open(&mut self, id: u32, is_http1: bool) {
        assert_eq!(self.request(id, &UPGRADE), Action::Continue);
        if is_http1 {
            self.come(id, Role::Client, b"");
        }
        assert_eq!(self.response(id, &SWITCHING), Action::Continue);
        if is_http1 {
            self.come(id, Role::Server, b"");
        }
    }

    /// A client has connected, and nothing is known of HTTP.
    pub(super) fn accept(&mut self, id: u32) {
        let connection = self.outside.connections.entry(id).or_default();
        *connection = Connection::default();
        connection.response = owned(&[(":status", "none")]);
        self.outside.current = id;
        self.filter.accept(id, &mut self.outside);
    }

    pub(super) fn request(&mut self, id: u32, fields: &[(&str, &str)]) -> Action {
        let connection = self.outside.connections.entry(id).or_default();
        *connection = Connection::default();
        connection.request = owned(fields);
        self.outside.current = id;
        self.filter.head(id, Head::Request, &mut self.outside)
    }

    pub(super) fn response(&mut self, id: u32, fields: &[(&str, &str)]) -> Action {
        self.of(id).response = owned(fields);
        self.outside.current = id;
        self.filter.head(id, Head::Response, &mut self.outside)
    }

    /// Bytes of a side's have come, or it has sent its last.
    pub(super) fn come(&mut self, id: u32, from: Role, bytes: &[u8]) {
        self.call(id, from, bytes, false);
    }

    pub(super) fn end(&mut self, id: u32, from: Role) {
        self.call(id, from, b"", true);
    }

    fn call(&mut self, id: u32, from: Role, bytes: &[u8], is_end: bool) {
        let connection = self.of(id);
        if connection.is_reset {
            return;
        }
        let direction = &mut connection.sides[from];
        direction.waiting.extend(bytes);
        let length = direction.waiting.len();
        if length > LIMIT {
            connection.is_reset = true;
            return;
        }
        self.outside.current = id;
        self.outside.callback = Some(from);
        let action = self
            .filter
            .bytes(id, from, length, is_end, &mut self.outside);
        self.outside.callback = None;
        let connection = self.of(id);
        if action == Action::Continue {
            connection.sides[from].flush();
        }
        // What is paused only now could not be told to go on before.
        let was_paused = connection.sides[from].is_paused;
        for other in std::mem::take(&mut connection.deferred) {
            if other != from || was_paused {
                connection.sides[other].flush();
            }
        }
        connection.sides[from].is_paused |= action == Action::Pause;
    }

    /// Time passes, in steps of the ticks that the filter has asked for.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.outside.now + millis * 1_000_000;
        loop {
            let step = u64::from(self.outside.tick) * 1_000_000;
            if step == 0 || self.outside.now + step > end {
                break;
            }
            self.outside.now += step;
            self.outside.current = u32::MAX;
            self.filter.tick(&mut self.outside);
            self.flush();
        }
        self.outside.now = end;
    }

    /// What was told to go on does, outside of a callback about its bytes.
    fn flush(&mut self) {
        for connection in self.outside.connections.values_mut() {
            for from in std::mem::take(&mut connection.deferred) {
                connection.sides[from].flush();
            }
        }
    }

    /// The connection is logged and gone. Returns the fields of the access log.
    pub(super) fn close(&mut self, id: u32) -> BTreeMap<String, String> {
        self.outside.current = id;
        self.filter.log(id, &mut self.outside);
        self.flush();
        self.filter.delete(id, &mut self.outside);
        std::mem::take(&mut self.outside.fields)
    }

    pub(super) fn of(&mut self, id: u32) -> &mut Connection {
        self.outside.connections.get_mut(&id).expect("a connection")
    }

    /// What has gone on of a side's.
    pub(super) fn sent(&mut self, id: u32, from: Role) -> Vec<u8> {
        self.of(id).sides[from].sent.clone()
    }
}

impl Direction {
    fn flush(&mut self) {
        self.sent.append(&mut self.waiting);
    }
}

pub(super) fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

impl Outside {
    fn connection(&mut self) -> &mut Connection {
        self.connections
            .get_mut(&self.current)
            .expect("an effective context")
    }

    /// Whether a direction can be written to: in its own callback, or while it is paused.
    fn is_writable(&mut self, from: Role) -> bool {
        self.callback == Some(from) || self.connection().sides[from].is_paused
    }

    fn fields(&mut self, of: Head) -> &mut Vec<(String, String)> {
        let connection = self.connection();
        match of {
            Head::Request => &mut connection.request,
            Head::Response => &mut connection.response,
        }
    }
}

impl Host for Outside {
    fn now(&mut self) -> u64 {
        self.now
    }

    fn log(&mut self, level: Level, line: &str) {
        self.log.push((level, line.into()));
    }

    fn enter(&mut self, connection: u32, _: Carrier) {
        if self.connections.contains_key(&connection) {
            self.current = connection;
        }
    }

    fn headers(&mut self, of: Head) -> Vec<(Vec<u8>, Vec<u8>)> {
        let fields = self.fields(of).iter();
        fields
            .map(|(name, value)| (name.clone().into(), value.clone().into()))
            .collect()
    }

    fn set_header(&mut self, of: Head, name: &str, value: &[u8]) {
        self.remove_header(of, name);
        let value = String::from_utf8(value.to_vec()).expect("text");
        self.fields(of).push((name.into(), value));
    }

    fn remove_header(&mut self, of: Head, name: &str) {
        self.fields(of).retain(|(other, _)| other != name);
    }

    fn respond(&mut self, status: u16, body: &str) {
        self.connection().local = Some((status, body.into()));
    }

    fn property(&mut self, path: &str) -> Option<Vec<u8>> {
        self.properties.get(path).cloned()
    }

    fn set_field(&mut self, name: &str, value: &str) {
        self.fields.insert(name.into(), value.into());
    }

    fn read(&mut self, from: Role, start: usize, length: usize, into: &mut Vec<u8>) {
        let waiting = &self.connection().sides[from].waiting;
        let start = start.min(waiting.len());
        let end = start.saturating_add(length).min(waiting.len());
        into.extend(&waiting[start..end]);
        self.read += end - start;
    }

    fn replace(&mut self, from: Role, length: usize, bytes: &[u8]) -> bool {
        if !self.is_writable(from) {
            return false;
        }
        let waiting = &mut self.connection().sides[from].waiting;
        waiting.splice(..length.min(waiting.len()), bytes.iter().copied());
        true
    }

    fn append(&mut self, from: Role, bytes: &[u8]) -> bool {
        if !self.is_writable(from) {
            return false;
        }
        self.connection().sides[from].waiting.extend(bytes);
        true
    }

    fn go_on(&mut self, from: Role) {
        let connection = self.connection();
        let is_early = connection.response.is_empty() && from == Role::Server;
        assert!(!is_early, "Envoy ends in a segmentation fault");
        connection.deferred.push(from);
    }

    fn reset(&mut self) {
        self.connection().is_reset = true;
    }

    fn tick_every(&mut self, milliseconds: u32) {
        self.tick = milliseconds;
    }

    fn metric(&mut self, _: Metric, name: &str) -> Option<u32> {
        let known = self.names.iter().position(|other| other == name);
        let index = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.metrics.insert(name.into(), 0);
            self.names.len() - 1
        });
        u32::try_from(index + 1).ok()
    }

    fn add(&mut self, metric: u32, count: i64) {
        let name = &self.names[metric as usize - 1];
        *self.metrics.get_mut(name).expect("defined") += count;
    }

    /// Of a histogram, how many values there were.
    fn record(&mut self, metric: u32, _: u64) {
        self.add(metric, 1);
    }
}
