//! The other side of permessage-deflate (RFC 7692), with zlib-rs instead of the engine.

use websocket_component::handshake::{Extension, Negotiated};
use websocket_component::{Config, Deflate};
use zlib_rs::{Deflate as Encoder, DeflateFlush, Inflate as Decoder, InflateFlush};

/// What a sender leaves out of each message (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The name of the extension.
pub const NAME: &str = "permessage-deflate";

/// The default settings, with permessage-deflate.
#[must_use]
pub fn config() -> Config {
    let mut config = Config::default();
    config.deflate = Some(Deflate::default());
    config
}

/// What was negotiated, by the parameters of a server's answer, such as `server_max_window_bits=9;
/// client_no_context_takeover`.
#[must_use]
pub fn negotiated(parameters: &str) -> Negotiated {
    Negotiated {
        subprotocol: None,
        extensions: vec![extension(parameters)],
    }
}

/// The extension with these parameters.
#[must_use]
pub fn extension(parameters: &str) -> Extension {
    let parameters = parameters.split(';').map(str::trim);
    Extension {
        name: NAME.into(),
        parameters: parameters
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| match parameter.split_once('=') {
                Some((name, value)) => (name.into(), Some(value.into())),
                None => (parameter.into(), None),
            })
            .collect(),
    }
}

/// Text that compresses.
#[must_use]
pub fn text(length: usize) -> String {
    let words = "Whoever reads this reads it again, and whoever reads it again knows it. ";
    words.chars().cycle().take(length).collect()
}

/// Bytes that don't.
#[must_use]
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

/// One side that compresses and inflates, with takeover in both directions.
pub struct Peer {
    encoder: Encoder,
    decoder: Decoder,
}

impl Default for Peer {
    fn default() -> Self {
        Peer::with_window(15)
    }
}

impl Peer {
    /// With a window of 2 to the power of `bits` bytes for what it sends: 9 to 15.
    #[must_use]
    pub fn with_window(bits: u8) -> Self {
        Peer {
            encoder: Encoder::new(6, false, bits),
            decoder: Decoder::new(false, 15),
        }
    }

    /// The payload of a message.
    ///
    /// # Panics
    ///
    /// If zlib-rs fails.
    pub fn compresses(&mut self, message: impl AsRef<[u8]>) -> Vec<u8> {
        let message = message.as_ref();
        if message.is_empty() {
            // There is nothing to flush (RFC 7692, section 7.2.3.6).
            return vec![0x00];
        }
        let mut payload = vec![0; message.len() + message.len() / 64 + 64];
        let before = self.encoder.total_out();
        self.encoder
            .compress(message, &mut payload, DeflateFlush::SyncFlush)
            .unwrap();
        payload.truncate((self.encoder.total_out() - before) as usize);
        assert!(payload.ends_with(&TAIL), "a message without an end");
        payload.truncate(payload.len() - TAIL.len());
        payload
    }

    /// The message of a payload.
    ///
    /// # Panics
    ///
    /// If it isn't compressed, or is longer than `longest`.
    pub fn inflates(&mut self, payload: &[u8], longest: usize) -> Vec<u8> {
        let payload = [payload, &TAIL].concat();
        let mut message = vec![0; longest + 1];
        let before = (self.decoder.total_in(), self.decoder.total_out());
        self.decoder
            .decompress(&payload, &mut message, InflateFlush::SyncFlush)
            .unwrap();
        assert_eq!(self.decoder.total_in() - before.0, payload.len() as u64);
        message.truncate((self.decoder.total_out() - before.1) as usize);
        assert!(message.len() <= longest, "longer than {longest}");
        message
    }
}
