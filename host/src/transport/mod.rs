//! What streams and drivers need of a transport, which is any tokio `AsyncRead` and `AsyncWrite`.
//!
//! | module | what it is |
//! |---|---|
//! | `line` | [`Line`]: a transport with its pending output and its shutdown |
//! | `maybe_tls` | [`MaybeTlsStream`]: a stream with or without TLS |
//! | `read_buffer`, `timer` | the read buffer that all connections of a thread share; a timer for deadlines that move |

mod line;
mod maybe_tls;
pub(crate) mod read_buffer;
mod timer;

pub use line::{LINGER, Line, Order};
pub use maybe_tls::MaybeTlsStream;
pub use timer::Timer;
