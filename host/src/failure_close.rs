//! The close frame for a connection whose guest has failed.

use websocket_component::Role;

/// 1011, internal error (RFC 6455, section 7.4.1).
pub(crate) const CODE: u16 = 1011;
const REASON: &[u8] = b"internal error";

/// Returns a close frame with the code 1011 and the reason `internal error`, for a connection whose guest has ended.
///
/// Write it only at a frame boundary: the session was open, and all output of its last exchange was returned (`more`
/// was false) and written.
#[must_use]
pub fn failure_close(role: Role) -> Vec<u8> {
    const FIN_CLOSE: u8 = 0x88;
    const MASKED: u8 = 0x80;
    let mut payload = CODE.to_be_bytes().to_vec();
    payload.extend_from_slice(REASON);
    let length = payload.len() as u8;
    match role {
        Role::Server => [&[FIN_CLOSE, length], &payload[..]].concat(),
        Role::Client => {
            // The key may be predictable, since the payload doesn't come from the application.
            let mut key = [0; 4];
            let _ = getrandom::fill(&mut key);
            for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
                *byte ^= key;
            }
            [&[FIN_CLOSE, MASKED | length], &key[..], &payload[..]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, failure_close};

    #[test]
    fn they_say_1011_masked_or_not() {
        let plain = failure_close(Role::Server);
        assert_eq!(plain[..4], [0x88, 16, 0x03, 0xf3]);
        assert_eq!(&plain[4..], b"internal error");
        let masked = failure_close(Role::Client);
        assert_eq!(masked[..2], [0x88, 0x80 | 16]);
        let key = masked[2..6].iter().cycle();
        let payload: Vec<u8> = masked[6..].iter().zip(key).map(|(a, b)| a ^ b).collect();
        assert_eq!(payload, plain[2..]);
    }
}
