//! The functions of an inspector.

use websocket_host::inspector::{Inspector, Options};
use websocket_host::protocol as core;
use websocket_host::{Role, Sandbox};

use crate::arguments::{self, ENTROPY, PIECE};
use crate::log::{Log, outcome};
use crate::model::{Model, inspector};

/// Two bytes of binary data from a client, and the length of their header.
const MESSAGE: &[u8; 8] = b"\x82\x82abcd12";
const HEADER: u32 = 6;

pub(crate) fn by_core(sandbox: &Sandbox, said: &[u8]) -> Vec<String> {
    let mut log = Log::default();
    let mut guest = sandbox.guest().expect("a guest");
    let mut options = Options::default();
    options.client.view.frames = true;
    options.server.view.payload = websocket_host::inspector::Payload::Messages { up_to: 1000 };
    options.timeouts.age = Some(std::time::Duration::from_secs(9));
    let negotiated = core::Negotiated::default();
    let made = Inspector::open(&mut guest, &options, &ENTROPY, &negotiated, 1);
    let inspector = made.expect("an inspector");
    for (index, piece) in said.chunks(PIECE).enumerate() {
        let from = [Role::Client, Role::Server][index % 2];
        let passed = inspector.pass_header(&mut guest, from, 0, piece, 2);
        log.note(passed.expect("a result"));
        let step = outcome(inspector.advance(&mut guest, from, 0, piece, 2));
        // A refused step is an error here, and a field there.
        log.note(step.map_err(|failure| failure.rule));
        log.note(inspector.traffic(&mut guest, from).expect("a result"));
        log.note(inspector.close_code(&mut guest, from).expect("a result"));
    }
    log.note(outcome(inspector.ping(&mut guest, Role::Client, 3)).map(drop));
    log.note(outcome(inspector.insert(&mut guest, Role::Client, b"inserted", true, 3)).map(drop));
    log.note(outcome(inspector.decide(&mut guest, Role::Client, true, 3)).map(drop));
    log.note(outcome(inspector.close(&mut guest, 1001, "enough", 4)).map(drop));
    log.note(inspector.progress(&mut guest).expect("a result"));
    log.note(inspector.request(&mut guest).expect("a result"));
    log.note(inspector.response(&mut guest).expect("a result"));
    log.note(inspector.negotiated(&mut guest).expect("a result"));
    log.note(
        inspector
            .close_sent(&mut guest, Role::Client)
            .expect("a result"),
    );
    inspector.drop(&mut guest).expect("dropped");
    // One that inspects nothing.
    let made = Inspector::open(&mut guest, &Options::default(), &ENTROPY, &negotiated, 1);
    let inspector = made.expect("an inspector");
    for from in [Role::Client, Role::Server] {
        let passed = inspector.pass_message(&mut guest, from, MESSAGE, 2);
        log.note(passed.expect("a result"));
    }
    log.0
}

pub(crate) fn by_model(model: &Model, said: &[u8]) -> Vec<String> {
    let mut log = Log::default();
    let (websocket, mut store) = model.instance();
    let store = &mut store;
    let exports = websocket.websocket_protocol_inspector();
    let (setters, inspectors) = (exports.inspector_options(), exports.websocket_inspector());
    let (client, server) = (inspector::Side::Client, inspector::Side::Server);
    let options = setters.call_constructor(&mut *store).expect("options");
    let view = inspector::PayloadView::Messages(1000);
    setters
        .call_set_view_frames(&mut *store, options, client, true)
        .expect("set");
    setters
        .call_set_view_payload(&mut *store, options, server, view)
        .expect("set");
    let age = setters.call_set_max_age(&mut *store, options, Some(9_000_000_000), 1001);
    age.expect("a result").expect("set");
    let negotiated = arguments::by_model::nothing_negotiated();
    let made = inspectors.call_open(&mut *store, options, &ENTROPY, &negotiated, 1);
    let this = made.expect("a result").expect("an inspector");
    /// Calls a function of the inspector with these arguments.
    macro_rules! call {
        ($function:ident $(, $argument:expr)*) => {
            inspectors.$function(&mut *store, this $(, $argument)*).expect("a result")
        };
    }
    for (index, piece) in said.chunks(PIECE).enumerate() {
        let from = [client, server][index % 2];
        let mut bytes = [0; 16];
        let length = piece.len().min(14);
        bytes[..length].copy_from_slice(&piece[..length]);
        let bits = u128::from_le_bytes(bytes);
        let (low, high) = (bits as u64, (bits >> 64) as u64);
        let passed = call!(call_pass_header, from, 0, low, high, length as u32, 2);
        log.note((passed != 0).then_some(((passed & 15) as usize, passed >> 4)));
        let mut step = call!(call_advance, from, 0, piece, 2);
        let refused = step.refused.take();
        log.note(refused.map_or(Ok(step), |failure| Err(failure.rule)));
        log.note(call!(call_traffic, from));
        log.note(call!(call_close_code, from));
    }
    log.note(call!(call_ping, client, 3));
    log.note(call!(call_insert, client, b"inserted", true, 3));
    log.note(call!(call_decide, client, true, 3));
    log.note(call!(call_close, 1001, "enough", 4));
    log.note(call!(call_progress));
    log.note(call!(call_request));
    log.note(call!(call_response));
    log.note(call!(call_negotiated));
    log.note(call!(call_close_sent, client));
    this.resource_drop(&mut *store).expect("dropped");
    let options = setters.call_constructor(&mut *store).expect("options");
    let made = inspectors.call_open(&mut *store, options, &ENTROPY, &negotiated, 1);
    let this = made.expect("a result").expect("an inspector");
    for from in [client, server] {
        let low = u64::from_le_bytes(*MESSAGE);
        let passed = inspectors.call_pass_message(&mut *store, this, from, low, 0, HEADER, 2);
        let passed = passed.expect("a result");
        let length = (passed & 15) as usize + (passed >> 4) as usize;
        log.note((passed != 0).then_some(length));
    }
    log.0
}
