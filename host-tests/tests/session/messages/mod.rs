//! Messages in and out.

mod answers;
mod batches;
mod fragments;
mod gathered;
mod limits;
mod outside;
mod unusual;
mod utf8;
mod whole_frames;

use websocket_component::{Config, Delivery};

pub(crate) fn pieces() -> Config {
    let mut config = Config::default();
    config.delivery = Delivery::Streaming;
    config
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 256) as u8)
        .collect()
}
