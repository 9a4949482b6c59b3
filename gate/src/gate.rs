//! What all connections share.

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
    /// For a client whose route is not known yet, and for both sides of a handshake after which the connection is
    /// inspected: without compression.
    pub(crate) handshake: Config,
    /// For the session with the client, where the gate terminates.
    pub(crate) client: Config,
    /// For the session with the upstream, where the gate terminates.
    pub(crate) upstream: Config,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The time of all connections.
    pub(crate) clock: Clock,
    pub(crate) sandbox: Sandbox,
    /// How many connections share a guest.
    pub(crate) connections_in_a_guest: NonZero<u32>,
    pub(crate) routes: Routes,
    pub(crate) connector: Connector,
    /// The origins that are accepted; any, if there are none.
    pub(crate) origins: Vec<Origin>,
    pub(crate) plain: Plain,
    /// Makes recordings of connections, if they are wanted.
    pub(crate) recorder: Option<Recorder>,
    /// Whether the upstream gets the Host that the client sent.
    pub(crate) keep_host: bool,
    /// The proxies whose word about the client is believed.
    pub(crate) trusted_proxies: Vec<Proxy>,
    /// Whether clients come through a balancer that says who they are.
    pub(crate) expects_proxy_header: bool,
    /// The TLS of listeners, if any has it.
    pub(crate) front: Option<Front>,
    pub(crate) connect_timeout: Duration,
    pub(crate) handshake_timeout: Duration,
    /// How messages are relayed, where the gate terminates.
    pub(crate) relay: RelayOptions,
    pub(crate) sessions: Sessions,
    /// The settings of inspectors.
    pub(crate) inspector: Arc<inspector::Options>,
    /// After how long without a byte an inspected connection is parked, if it is.
    pub(crate) park_after: Option<Duration>,
    /// Whether permessage-deflate goes from end to end through an inspected connection.
    pub(crate) passes_deflate: bool,
}
