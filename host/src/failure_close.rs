//! The close frame that is sent when a guest has failed.

use websocket_component::Role;

/// Returns a close frame with the code 1011, internal error, for a connection whose guest has ended.
///
/// It may be written only at a frame boundary: the session was open, and all output of its last exchange was handed out
/// (`more` was false) and written.
#[must_use]
pub fn failure_close(role: Role) -> Vec<u8> {
    const FIN_CLOSE: u8 = 0x88;
    const MASKED: u8 = 0x80;
    let code = 1011_u16.to_be_bytes();
    match role {
        Role::Server => vec![FIN_CLOSE, 2, code[0], code[1]],
        Role::Client => {
            // A predictable key does no harm here, since the payload is not the application's.
            let mut key = [0; 4];
            let _ = getrandom::fill(&mut key);
            let masked = [code[0] ^ key[0], code[1] ^ key[1]];
            [&[FIN_CLOSE, MASKED | 2], &key[..], &masked[..]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Role, failure_close};

    #[test]
    fn they_say_1011_masked_or_not() {
        assert_eq!(failure_close(Role::Server), [0x88, 2, 0x03, 0xf3]);
        let masked = failure_close(Role::Client);
        assert_eq!(masked[..2], [0x88, 0x82]);
        let code = [masked[6] ^ masked[2], masked[7] ^ masked[3]];
        assert_eq!(u16::from_be_bytes(code), 1011);
    }
}
