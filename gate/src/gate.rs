//! What all connections share.

use std::time::Duration;

use ipnet::IpNet;
use websocket_host::Sandbox;
use websocket_host::protocol::Config;

use crate::connect::Connector;
use crate::origin::Origin;
use crate::plain::Plain;
use crate::record::Recorder;
use crate::route::Routes;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) sandbox: Sandbox,
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
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) connect_timeout: Duration,
    pub(crate) close_timeout: Duration,
    /// The settings of both sides' sessions.
    pub(crate) config: Config,
}
