//! A session's [`Config`] as the options resource of the contract.

use std::time::Duration;

use websocket_component::{Config, Deflate, Delivery, Limits, PongPolicy, Timeouts};

use crate::bindings::exports::websocket::protocol::options as contract;
use crate::clock::nanos;
use crate::protocol::Failure;
use crate::sandbox::abi::options::Function as setters;
use crate::sandbox::abi::{Argument, Function, Resource, session};
use crate::sandbox::call_error::CallError;
use crate::sandbox::guest::{Guest, Session};

/// Calls setters of options in a guest. Each takes `of` before the value, such as the side that it applies to.
pub(crate) struct Setter<'a, Of> {
    pub(crate) guest: &'a mut Guest,
    pub(crate) options: Resource,
    pub(crate) of: Of,
}

impl<Of: Argument + Copy> Setter<'_, Of> {
    pub(crate) fn set(
        &mut self,
        function: impl Into<Function>,
        value: impl Argument,
    ) -> Result<(), CallError> {
        Ok(self.guest.call(function, (self.options, self.of, value))?)
    }

    /// Calls a setter that can break a rule.
    pub(crate) fn check(
        &mut self,
        function: impl Into<Function>,
        value: impl Argument,
    ) -> Result<(), CallError> {
        let arguments = (self.options, self.of, value);
        let set: Result<(), Box<Failure>> = self.guest.call(function, arguments)?;
        Ok(set?)
    }
}

/// Calls the setter of each option that differs from the default, in order: with `check` if it can break a rule, else
/// with `set`.
macro_rules! set {
    ($setter:expr, $given:expr, $default:expr;
     $($field:ident => $kind:ident $function:ident $(($convert:ident))?,)+) => {{
        let (given, default) = ($given, $default);
        $(if given.$field != default.$field {
            let value = given.$field;
            $(let value = $convert(value);)?
            $setter.$kind(setters::$function, value)?;
        })+
    }};
}

pub(crate) use set;

/// Creates options in a guest. They are dropped if a setter refuses its value.
pub(crate) fn make(
    guest: &mut Guest,
    constructor: impl Into<Function>,
    drop: impl Into<Function>,
    set_all: impl FnOnce(&mut Setter<'_, ()>) -> Result<(), CallError>,
) -> Result<Resource, CallError> {
    let options = guest.call(constructor, ())?;
    let set = set_all(&mut Setter {
        guest,
        options,
        of: (),
    });
    if let Err(CallError::Failure(_)) = &set {
        guest.call::<()>(drop, options)?;
    }
    set.map(|()| options)
}

impl Guest {
    /// Calls a function that creates a session, with options from `config`.
    pub(crate) fn make(
        &mut self,
        config: &Config,
        function: session::Function,
        arguments: impl Argument,
    ) -> Result<Session, CallError> {
        self.free_orphans()?;
        let options = self.options(config)?;
        let made: Result<Resource, Box<Failure>> = self.call(function, (options, arguments))?;
        Ok(Session(self.own(made?, session::Function::Drop)))
    }

    /// Returns options with the values of `config`.
    pub(crate) fn options(&mut self, config: &Config) -> Result<Resource, CallError> {
        if let Some((last, options)) = &self.options
            && last == config
        {
            return Ok(*options);
        }
        let options = options(self, config)?;
        if let Some((_, last)) = self.options.replace((*config, options)) {
            self.call::<()>(setters::Drop, last)?;
        }
        Ok(options)
    }
}

/// Creates options in a guest from a `Config`.
fn options(guest: &mut Guest, config: &Config) -> Result<Resource, CallError> {
    make(guest, setters::Constructor, setters::Drop, |setter| {
        set_all(setter, config)
    })
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

fn set_all(setter: &mut Setter<'_, ()>, config: &Config) -> Result<(), CallError> {
    set!(setter, config, Config::default();
        delivery => set SetDelivery(delivery),
        receive_buffer => check SetReceiveBuffer,
        send_buffer => check SetSendBuffer,
        max_whole_frame => set SetMaxWholeFrame,
        leave_payloads => set SetLeavePayloads,
        masking => set SetMasking,
        verify_utf8 => set SetVerifyUtf8,
        pongs => set SetPongPolicy(pong_policy),
        report_control_frames => set SetReportControlFrames,
        reply_to_close => set SetReplyToClose,
        close_on_failure => set SetCloseOnFailure,
        expose_invalid_requests => set SetExposeInvalidRequests,
        allow_malformed_host => set SetAllowMalformedHost,
        allow_http10_response => set SetAllowHttp10Response,
    );
    set!(setter, config.limits, Limits::default();
        head => set SetMaxHead,
        headers => set SetMaxHeaders,
        refusal_body => set SetMaxRefusalBody,
        frame => set SetMaxFrame,
        message => set SetMaxMessage,
        fragments => set SetMaxFragments,
        inflate_per_call => check SetMaxInflatePerCall,
        queued_output => set SetMaxQueuedOutput,
        queued_pongs => set SetMaxQueuedPongs,
    );
    set!(setter, config.timeouts, Timeouts::default();
        handshake => set SetHandshakeTimeout(timeout),
        idle => set SetIdleTimeout(timeout),
        message => set SetMessageTimeout(timeout),
        keepalive => check SetKeepaliveInterval(timeout),
        pong => set SetPongTimeout(timeout),
        coalesce => set SetCoalesceDelay(timeout),
        write => set SetWriteTimeout(timeout),
        answer => set SetAnswerTimeout(timeout),
        close => set SetCloseTimeout(timeout),
    );
    match config.deflate {
        Some(deflate) => set_deflate(setter, deflate),
        None => Ok(()),
    }
}

fn set_deflate(setter: &mut Setter<'_, ()>, deflate: Deflate) -> Result<(), CallError> {
    setter.check(setters::SetDeflate, true)?;
    set!(setter, deflate, Deflate::default();
        send_window_bits => check SetDeflateSendWindowBits,
        send_context_takeover => set SetDeflateSendContextTakeover,
        receive_window_bits => check SetDeflateReceiveWindowBits,
        receive_context_takeover => set SetDeflateReceiveContextTakeover,
        level => check SetDeflateLevel,
        memory_level => check SetDeflateMemoryLevel,
        min_length => set SetDeflateMinLength,
    );
    Ok(())
}
