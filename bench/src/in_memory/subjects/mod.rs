//! The subjects: each a program around one library, written as its documentation advises for speed.
//!
//! All of them get bytes from a [`Duplex`] into a buffer, deliver whole messages to [`Seen`], take messages from a
//! [`Workload`], and write to a [`Duplex`]. Limits and checks have their defaults: all of them validate received text.

mod component;
mod fastwebsockets;
mod incoming;
mod native;
mod tokio_websockets;
mod tungstenite;

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::task::{self, Poll, Waker};

use anyhow::{Context, Result};
use websocket_component::Role;

use crate::in_memory::seen::Seen;
use crate::in_memory::transport::Duplex;
use crate::in_memory::workload::Workload;

/// The project's own subjects.
pub(crate) const OWN: [&str; 2] = ["native engine", "component in sandbox"];
/// The peer that everything is compared with.
pub(crate) const REFERENCE: &str = "tungstenite";

/// A library that is compared.
pub(crate) trait Subject {
    /// One end of an open connection, for reading `count` messages in each pass.
    fn decoder(&self, role: Role, duplex: Duplex, count: usize) -> Result<Box<dyn Decoder>>;

    /// One end, for writing a workload in each pass.
    fn encoder(&self, role: Role, work: Rc<Workload>, duplex: Duplex) -> Result<Box<dyn Writer>>;
}

/// Reads.
pub(crate) trait Decoder {
    /// Reads all the messages of the wire, once.
    fn pass(&mut self, seen: &mut Seen<'_>) -> Result<()>;
}

/// Writes.
pub(crate) trait Writer {
    /// Does what a program would have done before it sends, unmeasured: puts payloads in the form that the library
    /// sends fastest.
    fn prepare(&mut self) {}

    /// Sends all the messages once, with a flush after each burst.
    fn pass(&mut self) -> Result<()>;
}

/// A subject with its name.
pub(crate) type Named = (&'static str, Box<dyn Subject>);

/// All of them, the project's own first.
pub(crate) fn all(component: &Path) -> Result<[Named; 5]> {
    let component = component::Component::load(component)
        .context("run `cargo xtask bench`, which builds the component first")?;
    Ok([
        (OWN[0], Box::new(native::Native)),
        (OWN[1], Box::new(component)),
        (REFERENCE, Box::new(tungstenite::Tungstenite)),
        (
            "tokio-websockets",
            Box::new(tokio_websockets::TokioWebsockets),
        ),
        ("fastwebsockets", Box::new(fastwebsockets::Fastwebsockets)),
    ])
}

/// Runs a future of a library that needs an executor. The transport is always ready, so one poll is enough, and nothing is
/// added to what the library itself does. A whole pass is one future.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the transport is always ready"),
    }
}
