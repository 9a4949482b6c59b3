//! What the gate itself says to a peer when the sandbox can't: a constant response, or a constant close frame.

use crate::close::INTERNAL_ERROR;
use crate::side::{Side, Who};
use crate::socket::Socket;

const REASON: &[u8] = b"internal error";

const INTERNAL_SERVER_ERROR: &[u8] =
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\
    Content-Length: 32\r\nConnection: close\r\n\r\nthe gate failed at this request\n";

const SERVICE_UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 17\r\nConnection: close\r\n\r\nthe gate is full\n";

/// Appends a close frame with 1011 (RFC 6455, section 5.5.1), if the wire allows it: all that the session handed out
/// ends at the border of a frame, and none of its frames was a close.
///
/// That is so if the session had nothing left at the end of its last turn; a turn that failed gave nothing.
pub(crate) fn close(who: Who, side: &mut Side) {
    if side.spoke && !side.more && !side.close_sent && side.failure.is_none() && !side.failure_noted
    {
        match who {
            Who::Client => side.socket.write(&close_frame(None)),
            Who::Upstream => {
                let mut key = [0; 4];
                // Without an unpredictable key the frame may not be sent (RFC 6455, section 10.3).
                if getrandom::fill(&mut key).is_ok() {
                    side.socket.write(&close_frame(Some(key)));
                }
            }
        }
    }
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
