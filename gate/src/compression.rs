//! permessage-deflate through an inspected connection.

use websocket_host::protocol::{Config, Extension, RequestHead};

use crate::gate::Gate;

/// The only extension whose frames can be checked (RFC 7692).
const NAME: &str = "permessage-deflate";

/// Returns the client's offers that are passed on to the upstream, and settings for a session that checks the answer.
///
/// Other extensions are not passed on, since their frames couldn't be checked.
pub(crate) fn passed_on(gate: &Gate, request: &RequestHead) -> (Config, Vec<Extension>) {
    let is_deflate = |extension: &&Extension| extension.name == NAME;
    let offers: Vec<_> = request
        .extensions
        .iter()
        .filter(is_deflate)
        .cloned()
        .collect();
    let mut config = gate.sessions.handshake;
    // If the client offers nothing, the session would offer permessage-deflate itself.
    config.deflate = (!offers.is_empty()).then(Default::default);
    (config, offers)
}
