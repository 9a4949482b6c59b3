//! Constant responses that the gate makes without a sandbox.

use websocket_host::driver::Line;

use crate::net::channel::Channel;

const INTERNAL_SERVER_ERROR: &[u8] =
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\
    Content-Length: 32\r\nConnection: close\r\n\r\nthe gate failed at this request\n";

const SERVICE_UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
    Content-Length: 17\r\nConnection: close\r\n\r\nthe gate is full\n";

/// Refuses a client when the sandbox failed before anything was sent to it.
pub(crate) fn refuse(line: &mut Line<Channel>) {
    line.keep(INTERNAL_SERVER_ERROR);
}

/// Refuses a client when the gate is full or shuts down.
pub(crate) fn refuse_for_now(line: &mut Line<Channel>) {
    line.keep(SERVICE_UNAVAILABLE);
}

#[cfg(test)]
mod tests {
    use super::{INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE};

    #[test]
    fn the_lengths_of_the_constant_responses_are_right() {
        for response in [INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE] {
            let response = str::from_utf8(response).unwrap();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
        }
    }
}
