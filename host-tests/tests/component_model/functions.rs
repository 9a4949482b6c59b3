//! Each function of a session.

use websocket_host::Sandbox;
use websocket_host::protocol as core;

use crate::arguments::{self, ENTROPY};
use crate::log::{Log, fields, outcome};
use crate::model::{Model, session, types};

pub(crate) fn by_core(sandbox: &Sandbox) -> Vec<String> {
    use arguments::by_core as given;
    let mut log = Log::default();
    let mut guest = sandbox.guest().expect("a guest");
    log.note(guest.global_properties().expect("a result"));
    let supported = ["b".to_owned(), "a".to_owned()];
    log.note(
        guest
            .choose_subprotocol(&given::headers(), &supported)
            .expect("a result"),
    );
    let mut config = core::Config::default();
    config.report_control_frames = true;
    config.limits.frame = 70_000;
    config.timeouts.idle = Some(std::time::Duration::from_secs(5));
    config.deflate = Some(core::Deflate::default());
    log.note(outcome(guest.client(&config, &ENTROPY[..5], 1)).map(drop));
    let client = guest.client(&config, &ENTROPY, 1).expect("a client");
    let server = guest.server(&config, 1).expect("a server");
    log.note(guest.state(&client).expect("a result"));
    log.note(outcome(guest.connect(&server, &given::request(), 2)));
    log.note(outcome(guest.connect(&client, &given::request(), 2)));
    let head = guest
        .exchange(&client, b"", &[], b"", 2, 9000)
        .expect("a result");
    let head = head.output.to_vec();
    log.note(&head);
    let result = guest
        .exchange(&server, &head, &[], b"", 2, 9000)
        .expect("a result");
    log.note(fields!(result));
    log.note(guest.request(&server).expect("a result"));
    log.note(outcome(guest.set_options(&server, &config)));
    log.note(outcome(guest.accept(&server, &given::acceptance(), 3)));
    let head = guest
        .exchange(&server, b"", &[], b"", 3, 9000)
        .expect("a result");
    let head = head.output.to_vec();
    log.note(&head);
    let result = guest
        .exchange(&client, &head, &[], b"", 3, 9000)
        .expect("a result");
    log.note(fields!(result));
    log.note(guest.response(&client).expect("a result"));
    log.note(guest.negotiated(&client).expect("a result"));
    for message in given::messages() {
        for compression in [core::Compression::Automatic, core::Compression::Off] {
            let context = Some(9).filter(|_| compression == core::Compression::Off);
            log.note(outcome(guest.send(
                &client,
                &message,
                compression,
                context,
                4,
            )));
        }
    }
    log.note(guest.buffered_amount(&client).expect("a result"));
    let output = guest
        .exchange(&client, b"", &[], b"", 4, 9000)
        .expect("a result");
    log.note(fields!(output));
    let output = output.output.to_vec();
    let relayed = guest
        .relay(&server, &client, &output, 5, 9000)
        .expect("a result");
    let (source, target) = (&relayed.source, &relayed.target);
    log.note((
        fields!(source),
        fields!(target),
        relayed.messages,
        relayed.bytes,
    ));
    log.note(guest.failure(&client).expect("a result"));
    log.note(guest.next_deadline(&server).expect("a result"));
    guest.output_blocked(&server, 6).expect("a result");
    log.note(guest.next_deadline(&server).expect("a result"));
    guest.output_taken(&server, 7).expect("a result");
    guest.pause_reading(&server, 8).expect("a result");
    guest.resume_reading(&server, 9).expect("a result");
    log.note(guest.round_trip_time(&server).expect("a result"));
    log.note(outcome(guest.receive(&client, Some(3))));
    for completion in given::completions() {
        let action = guest
            .get_action(&client, core::ActionQueue::All, 10)
            .expect("a result");
        log.note(&action);
        log.note(outcome(guest.complete_action(&client, 1, &completion, 10)));
    }
    log.note(guest.has_more(&client).expect("a result"));
    guest.end_of_input(&server, 11).expect("a result");
    guest.abort(&client).expect("a result");
    log.note(guest.outcome(&client).expect("a result"));
    log.note(guest.outcome(&server).expect("a result"));

    let plain = core::Config::default();
    let refusing = guest.server(&plain, 1).expect("a server");
    log.note(outcome(guest.refuse(&refusing, &given::refusal(), 2)));
    let client = guest.client(&plain, &ENTROPY, 1).expect("a client");
    let kind = core::HandshakeKind::ExtendedConnect;
    let protocols = ["a".to_owned()];
    let begun = guest.begin_client_handshake(&client, kind, &protocols, &[], &[], 2);
    log.note(outcome(begun));
    log.note(outcome(guest.end_client_handshake(
        &client,
        200,
        &given::headers(),
        3,
    )));
    let server = guest.server(&plain, 1).expect("a server");
    let acceptance = given::nothing_accepted();
    let fields = given::extended_connect();
    log.note(outcome(guest.begin_server_handshake(
        &server,
        kind,
        &fields,
        &acceptance,
        2,
    )));
    log.note(outcome(guest.end_server_handshake(&server, 3)));
    let negotiated = core::Negotiated::default();
    let server = guest.open_server(&plain, &negotiated, 1).expect("a server");
    log.note(
        outcome(guest.frame_header(&server, true, false, 70_000))
            .map(|header| header.map(|header| header.to_bits())),
    );
    let frame = b"\x82\xfe\x40\x00abcd";
    let begun = guest.begin_payload(&server, frame, 4).expect("a result");
    log.note(begun.as_ref().map(|(_, payload)| payload.to_bits()));
    let (_, mut payload) = begun.expect("a long payload");
    payload.read(&mut [0; 100]).expect("binary");
    let more = core::IncomingPayload::from_bits([70_000, 0]);
    for payload in [payload, more] {
        log.note(outcome(guest.payload_read(&server, &payload, 5)));
    }
    guest.drop_session(server).expect("a result");
    log.0
}

pub(crate) fn by_model(model: &Model) -> Vec<String> {
    use arguments::by_model as given;
    let mut log = Log::default();
    let (websocket, mut store) = model.instance();
    let store = &mut store;
    let exports = websocket.websocket_protocol_session();
    let sessions = exports.websocket_session();
    let setters = websocket.websocket_protocol_options().session_options();
    log.note(
        exports
            .call_get_global_properties(&mut *store)
            .expect("a result"),
    );
    let supported = ["b".to_owned(), "a".to_owned()];
    let chosen = exports.call_choose_subprotocol(&mut *store, &given::headers(), &supported);
    log.note(chosen.expect("a result"));
    let options = setters.call_constructor(&mut *store).expect("options");
    let idle = Some(5_000_000_000);
    setters
        .call_set_report_control_frames(&mut *store, options, true)
        .expect("set");
    setters
        .call_set_max_frame(&mut *store, options, 70_000)
        .expect("set");
    setters
        .call_set_idle_timeout(&mut *store, options, idle)
        .expect("set");
    setters
        .call_set_deflate(&mut *store, options, true)
        .expect("a result")
        .expect("set");
    let made = sessions.call_client(&mut *store, options, &ENTROPY[..5], 1);
    log.note(made.expect("a result").map(drop));
    let made = sessions.call_client(&mut *store, options, &ENTROPY, 1);
    let client = made.expect("a result").expect("a client");
    let made = sessions.call_server(&mut *store, options, 1);
    let server = made.expect("a result").expect("a server");
    /// Calls a function with these arguments.
    macro_rules! call {
        ($function:ident $(, $argument:expr)*) => {
            sessions.$function(&mut *store $(, $argument)*).expect("a result")
        };
    }
    log.note(call!(call_state, client));
    log.note(call!(call_connect, server, &given::request(), 2));
    log.note(call!(call_connect, client, &given::request(), 2));
    let head = call!(call_exchange, client, b"", &[], b"", 2, 9000).output;
    log.note(&head);
    let result = call!(call_exchange, server, &head, &[], b"", 2, 9000);
    log.note(fields!(result));
    log.note(call!(call_request, server));
    log.note(call!(call_set_options, server, options));
    log.note(call!(call_accept, server, &given::acceptance(), 3));
    let head = call!(call_exchange, server, b"", &[], b"", 3, 9000).output;
    log.note(&head);
    let result = call!(call_exchange, client, &head, &[], b"", 3, 9000);
    log.note(fields!(result));
    log.note(call!(call_response, client));
    log.note(call!(call_negotiated, client));
    for message in given::messages() {
        for compression in [session::Compression::Automatic, session::Compression::Off] {
            let context = Some(9).filter(|_| compression == session::Compression::Off);
            log.note(call!(call_send, client, &message, compression, context, 4));
        }
    }
    log.note(call!(call_buffered_amount, client));
    let output = call!(call_exchange, client, b"", &[], b"", 4, 9000);
    log.note(fields!(output));
    let relayed = call!(call_relay, server, client, &output.output, 5, 9000);
    let (source, target) = (&relayed.source, &relayed.target);
    log.note((
        fields!(source),
        fields!(target),
        relayed.messages,
        relayed.bytes,
    ));
    log.note(call!(call_failure, client));
    log.note(call!(call_next_deadline, server));
    call!(call_output_blocked, server, 6);
    log.note(call!(call_next_deadline, server));
    call!(call_output_taken, server, 7);
    call!(call_pause_reading, server, 8);
    call!(call_resume_reading, server, 9);
    log.note(call!(call_round_trip_time, server));
    log.note(call!(call_receive, client, Some(3)));
    for completion in given::completions() {
        let action = call!(call_get_action, client, session::ActionQueue::All, 10);
        log.note(&action);
        log.note(call!(call_complete_action, client, 1, &completion, 10));
    }
    log.note(call!(call_has_more, client));
    call!(call_end_of_input, server, 11);
    call!(call_abort, client);
    log.note(call!(call_outcome, client));
    log.note(call!(call_outcome, server));

    let plain = setters.call_constructor(&mut *store).expect("options");
    let refusing = call!(call_server, plain, 1).expect("a server");
    log.note(call!(call_refuse, refusing, &given::refusal(), 2));
    let client = call!(call_client, plain, &ENTROPY, 1).expect("a client");
    let kind = types::HandshakeKind::ExtendedConnect;
    let protocols = ["a".to_owned()];
    log.note(call!(
        call_begin_client_handshake,
        client,
        kind,
        &protocols,
        &[],
        &[],
        2
    ));
    log.note(call!(
        call_end_client_handshake,
        client,
        200,
        &given::headers(),
        3
    ));
    let server = call!(call_server, plain, 1).expect("a server");
    let acceptance = given::nothing_accepted();
    let fields = given::extended_connect();
    log.note(call!(
        call_begin_server_handshake,
        server,
        kind,
        &fields,
        &acceptance,
        2
    ));
    log.note(call!(call_end_server_handshake, server, 3));
    let negotiated = given::nothing_negotiated();
    let server = call!(call_open_server, plain, &negotiated, 1).expect("a server");
    log.note(
        call!(call_frame_header, server, true, false, 70_000)
            .map(|header| header.map(|header| [header.low, header.high])),
    );
    let low = u64::from_le_bytes(*b"\x82\xfe\x40\x00abcd");
    let begun = call!(call_begin_payload, server, low, 0, 8, 4);
    log.note(begun.map(|payload| [payload.left, payload.bits]));
    let begun = begun.expect("a long payload");
    let mut read = core::IncomingPayload::from_bits([begun.left, begun.bits]);
    read.read(&mut [0; 100]).expect("binary");
    for [left, bits] in [read.to_bits(), [70_000, 0]] {
        let payload = session::IncomingPayload { left, bits };
        log.note(call!(call_payload_read, server, payload, 5));
    }
    server.resource_drop(&mut *store).expect("dropped");
    log.0
}
