//! The outcome of a run of one session.

use host_tests::Event;
use websocket_component::handshake::{Negotiated, ResponseHead};
use websocket_component::{Rule, State};

/// All that comes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Pieces are put together.
    pub(crate) events: Vec<Event>,
    pub(crate) output: Vec<u8>,
    pub(crate) failure: Option<Rule>,
    pub(crate) state: State,
    pub(crate) negotiated: Option<Negotiated>,
    pub(crate) response: Option<ResponseHead>,
}
