//! What tokio-websockets receives.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use tokio_websockets::proto::ProtocolError;
use tokio_websockets::{ClientBuilder, Error, Limits, Message, ServerBuilder};
use websocket_component::Role;

use super::transport::Transport;
use super::{Conversation, Heard, What};

pub(super) fn hear(conversation: &Conversation) -> Vec<Heard> {
    let limits = Limits::default().max_payload_len(Some(conversation.limit));
    let transport = Transport::default();
    let mut stream = match conversation.role {
        Role::Client => ClientBuilder::new().limits(limits).take_over(transport),
        Role::Server => ServerBuilder::new().limits(limits).serve(transport),
    };
    let mut context = Context::from_waker(Waker::noop());
    let mut heard = Vec::new();
    for (index, byte) in conversation.bytes.iter().enumerate() {
        stream.get_mut().byte = Some(*byte);
        let at = index + 1;
        while let Poll::Ready(next) = Pin::new(&mut stream).poll_next(&mut context) {
            let what = match next {
                Some(Ok(message)) => what(&message),
                Some(Err(error)) => What::Failed(code(&error)),
                None => return heard,
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

fn what(message: &Message) -> What {
    let payload = message.as_payload().to_vec();
    if message.is_text() {
        What::Text(payload)
    } else if message.is_binary() {
        What::Binary(payload)
    } else if message.is_ping() {
        What::Ping(payload)
    } else if message.is_pong() {
        What::Pong(payload)
    } else {
        let (code, reason) = message.as_close().expect("of the kinds that are left");
        What::Close(code.into(), reason.into())
    }
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Protocol(ProtocolError::InvalidUtf8) => 1007,
        Error::Protocol(_) => 1002,
        Error::PayloadTooLong { .. } => 1009,
        other => panic!("no error of a peer's: {other:?}"),
    }
}
