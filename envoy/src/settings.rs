//! What an operator can set.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use websocket_component::inspector::Options;

use crate::Expression;

/// All settings. The defaults are safe to switch on: they check every rule of the protocol, and end nothing that keeps
/// them.
#[derive(Debug)]
pub struct Settings {
    /// Limits and deadlines of the engine's inspector.
    pub options: Options,
    /// How much clients may send in a second. Default any.
    pub client_rate: Option<Rate>,
    /// How much servers may send in a second. Default any.
    pub server_rate: Option<Rate>,
    /// By how much the age of a connection is shortened at most, at random, so that not all end at once. Default none.
    pub age_jitter: Duration,
    /// The origins that requests may come from. Default any.
    pub origins: Option<Vec<Origin>>,
    /// The subprotocols that may be agreed on. Default any.
    pub subprotocols: Option<Vec<String>>,
    /// Whether a request without a key, as those of HTTP/2 are, gets one, so that it can go to an HTTP/1.1 server. If not,
    /// servers are taken to speak HTTP/2. Default true.
    pub repair: bool,
    /// The code that a client gets if its server is gone without a close frame. Default 1014.
    pub upstream_gone: u16,
    /// How much memory all connections of a VM may take, in bytes. Beyond it the greediest ends. Default 128 MiB.
    pub memory: u64,
    /// Which messages may pass. Default all.
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

/// How much one side of a connection may send in a second, by token buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Messages in a second, if they are limited.
    pub messages: Option<f64>,
    /// Bytes in a second, frame headers included, if they are limited.
    pub bytes: Option<f64>,
    /// How long the side must have been silent to fill a bucket, which it may then empty at once. Default 1 s.
    pub burst: Duration,
    /// Whether the connection is closed with 1008 if there is more. Otherwise it is held back, and closed only if more
    /// waits than the proxy can hold. Default false.
    pub close: bool,
}

/// An origin that is allowed: scheme, host and port as a browser sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This one.
    Exact(String),
    /// Every host below a domain: `https://*.example.com` has this scheme with `://`, and `.example.com`.
    Below {
        /// As in `https://`.
        scheme: String,
        /// As in `.example.com`, with the port if there is one.
        domain: String,
    },
}

/// Which messages may pass.
#[derive(Debug)]
pub struct Content {
    /// Whether what clients send is looked at. Default true.
    pub client: bool,
    /// Whether what servers send is looked at. Default false.
    pub server: bool,
    /// The longest message that is looked at, in bytes, inflated. Default 65536.
    pub up_to: u32,
    /// A message that one of these is found in ends the connection with 1008.
    pub deny: Vec<Pattern>,
    /// If there are any, so does a message that none of them is found in.
    pub allow: Vec<Pattern>,
}

/// What is looked for in a message.
#[derive(Debug)]
pub enum Pattern {
    /// These characters, as they are.
    Text(String),
    /// A regular expression.
    Regex(Expression),
}
