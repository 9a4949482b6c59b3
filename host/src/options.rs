//! A session's [`Config`] as the options resource of the contract.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use websocket_component::{Config, Deflate, Delivery, Limits, PongPolicy, Timeouts};

use crate::bindings::exports::websocket::protocol::options as contract;
use crate::bindings::exports::websocket::protocol::types::Failure;
use crate::clock::nanos;
use crate::limiter::Limiter;

/// Calls the setter of each option that has not its default.
struct Setter<'a> {
    options: contract::GuestSessionOptions<'a>,
    store: &'a mut Store<Limiter>,
    resource: ResourceAny,
}

/// What a setter gives back: wasmtime's error, or the rule that the value breaks.
pub(crate) type Outcome = wasmtime::Result<Result<(), Failure>>;

/// Makes options of a guest from a `Config`.
pub(crate) fn options(
    exports: &contract::Guest,
    store: &mut Store<Limiter>,
    config: &Config,
) -> wasmtime::Result<Result<ResourceAny, Failure>> {
    let options = exports.session_options();
    let resource = options.call_constructor(&mut *store)?;
    let mut setter = Setter {
        options,
        store: &mut *store,
        resource,
    };
    let outcome = setter.config(config)?;
    if outcome.is_err() {
        resource.resource_drop(store)?;
    }
    Ok(outcome.map(|()| resource))
}

/// What a setter gives back: nothing, if it takes every value.
pub(crate) trait Reply {
    fn failure(self) -> Option<Failure>;
}

impl Reply for () {
    fn failure(self) -> Option<Failure> {
        None
    }
}

impl Reply for Result<(), Failure> {
    fn failure(self) -> Option<Failure> {
        self.err()
    }
}

/// Calls the setter of each of these options whose value is not the default, in order.
macro_rules! set {
    ($setter:ident, $given:expr, $default:expr;
     $($field:ident => $call:ident $(($convert:ident))?,)+) => {{
        let (given, default) = ($given, $default);
        $(if given.$field != default.$field {
            let value = given.$field;
            $(let value = $convert(value);)?
            let reply = $setter.options.$call(&mut *$setter.store, $setter.resource, value)?;
            if let Some(failure) = reply.failure() {
                return Ok(Err(failure));
            }
        })+
    }};
}

pub(crate) fn timeout(timeout: Option<Duration>) -> Option<u64> {
    timeout.map(nanos)
}

fn delivery(delivery: Delivery) -> contract::Delivery {
    match delivery {
        Delivery::Streaming => contract::Delivery::Streaming,
        _ => contract::Delivery::Messages,
    }
}

fn pong_policy(policy: PongPolicy) -> contract::PongPolicy {
    match policy {
        PongPolicy::Latest => contract::PongPolicy::Latest,
        PongPolicy::Manual => contract::PongPolicy::Manual,
        _ => contract::PongPolicy::Each,
    }
}

impl Setter<'_> {
    fn config(&mut self, config: &Config) -> Outcome {
        set!(self, config, Config::default();
            delivery => call_set_delivery(delivery),
            receive_buffer => call_set_receive_buffer,
            send_buffer => call_set_send_buffer,
            max_whole_frame => call_set_max_whole_frame,
            leave_payloads => call_set_leave_payloads,
            masking => call_set_masking,
            verify_utf8 => call_set_verify_utf8,
            pongs => call_set_pong_policy(pong_policy),
            report_control_frames => call_set_report_control_frames,
            reply_to_close => call_set_reply_to_close,
            close_on_failure => call_set_close_on_failure,
            expose_invalid_requests => call_set_expose_invalid_requests,
            allow_malformed_host => call_set_allow_malformed_host,
            allow_http10_response => call_set_allow_http10_response,
        );
        set!(self, config.limits, Limits::default();
            head => call_set_max_head,
            headers => call_set_max_headers,
            refusal_body => call_set_max_refusal_body,
            frame => call_set_max_frame,
            message => call_set_max_message,
            fragments => call_set_max_fragments,
            inflate_per_call => call_set_max_inflate_per_call,
            queued_output => call_set_max_queued_output,
            queued_pongs => call_set_max_queued_pongs,
        );
        set!(self, config.timeouts, Timeouts::default();
            handshake => call_set_handshake_timeout(timeout),
            idle => call_set_idle_timeout(timeout),
            message => call_set_message_timeout(timeout),
            keepalive => call_set_keepalive_interval(timeout),
            pong => call_set_pong_timeout(timeout),
            coalesce => call_set_coalesce_delay(timeout),
            write => call_set_write_timeout(timeout),
            close => call_set_close_timeout(timeout),
        );
        match config.deflate {
            Some(deflate) => self.deflate(deflate),
            None => Ok(Ok(())),
        }
    }

    fn deflate(&mut self, deflate: Deflate) -> Outcome {
        let enabled = self
            .options
            .call_set_deflate(&mut *self.store, self.resource, true)?;
        if let Err(failure) = enabled {
            return Ok(Err(failure));
        }
        set!(self, deflate, Deflate::default();
            send_window_bits => call_set_deflate_send_window_bits,
            send_context_takeover => call_set_deflate_send_context_takeover,
            receive_window_bits => call_set_deflate_receive_window_bits,
            receive_context_takeover => call_set_deflate_receive_context_takeover,
            level => call_set_deflate_level,
            memory_level => call_set_deflate_memory_level,
            min_length => call_set_deflate_min_length,
        );
        Ok(Ok(()))
    }
}
