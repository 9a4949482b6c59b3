//! What the engine receives.

use host_tests::{Engine, Event, Native};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Rule};

use super::{Conversation, Heard, What};
use crate::case::NOW;

pub(super) fn hear(conversation: &Conversation) -> (Vec<Heard>, Option<Rule>) {
    let mut config = Config::default();
    config.report_control_frames = true;
    config.limits.frame = conversation.limit as u64;
    config.limits.message = conversation.limit as u64;
    config.limits.fragments = u32::MAX;
    let mut engine = Native::open(conversation.role, &config, &Negotiated::default())
        .expect("a configuration in its range");
    let mut heard = Vec::new();
    for (index, byte) in conversation.bytes.iter().enumerate() {
        let result = engine.exchange(&[*byte], &[], NOW, u32::MAX);
        let at = index + 1;
        for event in result.events {
            let what = what(event);
            let closed = matches!(what, What::Close(..));
            heard.push(Heard { at, what });
            if closed {
                return (heard, None);
            }
        }
        if let Some(failure) = result.failure {
            let code = failure.close_code.expect("the peer's rules have codes");
            let what = What::Failed(code);
            heard.push(Heard { at, what });
            return (heard, Some(failure.rule));
        }
    }
    (heard, None)
}

fn what(event: Event) -> What {
    match event {
        Event::Text {
            payload,
            last: true,
        } => What::Text(payload),
        Event::Binary {
            payload,
            last: true,
        } => What::Binary(payload),
        Event::Ping(payload) => What::Ping(payload),
        Event::Pong(payload, None) => What::Pong(payload),
        Event::Close(code, reason) => What::Close(code, reason),
        other => panic!("not in this setting: {other:?}"),
    }
}
