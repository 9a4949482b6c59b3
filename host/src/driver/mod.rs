//! Moves bytes between transports and sessions, and keeps deadlines, for proxies.
//!
//! A transport is anything that implements tokio's `AsyncRead` and `AsyncWrite`: a socket or TLS stream in a task, a
//! socket in the program's own event loop, or a mock. Time is an argument. So the same code runs in all of them.
//!
//! A proxy task that forwards an open connection unchanged:
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
//! | `inspected`, `relay` | [`Inspected`], [`Relay`]: the same without transports, forwarding bytes unchanged or messages between two sessions |
//! | `pair` | [`Pair`]: the trait that both implement |
//! | `side`, `batch` | [`Side`]: a session and its last results; messages for another session |

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

/// The maximum payload, and the maximum output, of one result, in bytes.
pub const CAPACITY: u32 = crate::sizes::CAPACITY;

/// Calls a closure with the buffer that all connections of a thread share. A nested call gets another buffer.
pub fn with_read_buffer<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    read_buffer::with(work)
}
