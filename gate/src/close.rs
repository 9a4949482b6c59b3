//! Which close codes the two sides get: the table is in this crate's README.

use std::time::Duration;

use websocket_host::protocol::CloseCode;

use crate::side::Who;

pub(crate) const GOING_AWAY: CloseCode = 1001;
pub(crate) const INTERNAL_ERROR: CloseCode = 1011;
pub(crate) const BAD_GATEWAY: CloseCode = 1014;

/// How much longer than the closing handshake the last bytes may take.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// What the other side gets when one has failed.
pub(crate) fn after_failure_of(who: Who) -> (CloseCode, &'static str) {
    match who {
        Who::Client => (GOING_AWAY, "the client is gone"),
        Who::Upstream => (BAD_GATEWAY, "the server is gone"),
    }
}

/// The close frame that answers one with this code.
pub(crate) fn answer_to(code: CloseCode) -> (CloseCode, &'static str) {
    (code, "")
}
