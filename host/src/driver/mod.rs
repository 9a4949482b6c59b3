//! What moves bytes between transports and sessions, and keeps deadlines.
//!
//! A transport is whatever implements tokio's `AsyncRead` and `AsyncWrite`: a socket or a TLS stream in a task, a socket
//! in a loop of one's own, or a test's. Time is an argument. So the same code runs in all of them.
//!
//! | module | what it is |
//! |---|---|
//! | `pair_driver` | [`PairDriver`]: a connection between a client and a server, with its transports |
//! | `inspected`, `relay` | [`Inspected`], [`Relay`]: such a connection without transports, as it is or from session to session |
//! | `pair` | [`Pair`]: what both of them are |
//! | `side`, `batch` | [`Side`]: a session and what it has told; messages on their way to another |
//! | `line` | [`Line`]: a transport, what it has not taken, and how it ends |
//! | `read_buffer`, `timer` | the buffer that a thread's connections share; a timer for deadlines that move |

mod batch;
mod inspected;
mod line;
mod pair;
mod pair_driver;
pub(crate) mod read_buffer;
mod relay;
mod side;
mod timer;

pub use inspected::Inspected;
pub use line::{LINGER, Line, Order};
pub use pair::{Cause, Outcome, Output, Pair, SideEnd, Summary, Tally};
pub use pair_driver::{PairDriver, Progress, Transport};
pub use relay::{GRACE, Relay, RelayOptions};
pub use side::{CAPACITY, Done, Side};
pub use timer::Timer;
pub use websocket_component::inspector::Sides;

/// Lends a closure the buffer that a thread's connections share. Within the closure there is another.
pub fn with_read_buffer<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    read_buffer::with(work)
}
