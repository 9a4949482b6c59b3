//! What the gate itself says to a peer when the sandbox can't: a constant response, or a constant close frame.

use websocket_host::protocol::CloseCode;

use crate::close::INTERNAL_ERROR;
use crate::side::Who;
use crate::socket::Socket;

const REASON: &[u8] = b"internal error";

const INTERNAL_SERVER_ERROR: &[u8] =
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\
    Content-Length: 32\r\nConnection: close\r\n\r\nthe gate failed at this request\n";

const SERVICE_UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 17\r\nConnection: close\r\n\r\nthe gate is full\n";

/// Appends a close frame with 1011 (RFC 6455, section 5.5.1), where the wire allows one. Returns its code.
pub(crate) fn close(who: Who, socket: &mut Socket) -> Option<CloseCode> {
    let key = match who {
        Who::Client => None,
        Who::Upstream => {
            let mut key = [0; 4];
            // Without an unpredictable key the frame may not be sent (RFC 6455, section 10.3).
            getrandom::fill(&mut key).ok()?;
            Some(key)
        }
    };
    socket.write(&close_frame(key));
    Some(INTERNAL_ERROR)
}

/// The response to a client whose request the sandbox failed at, and that was sent nothing yet.
pub(crate) fn refuse(socket: &mut Socket) {
    socket.write(INTERNAL_SERVER_ERROR);
}

/// The response to a client that is one too many, or too late.
pub(crate) fn refuse_for_now(socket: &mut Socket) {
    socket.write(SERVICE_UNAVAILABLE);
}

fn close_frame(key: Option<[u8; 4]>) -> Vec<u8> {
    let mut payload = INTERNAL_ERROR.to_be_bytes().to_vec();
    payload.extend_from_slice(REASON);
    // At most 125, so the length is one byte.
    let length = payload.len() as u8;
    let mut frame = vec![0x88];
    match key {
        None => frame.push(length),
        Some(key) => {
            frame.push(0x80 | length);
            frame.extend_from_slice(&key);
            for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
                *byte ^= key;
            }
        }
    }
    frame.extend_from_slice(&payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::{INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE, close_frame};

    #[test]
    fn a_close_frame_is_1011_and_a_reason() {
        let plain = close_frame(None);
        assert_eq!(plain[..4], [0x88, 16, 0x03, 0xf3]);
        assert_eq!(&plain[4..], b"internal error");
    }

    #[test]
    fn to_an_upstream_it_is_masked() {
        let masked = close_frame(Some([1, 2, 3, 4]));
        assert_eq!(masked[..6], [0x88, 0x80 | 16, 1, 2, 3, 4]);
        let payload = masked[6..].iter().zip([1, 2, 3, 4].iter().cycle());
        let payload: Vec<u8> = payload.map(|(byte, key)| byte ^ key).collect();
        assert_eq!(payload, close_frame(None)[2..]);
    }

    #[test]
    fn the_lengths_of_the_constant_responses_are_right() {
        for response in [INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE] {
            let response = str::from_utf8(response).unwrap();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
        }
    }
}
