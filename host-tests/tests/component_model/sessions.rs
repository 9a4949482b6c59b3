//! The batched call.

use websocket_host::Sandbox;
use websocket_host::protocol as core;

use crate::arguments::{self, ENTROPY, PIECE};
use crate::log::{Log, fields};
use crate::model::Model;

const CAPACITY: u32 = 1000;
/// The most calls for one chunk.
const MOST: usize = 100;

pub(crate) fn by_core(sandbox: &Sandbox, role: &str, said: &[u8]) -> Vec<String> {
    let mut log = Log::default();
    let mut guest = sandbox.guest().expect("a guest");
    let (config, negotiated) = (core::Config::default(), core::Negotiated::default());
    let session = match role {
        "server" => guest.open_server(&config, &negotiated, 1),
        _ => guest.open_client(&config, &ENTROPY, &negotiated, 1),
    };
    let session = session.expect("a session");
    let mut outgoing = arguments::by_core::outgoing();
    for piece in said.chunks(PIECE) {
        let mut rest = piece;
        for _ in 0..MOST {
            let result = guest
                .exchange(&session, rest, &outgoing, arguments::PAYLOAD, 2, CAPACITY)
                .expect("a result");
            let (consumed, more) = (result.consumed, result.more);
            log.note((consumed, more, result.accepted, fields!(result)));
            outgoing.clear();
            rest = &rest[consumed..];
            if !more {
                break;
            }
        }
    }
    log.note(guest.outcome(&session).expect("a result"));
    log.0
}

pub(crate) fn by_model(model: &Model, role: &str, said: &[u8]) -> Vec<String> {
    let mut log = Log::default();
    let (websocket, mut store) = model.instance();
    let sessions = websocket.websocket_protocol_session().websocket_session();
    let options = websocket.websocket_protocol_options().session_options();
    let options = options.call_constructor(&mut store).expect("options");
    let negotiated = arguments::by_model::nothing_negotiated();
    let made = match role {
        "server" => sessions.call_open_server(&mut store, options, &negotiated, 1),
        _ => sessions.call_open_client(&mut store, options, &ENTROPY, &negotiated, 1),
    };
    let session = made.expect("a result").expect("a session");
    let mut outgoing = arguments::by_model::outgoing();
    for piece in said.chunks(PIECE) {
        let mut rest = piece;
        for _ in 0..MOST {
            let payload = arguments::PAYLOAD;
            let result = sessions
                .call_exchange(&mut store, session, rest, &outgoing, payload, 2, CAPACITY)
                .expect("a result");
            let (consumed, more) = (result.consumed as usize, result.more);
            log.note((consumed, more, result.accepted, fields!(result)));
            outgoing.clear();
            rest = &rest[consumed..];
            if !more {
                break;
            }
        }
    }
    log.note(
        sessions
            .call_outcome(&mut store, session)
            .expect("a result"),
    );
    log.0
}
