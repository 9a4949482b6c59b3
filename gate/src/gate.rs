//! The state that all connections share.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use websocket_host::driver::RelayOptions;
use websocket_host::protocol::Config;
use websocket_host::{Clock, Sandbox, inspector};

use crate::connector::Connector;
use crate::forwarded::Proxy;
use crate::net::tls::Front;
use crate::origin::Origin;
use crate::plain::Plain;
use crate::record::Recorder;
use crate::route::Routes;

/// The settings of sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// For clients whose route is not known yet, and for both sides while the handshake of an inspected connection is
    /// made. Without compression.
    pub(crate) handshake: Config,
    /// For sessions with clients, in the mode `terminate`.
    pub(crate) client: Config,
    /// For sessions with upstreams, in the mode `terminate`.
    pub(crate) upstream: Config,
}

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The clock of all connections.
    pub(crate) clock: Clock,
    pub(crate) sandbox: Sandbox,
    /// The maximum number of connections that share a guest.
    pub(crate) connections_in_a_guest: NonZero<u32>,
    pub(crate) routes: Routes,
    pub(crate) connector: Connector,
    /// The accepted origins. If empty, any origin is.
    pub(crate) origins: Vec<Origin>,
    pub(crate) plain: Plain,
    /// Records connections, if enabled.
    pub(crate) recorder: Option<Recorder>,
    /// Whether the upstream gets the client's Host.
    pub(crate) keep_host: bool,
    /// The proxies whose fields about the client are trusted.
    pub(crate) trusted_proxies: Vec<Proxy>,
    /// Whether connections begin with a header of the PROXY protocol.
    pub(crate) expects_proxy_header: bool,
    /// The TLS configuration of listeners, if any uses TLS.
    pub(crate) front: Option<Front>,
    pub(crate) connect_timeout: Duration,
    pub(crate) handshake_timeout: Duration,
    /// How messages are relayed, in the mode `terminate`.
    pub(crate) relay: RelayOptions,
    pub(crate) sessions: Sessions,
    /// The settings of inspectors.
    pub(crate) inspector: Arc<inspector::Options>,
    /// The idle time after which an inspected connection is parked, if any.
    pub(crate) park_after: Option<Duration>,
    /// Whether permessage-deflate is negotiated from end to end on inspected connections.
    pub(crate) passes_deflate: bool,
}
