//! Proxied connections with an inspector.
//!
//! | module | what it is about |
//! |---|---|
//! | `answers` | messages before a broken rule are answered |
//! | `closing` | close frames, ends of streams, and what each side receives |
//! | `forwarding` | how far original bytes are forwarded, and which need not be passed in |
//! | `handshake` | the handshake between the endpoints |
//! | `held` | messages that the host decides on, and what is inserted |
//! | `interplay` | combinations of these |
//! | `parked` | idle connections that are parked, and resumed by another inspector |
//! | `random` | anything at any time: frames stay whole and in order, and every connection ends |
//! | `refusals` | handshakes that fail, and bytes after the heads |
//! | `seen` | reports of frames and messages |
//! | `silence` | deadlines, on virtual time |

mod answers;
mod closing;
mod forwarding;
mod handshake;
mod held;
mod interplay;
mod parked;
mod random;
mod refusals;
mod seen;
mod silence;

use host_tests::inspected::{Inspects, Proxy};
use host_tests::wire::{Frame, bytes_of, read_frames};
use websocket_component::Role;
use websocket_component::handshake::Header;
use websocket_component::inspector::{Options, Payload};

/// The close codes that reach a side in whole frames, and the frames before them.
fn frames_that_reach<I: Inspects>(proxy: &mut Proxy<I>, to: Role) -> Vec<Frame> {
    let unmasked = |frame: Frame| Frame { key: None, ..frame };
    let bytes = proxy.reached(to);
    read_frames(&bytes).into_iter().map(unmasked).collect()
}

/// The bytes of frames, each as its sender writes it.
fn by(from: Role, frames: &[Frame]) -> Vec<u8> {
    bytes_of(frames, from)
}

/// The close frame to the other side if this one breaks a rule or is lost.
fn gone(from: Role) -> Frame {
    match from {
        Role::Client => Frame::close(1001, "the client is gone"),
        Role::Server => Frame::close(1014, "the server is gone"),
    }
}

/// Both directions hold messages of up to this length for the host to decide on.
fn holding(up_to: u32) -> Options {
    let mut options = Options::default();
    for direction in [&mut options.client, &mut options.server] {
        direction.view.payload = Payload::Messages { up_to };
        direction.hold_messages = true;
    }
    options
}

/// Header fields as values.
fn headers(fields: &[(&str, &str)]) -> Vec<Header> {
    let header = |(name, value): &(&str, &str)| Header::new(*name, *value);
    fields.iter().map(header).collect()
}
