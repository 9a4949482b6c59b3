//! What moves bytes between transports and sessions, and keeps deadlines.
//!
//! A transport is whatever implements tokio's `AsyncRead` and `AsyncWrite`: a socket or a TLS stream in a task, a socket
//! in a loop of one's own, or a test's. Time is an argument. So the same code runs in all of them.
//!
//! A proxy that forwards an open connection as it is, in a task:
//!
//! ```no_run
//! use std::future::poll_fn;
//! use std::task::Poll;
//!
//! use tokio::net::TcpStream;
//! use websocket_host::Clock;
//! use websocket_host::driver::{Inspected, Line, Outcome, PairDriver, Progress, Sides, Timer};
//! use websocket_host::inspector::Forwarder;
//!
//! async fn forward(client: TcpStream, server: TcpStream, forwarder: Forwarder) -> Option<Outcome> {
//!     let (clock, mut timer) = (Clock::start(), Timer::default());
//!     let inspected = Inspected::new(forwarder, Sides::default(), None, clock.now());
//!     let lines = Sides { client: Line::new(client), server: Line::new(server) };
//!     let mut driver = PairDriver::new(inspected, lines);
//!     poll_fn(|cx| loop {
//!         match driver.poll(cx, clock.now()) {
//!             Progress::Over => return Poll::Ready(()),
//!             // Others get their turn.
//!             Progress::More => {
//!                 cx.waker().wake_by_ref();
//!                 return Poll::Pending;
//!             }
//!             Progress::Waiting if !timer.is_due(cx, &clock, driver.next_deadline()) => return Poll::Pending,
//!             Progress::Waiting => {}
//!         }
//!     })
//!     .await;
//!     driver.take_outcome()
//! }
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `pair_driver` | [`PairDriver`]: a connection between a client and a server, with its transports |
//! | `inspected`, `relay` | [`Inspected`], [`Relay`]: such a connection without transports, as it is or from session to session |
//! | `pair` | [`Pair`]: what both of them are |
//! | `side`, `batch` | [`Side`]: a session and what it has told; messages on their way to another |

mod batch;
mod inspected;
mod pair;
mod pair_driver;
mod relay;
mod side;

pub use inspected::Inspected;
pub use pair::{Cause, Outcome, Output, Pair, SideEnd, Summary, Tally};
pub use pair_driver::{PairDriver, Progress, Transport};
pub use relay::{GRACE, Relay, RelayOptions};
pub use side::{Done, Side};
pub use websocket_component::inspector::Sides;

use crate::transport::read_buffer;
pub use crate::transport::{LINGER, Line, Order, Timer};

/// The most that a result holds of payload and of output, in bytes.
pub const CAPACITY: u32 = crate::sizes::CAPACITY;

/// Lends a closure the buffer that a thread's connections share. Within the closure there is another.
pub fn with_read_buffer<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    read_buffer::with(work)
}
