//! A connection seen from between.
//!
//! | module | what it is about |
//! |---|---|
//! | `answers` | what came before a broken rule is answered |
//! | `closing` | close frames, ends of streams, and which side gets what |
//! | `forwarding` | how far original bytes go on, and what need not be given |
//! | `handshake` | the handshake of others |
//! | `held` | messages that the host decides on, and what is inserted |
//! | `interplay` | several things at once |
//! | `parked` | connections at rest, which another inspector goes on with |
//! | `random` | anything at any time: frames stay whole and in order, and every connection ends |
//! | `refusals` | handshakes that end as they should not, and what follows behind the heads |
//! | `seen` | what is seen of frames and messages |
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

/// What the other side gets if this one breaks a rule or is lost.
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
