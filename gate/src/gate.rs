//! What all connections share.

use std::time::Duration;

use websocket_host::Sandbox;
use websocket_host::protocol::{Config, Delivery};

use crate::args::Args;
use crate::origin::Origin;
use crate::relay::GRACE;
use crate::route::Routes;
use crate::scratch::CHUNK;
use crate::units::nanos;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) sandbox: Sandbox,
    pub(crate) routes: Routes,
    pub(crate) origins: Vec<Origin>,
    pub(crate) page: bool,
    pub(crate) keep_host: bool,
    pub(crate) trust_forwarded: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) close_timeout: Duration,
    /// The settings of both sides' sessions.
    pub(crate) config: Config,
}

impl Gate {
    pub(crate) fn new(args: &Args, sandbox: Sandbox, routes: Routes) -> Self {
        let mut config = sandbox.default_config();
        config.receive_buffer = CHUNK;
        config.send_buffer = CHUNK;
        config.delivery = Delivery::Pieces;
        // The other side's peer answers.
        config.reply_to_close = false;
        config.show_bad_requests = args.page();
        config.limits.message = args.max_message;
        config.limits.frame = args.max_message;
        // What one turn brings is taken whole; anything beyond it would wait here without need.
        config.limits.queued_output = 4 * u64::from(CHUNK);
        config.timeouts.handshake = Some(nanos(args.handshake_timeout));
        config.timeouts.idle = args.idle_timeout.nanos();
        config.timeouts.message = args.message_timeout.nanos();
        config.timeouts.keepalive = args.keepalive.nanos();
        config.timeouts.pong = args.pong_timeout.nanos();
        // The gate answers for a side that doesn't, and that answer needs time too.
        config.timeouts.close = Some(nanos(args.close_timeout.saturating_add(GRACE)));
        Self {
            sandbox,
            routes,
            origins: args.origin.clone(),
            page: args.page(),
            keep_host: args.keep_host,
            trust_forwarded: args.trust_forwarded,
            connect_timeout: args.connect_timeout,
            close_timeout: args.close_timeout,
            config,
        }
    }
}
