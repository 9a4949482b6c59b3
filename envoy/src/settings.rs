//! The settings.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use websocket_component::inspector::Options;

use crate::Expression;

/// All settings. The defaults are safe: they check every rule of the protocol, and don't affect connections that keep
/// them.
#[derive(Debug)]
pub struct Settings {
    /// Limits and deadlines of the engine's inspector.
    pub options: Options,
    /// How much clients may send in a second. Default any.
    pub client_rate: Option<Rate>,
    /// How much servers may send in a second. Default any.
    pub server_rate: Option<Rate>,
    /// The maximum random reduction of a connection's age, so that not all end at once. Default none.
    pub age_jitter: Duration,
    /// The origins that requests may come from. Default any.
    pub origins: Option<Vec<Origin>>,
    /// The subprotocols that may be negotiated. Default any.
    pub subprotocols: Option<Vec<String>>,
    /// Whether to add a key to a request without one, such as one over HTTP/2, for an HTTP/1.1 server. If not, servers
    /// are assumed to speak HTTP/2. Default true.
    pub repair: bool,
    /// The close code for a client whose server is lost without a close frame. Default 1014.
    pub upstream_gone: u16,
    /// The memory that all connections of a VM may take, in bytes. Beyond it the largest is closed. Default 128 MiB.
    pub memory: u64,
    /// Rules for the content of messages. Default none.
    pub content: Option<Content>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            options: Options::default(),
            client_rate: None,
            server_rate: None,
            age_jitter: Duration::ZERO,
            origins: None,
            subprotocols: None,
            repair: true,
            upstream_gone: 1014,
            memory: 128 << 20,
            content: None,
        }
    }
}

/// Rate limits of one side, by token buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Messages per second, if limited.
    pub messages: Option<f64>,
    /// Bytes per second, including frame headers, if limited.
    pub bytes: Option<f64>,
    /// How long a side must be silent to fill a bucket, which it may then use at once. Default 1 s.
    pub burst: Duration,
    /// Whether exceeding a rate closes the connection with 1008. Otherwise input is held back, and the connection is
    /// closed only if more is held than the proxy can buffer. Default false.
    pub close: bool,
}

/// An allowed origin: scheme, host and port as a browser sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This origin.
    Exact(String),
    /// Every subdomain: for `https://*.example.com` the parts `https://` and `.example.com`.
    Below {
        /// The scheme, such as `https://`.
        scheme: String,
        /// The domain, such as `.example.com`, with the port if there is one.
        domain: String,
    },
}

/// Rules for the content of messages.
#[derive(Debug)]
pub struct Content {
    /// Whether messages of clients are checked. Default true.
    pub client: bool,
    /// Whether messages of servers are checked. Default false.
    pub server: bool,
    /// The maximum inflated length of a message that is checked, in bytes. Default 65536.
    pub up_to: u32,
    /// A message with one of these patterns closes the connection with 1008.
    pub deny: Vec<Pattern>,
    /// If there are any, so does a message with none of these.
    pub allow: Vec<Pattern>,
}

/// A pattern in a message.
#[derive(Debug)]
pub enum Pattern {
    /// A literal text.
    Text(String),
    /// A regular expression.
    Regex(Expression),
}
