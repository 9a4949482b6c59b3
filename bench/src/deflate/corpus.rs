//! The messages: pieces of a file of JSON in many languages.

use std::fs;

use anyhow::{Context, Result, ensure};
use host_tests::deflate::Peer;
use host_tests::gate::file;
use host_tests::wire::{self, Frame, RSV1};
use websocket_component::Role;

pub(crate) const SIZES: [usize; 3] = [256, 4 << 10, 64 << 10];

/// Text of a given total length, in messages of one size.
pub(crate) struct Corpus {
    pub(crate) size: usize,
    pub(crate) messages: Vec<String>,
    /// What a client writes to send them compressed, with context takeover, on a new connection.
    pub(crate) wire: Vec<u8>,
}

impl Corpus {
    pub(crate) fn new(size: usize, bytes: usize) -> Result<Corpus> {
        let folder = file("WEBSOCKET_TEST_NODE_DIR", "host-tests/node");
        let path = folder.join("node_modules/world-countries/countries.json");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("can't read {}: run `cargo xtask bench`", path.display()))?;
        ensure!(text.len() > 1 << 20, "{} is too short", path.display());
        let mut messages = Vec::new();
        let mut rest = &text[..];
        for _ in 0..bytes / size {
            if rest.len() < size {
                rest = &text;
            }
            let (piece, others) = rest.split_at(rest.floor_char_boundary(size));
            messages.push(piece.to_owned());
            rest = others;
        }
        let mut peer = Peer::default();
        let frames = messages.iter().map(|message| {
            let payload = peer.compresses(message);
            Frame::text(payload).reserved(RSV1)
        });
        let wire = wire::bytes_of(&frames.collect::<Vec<_>>(), Role::Client);
        Ok(Corpus {
            size,
            messages,
            wire,
        })
    }

    /// How long all messages are.
    pub(crate) fn bytes(&self) -> usize {
        self.messages.iter().map(String::len).sum()
    }
}
