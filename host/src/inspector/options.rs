//! The options of an inspector as the options resource of the contract.

use wasmtime::component::ResourceAny;
use websocket_component::Limits;
use websocket_component::inspector::{
    Direction, Options, OtherCode, Payload, Timeouts, UnknownExtensions, View,
};

use super::Store;
use crate::bindings::exports::websocket::protocol::inspector as contract;
use crate::bindings::exports::websocket::protocol::types::Failure;
use crate::options::{Outcome, Reply, timeout};

/// Makes options of a guest.
pub(super) fn options(
    exports: &contract::Guest,
    store: &mut Store,
    options: &Options,
) -> wasmtime::Result<Result<ResourceAny, Failure>> {
    let resource = exports.inspector_options().call_constructor(&mut *store)?;
    let outcome = set_all(&exports.inspector_options(), store, resource, options)?;
    if outcome.is_err() {
        resource.resource_drop(store)?;
    }
    Ok(outcome.map(|()| resource))
}

/// Calls a setter: of all, or of one side.
macro_rules! call {
    (($setters:ident, $store:ident, $resource:ident), $call:ident, $value:ident) => {
        $setters.$call(&mut *$store, $resource, $value)
    };
    (($setters:ident, $store:ident, $resource:ident, $side:ident), $call:ident, $value:ident) => {
        $setters.$call(&mut *$store, $resource, $side, $value)
    };
}

/// Calls the setter of each of these options whose value is not the default, in order.
macro_rules! set {
    ($context:tt, $given:expr, $default:expr;
     $($field:ident => $call:ident $(($convert:ident))?,)+) => {{
        let (given, default) = ($given, $default);
        $(if given.$field != default.$field {
            let value = given.$field;
            $(let value = $convert(value);)?
            let reply = call!($context, $call, value)?;
            if let Some(failure) = reply.failure() {
                return Ok(Err(failure));
            }
        })+
    }};
}

fn set_all(
    setters: &contract::GuestInspectorOptions<'_>,
    store: &mut Store,
    resource: ResourceAny,
    options: &Options,
) -> Outcome {
    set!((setters, store, resource), options, Options::default();
        unknown_extensions => call_set_unknown_extensions(unknown_extensions),
        strip_extensions => call_set_strip_extensions,
        allow_malformed_host => call_set_allow_malformed_host,
        other_code => call_set_other_code(other_code),
    );
    let given = &options.timeouts;
    set!((setters, store, resource), given, Timeouts::default();
        handshake => call_set_handshake_timeout(timeout),
        close => call_set_close_timeout(timeout),
    );
    if given.age.is_some() {
        let age = timeout(given.age);
        let reply = setters.call_set_max_age(&mut *store, resource, age, given.age_code)?;
        if let Err(failure) = reply {
            return Ok(Err(failure));
        }
    }
    for (side, direction) in [
        (contract::Side::Client, &options.client),
        (contract::Side::Server, &options.server),
    ] {
        if let Err(failure) = set_direction(setters, store, resource, side, direction)? {
            return Ok(Err(failure));
        }
    }
    Ok(Ok(()))
}

fn set_direction(
    setters: &contract::GuestInspectorOptions<'_>,
    store: &mut Store,
    resource: ResourceAny,
    side: contract::Side,
    direction: &Direction,
) -> Outcome {
    set!((setters, store, resource, side), direction, Direction::default();
        hold_frame => call_set_hold_frame,
        hold_messages => call_set_hold_messages,
        idle => call_set_idle_timeout(timeout),
        message_idle => call_set_message_idle_timeout(timeout),
        message => call_set_message_timeout(timeout),
        keepalive => call_set_keepalive_interval(timeout),
        pong => call_set_pong_timeout(timeout),
        write => call_set_write_timeout(timeout),
    );
    set!((setters, store, resource, side), direction.view, View::default();
        frames => call_set_view_frames,
        control => call_set_view_control,
        messages => call_set_view_messages,
        payload => call_set_view_payload(payload),
        verify_utf8 => call_set_verify_utf8,
        inflate => call_set_inflate,
    );
    set!((setters, store, resource, side), direction.limits, Limits::default();
        head => call_set_max_head,
        headers => call_set_max_headers,
        frame => call_set_max_frame,
        message => call_set_max_message,
        fragments => call_set_max_fragments,
        inflate_per_call => call_set_max_inflate_per_call,
        queued_output => call_set_max_queued_insertions,
    );
    Ok(Ok(()))
}

fn unknown_extensions(policy: UnknownExtensions) -> contract::UnknownExtensions {
    match policy {
        UnknownExtensions::Opaque => contract::UnknownExtensions::Opaque,
        _ => contract::UnknownExtensions::Reject,
    }
}

fn other_code(code: OtherCode) -> contract::OtherCode {
    match code {
        OtherCode::Same => contract::OtherCode::Same,
        _ => contract::OtherCode::Gateway,
    }
}

fn payload(payload: Payload) -> contract::PayloadView {
    match payload {
        Payload::Chunks => contract::PayloadView::Chunks,
        Payload::Messages { up_to } => contract::PayloadView::Messages(up_to),
        _ => contract::PayloadView::Nothing,
    }
}
