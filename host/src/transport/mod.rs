//! Transports of any kind, by tokio's `AsyncRead` and `AsyncWrite`.
//!
//! | module | what it is |
//! |---|---|
//! | `line` | [`Line`]: a transport, what it has not taken, and how it ends |
//! | `maybe_tls` | [`MaybeTlsStream`]: one with TLS or without |
//! | `read_buffer`, `timer` | the buffer that a thread's connections share; a timer for deadlines that move |

mod line;
mod maybe_tls;
pub(crate) mod read_buffer;
mod timer;

pub use line::{LINGER, Line, Order};
pub use maybe_tls::MaybeTlsStream;
pub use timer::Timer;
