//! A session's [`Config`] as the options resource of the contract.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use websocket_component::{Config, Deflate, Delivery, Limits, PongPolicy, Timeouts};

use crate::bindings::exports::websocket::protocol::options as contract;
use crate::bindings::exports::websocket::protocol::types::Failure;
use crate::limiter::Limiter;

/// Calls the setter of each option that has not its default.
struct Setter<'a> {
    options: contract::GuestSessionOptions<'a>,
    store: &'a mut Store<Limiter>,
    resource: ResourceAny,
}

/// What a setter gives back: wasmtime's error, or the rule that the value breaks.
type Outcome = wasmtime::Result<Result<(), Failure>>;

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

/// Calls a setter that takes every value, if this one is not the default.
macro_rules! set {
    ($setter:ident, $config:expr, $defaults:expr, $field:ident, $call:ident, $convert:expr) => {
        if $config.$field != $defaults.$field {
            let value = $convert($config.$field);
            $setter
                .options
                .$call(&mut *$setter.store, $setter.resource, value)?;
        }
    };
}

/// Calls a setter that refuses some values, if this one is not the default.
macro_rules! try_set {
    ($setter:ident, $config:expr, $defaults:expr, $field:ident, $call:ident, $convert:expr) => {
        if $config.$field != $defaults.$field {
            let value = $convert($config.$field);
            let outcome = $setter
                .options
                .$call(&mut *$setter.store, $setter.resource, value)?;
            if let Err(failure) = outcome {
                return Ok(Err(failure));
            }
        }
    };
}

fn same<T>(value: T) -> T {
    value
}

/// A span of time as the contract has it. Longer than that is as good as never.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn timeout(timeout: Option<Duration>) -> Option<u64> {
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
        let usual = Config::default();
        set!(self, config, usual, delivery, call_set_delivery, delivery);
        try_set!(
            self,
            config,
            usual,
            receive_buffer,
            call_set_receive_buffer,
            same
        );
        try_set!(self, config, usual, send_buffer, call_set_send_buffer, same);
        set!(
            self,
            config,
            usual,
            max_whole_frame,
            call_set_max_whole_frame,
            same
        );
        set!(self, config, usual, masking, call_set_masking, same);
        set!(self, config, usual, verify_utf8, call_set_verify_utf8, same);
        set!(
            self,
            config,
            usual,
            pongs,
            call_set_pong_policy,
            pong_policy
        );
        set!(
            self,
            config,
            usual,
            report_control_frames,
            call_set_report_control_frames,
            same
        );
        set!(
            self,
            config,
            usual,
            reply_to_close,
            call_set_reply_to_close,
            same
        );
        set!(
            self,
            config,
            usual,
            close_on_failure,
            call_set_close_on_failure,
            same
        );
        set!(
            self,
            config,
            usual,
            expose_invalid_requests,
            call_set_expose_invalid_requests,
            same
        );
        set!(
            self,
            config,
            usual,
            allow_malformed_host,
            call_set_allow_malformed_host,
            same
        );
        set!(
            self,
            config,
            usual,
            allow_http10_response,
            call_set_allow_http10_response,
            same
        );
        for part in [Self::limits, Self::timeouts, Self::deflate] {
            if let Err(failure) = part(self, config)? {
                return Ok(Err(failure));
            }
        }
        Ok(Ok(()))
    }

    fn limits(&mut self, config: &Config) -> Outcome {
        let (limits, usual) = (config.limits, Limits::default());
        set!(self, limits, usual, head, call_set_max_head, same);
        set!(self, limits, usual, headers, call_set_max_headers, same);
        set!(
            self,
            limits,
            usual,
            refusal_body,
            call_set_max_refusal_body,
            same
        );
        set!(self, limits, usual, frame, call_set_max_frame, same);
        set!(self, limits, usual, message, call_set_max_message, same);
        set!(self, limits, usual, fragments, call_set_max_fragments, same);
        try_set!(
            self,
            limits,
            usual,
            inflate_per_call,
            call_set_max_inflate_per_call,
            same
        );
        set!(
            self,
            limits,
            usual,
            queued_output,
            call_set_max_queued_output,
            same
        );
        set!(
            self,
            limits,
            usual,
            queued_pongs,
            call_set_max_queued_pongs,
            same
        );
        Ok(Ok(()))
    }

    fn timeouts(&mut self, config: &Config) -> Outcome {
        let (timeouts, usual) = (config.timeouts, Timeouts::default());
        set!(
            self,
            timeouts,
            usual,
            handshake,
            call_set_handshake_timeout,
            timeout
        );
        set!(self, timeouts, usual, idle, call_set_idle_timeout, timeout);
        set!(
            self,
            timeouts,
            usual,
            message,
            call_set_message_timeout,
            timeout
        );
        try_set!(
            self,
            timeouts,
            usual,
            keepalive,
            call_set_keepalive_interval,
            timeout
        );
        set!(self, timeouts, usual, pong, call_set_pong_timeout, timeout);
        set!(
            self,
            timeouts,
            usual,
            coalesce,
            call_set_coalesce_delay,
            timeout
        );
        set!(
            self,
            timeouts,
            usual,
            write,
            call_set_write_timeout,
            timeout
        );
        set!(
            self,
            timeouts,
            usual,
            close,
            call_set_close_timeout,
            timeout
        );
        Ok(Ok(()))
    }

    fn deflate(&mut self, config: &Config) -> Outcome {
        let Some(deflate) = config.deflate else {
            return Ok(Ok(()));
        };
        let usual = Deflate::default();
        let outcome = self
            .options
            .call_set_deflate(&mut *self.store, self.resource, true)?;
        if let Err(failure) = outcome {
            return Ok(Err(failure));
        }
        try_set!(
            self,
            deflate,
            usual,
            send_window_bits,
            call_set_deflate_send_window_bits,
            same
        );
        set!(
            self,
            deflate,
            usual,
            send_context_takeover,
            call_set_deflate_send_context_takeover,
            same
        );
        try_set!(
            self,
            deflate,
            usual,
            receive_window_bits,
            call_set_deflate_receive_window_bits,
            same
        );
        set!(
            self,
            deflate,
            usual,
            receive_context_takeover,
            call_set_deflate_receive_context_takeover,
            same
        );
        try_set!(self, deflate, usual, level, call_set_deflate_level, same);
        try_set!(
            self,
            deflate,
            usual,
            memory_level,
            call_set_deflate_memory_level,
            same
        );
        set!(
            self,
            deflate,
            usual,
            min_length,
            call_set_deflate_min_length,
            same
        );
        Ok(Ok(()))
    }
}
