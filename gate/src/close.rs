//! Which close codes the two sides get.
//!
//! | what happened | the client gets | the upstream gets |
//! |---|---|---|
//! | the client sent a close frame | the upstream's answer to it | the client's code and reason |
//! | the upstream sent a close frame | the upstream's code and reason | the client's answer to it |
//! | a close frame without a code (1005) | one without a code | one without a code |
//! | no answer to a close frame in time, or the other side lost meanwhile | its own code back | its own code back |
//! | the client broke a rule, or was silent for too long | the rule's code (1002, 1007, 1008, 1009; 1001, 1011) | 1001 |
//! | the client was lost (1006) | | 1001 |
//! | the upstream broke a rule, or was silent for too long | 1014 | the rule's code |
//! | the upstream was lost (1006) | 1014 | |
//! | the gate shuts down | 1001 | 1001 |
//! | the sandbox failed | 1011 | 1011 |
//!
//! 1014 (bad gateway) is registered with IANA for just this; 1001 (going away) is what a browser sends that leaves a
//! page, and the upstream can't do anything about the client either way.

use std::time::Duration;

use websocket_host::protocol::CloseCode;

use crate::side::Who;

pub(crate) const GOING_AWAY: CloseCode = 1001;
pub(crate) const NO_CODE: CloseCode = 1005;
pub(crate) const INTERNAL_ERROR: CloseCode = 1011;
pub(crate) const BAD_GATEWAY: CloseCode = 1014;

/// How much longer than the closing handshake the last bytes may take.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// What the other side gets when one has failed.
pub(crate) fn after_failure_of(who: Who) -> (CloseCode, &'static str) {
    match who {
        Who::Client => (GOING_AWAY, "the client is gone"),
        Who::Upstream => (BAD_GATEWAY, "the upstream is gone"),
    }
}

/// The close frame that answers one with this code.
pub(crate) fn answer_to(code: CloseCode) -> (CloseCode, &'static str) {
    (code, "")
}
