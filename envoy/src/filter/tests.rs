//! The filter under a proxy that does what Envoy was seen to do.

mod anything;
mod cost;
mod cuts;
mod ends;
mod filters;
mod handshake;
mod policy;
mod proxy;

use host_tests::wire::{Frame, bytes_of, read_frames};
use websocket_component::Role;

use proxy::Proxy;

/// The frames that have gone on of a side's.
fn frames(proxy: &mut Proxy, from: Role) -> Vec<Frame> {
    read_frames(&proxy.sent(1, from))
        .into_iter()
        .map(unmasked)
        .collect()
}

fn unmasked(frame: Frame) -> Frame {
    Frame { key: None, ..frame }
}

/// A side sends frames, as many as there are in one read.
fn send(proxy: &mut Proxy, from: Role, frames: &[Frame]) {
    proxy.come(1, from, &bytes_of(frames, from));
}
