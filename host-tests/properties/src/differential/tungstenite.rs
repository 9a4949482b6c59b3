//! What tungstenite receives.

use std::io::ErrorKind;

use tungstenite::protocol::{self, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};
use websocket_component::Role;

use super::transport::Transport;
use super::{Conversation, Heard, What};

/// Its buffer is cleared for every read, so it is a small one.
const READ_BUFFER: usize = 64;

pub(super) fn hear(conversation: &Conversation) -> Vec<Heard> {
    let role = match conversation.role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_frame_size(Some(conversation.limit))
        .max_message_size(Some(conversation.limit));
    let mut socket = WebSocket::from_raw_socket(Transport::default(), role, Some(config));
    let mut heard = Vec::new();
    for (index, byte) in conversation.bytes.iter().enumerate() {
        socket.get_mut().byte = Some(*byte);
        let at = index + 1;
        loop {
            let what = match socket.read() {
                Ok(message) => what(message),
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => What::Failed(code(&error)),
            };
            let last = matches!(what, What::Close(..) | What::Failed(_));
            heard.push(Heard { at, what });
            if last {
                return heard;
            }
        }
    }
    heard
}

fn what(message: Message) -> What {
    match message {
        Message::Text(text) => What::Text(text.as_bytes().into()),
        Message::Binary(bytes) => What::Binary(bytes.into()),
        Message::Ping(payload) => What::Ping(payload.into()),
        Message::Pong(payload) => What::Pong(payload.into()),
        Message::Close(None) => What::Close(1005, Vec::new()),
        Message::Close(Some(close)) => {
            What::Close(close.code.into(), close.reason.as_bytes().into())
        }
        Message::Frame(frame) => panic!("never read: {frame:?}"),
    }
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Utf8(_) => 1007,
        Error::Capacity(_) => 1009,
        Error::Protocol(_) => 1002,
        other => panic!("no error of a peer's: {other:?}"),
    }
}
