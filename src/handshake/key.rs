//! The key of the request and the accept value that answers it (RFC 6455,
//! section 1.3): a proof that the server knows the protocol, and nothing else.

use alloc::string::String;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

use crate::Rule;
use crate::frame::mask::KeySource;

/// What is hashed after the key (RFC 6455, section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Makes a value of Sec-WebSocket-Key (RFC 6455, section 4.1, item 7) from at least 32
/// unpredictable bytes: for a proxy that passes a request on which has none, such as an extended
/// CONNECT, to a server of HTTP/1.1.
///
/// # Errors
///
/// [`Rule::EntropyTooShort`].
///
/// ```
/// use websocket_component::handshake::{accept_value, new_key};
///
/// let key = new_key(&[7; 32]).expect("enough entropy");
/// assert!(accept_value(key.as_bytes()).is_some());
/// ```
pub fn new_key(entropy: &[u8]) -> Result<String, Rule> {
    Ok(encode(KeySource::new(entropy)?.handshake_key()))
}

/// Returns the value of Sec-WebSocket-Accept that answers a value of Sec-WebSocket-Key
/// (RFC 6455, section 4.2.2, item 5.4): for a proxy that passes on the response of a server that
/// has seen no key. None if the key is malformed.
///
/// ```
/// let accept = websocket_component::handshake::accept_value(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
/// ```
pub fn accept_value(key: &[u8]) -> Option<String> {
    is_valid(key).then(|| accept(key))
}

/// The value of Sec-WebSocket-Key for a nonce (RFC 6455, section 4.1, item 7).
pub(crate) fn encode(nonce: [u8; 16]) -> String {
    base64(&nonce)
}

/// Whether a value of Sec-WebSocket-Key encodes 16 bytes in base64 with padding (RFC 6455,
/// section 4.2.1, item 5).
///
/// The four bits that are left over in the last digit may be set, as they are in the
/// example of section 4.1: the key is never decoded, so they can't be misread.
pub(crate) fn is_valid(key: &[u8]) -> bool {
    key.strip_suffix(b"==").is_some_and(|digits| {
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        digits.len() == 22 && digits.iter().all(is_digit)
    })
}

/// The value of Sec-WebSocket-Accept for a value of Sec-WebSocket-Key (RFC 6455,
/// section 4.2.2, item 5.4).
pub(crate) fn accept(key: &[u8]) -> String {
    base64(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// At most 21 bytes in base64. `Engine::encode` checks its own output with an `expect`,
/// which would bring all that formats a `FromUtf8Error` into the component.
fn base64(bytes: &[u8]) -> String {
    let mut text = [0; 28];
    let length = STANDARD.encode_slice(bytes, &mut text).unwrap_or(0);
    let text = text
        .get(..length)
        .and_then(|text| str::from_utf8(text).ok());
    text.unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_section_1_3() {
        let key = encode(*b"the sample nonce");
        assert_eq!(key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(key.as_bytes()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_22_digits_of_base64_and_padding_whatever_bits_are_left_over() {
        assert!(is_valid(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_valid(b"AAAAAAAAAAAAAAAAAAAAAA=="));
        assert!(is_valid(b"/////////////////////w=="));
        assert!(is_valid(b"AQIDBAUGBwgJCgsMDQ4PEC=="));
        assert!(is_valid(b"AAAAAAAAAAAAAAAAAAAAAB=="));
        assert!(is_valid(b"+++++++++++++++++++++/=="));
        for bad in [
            "",
            "=",
            "AAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA===",
            "AAAAAAAAAAAAAAAAAAAAA=A=",
            "AAAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAA==",
            "-_AAAAAAAAAAAAAAAAAAAA==",
            "_____________________w==",
            "AAAAAAAAAA AAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "AA==AA==AA==AA==AA==AA==",
            "AAAAAAAAAAAAAAAAAAAAA\0==",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn class_04_no_high_byte_is_of_a_key() {
        for byte in 0x80..=0xFF {
            assert!(!is_valid(&[byte; 24]));
        }
    }
}
