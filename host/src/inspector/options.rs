//! The options of an inspector as the options resource of the contract.

use websocket_component::Limits;
use websocket_component::inspector::{
    Direction, Options, OtherCode, Payload, Timeouts, UnknownExtensions, View,
};

use crate::bindings::exports::websocket::protocol::inspector as contract;
use crate::sandbox::abi::Resource;
use crate::sandbox::abi::inspector_options::Function as setters;
use crate::sandbox::options::{Setter, make, set, timeout};
use crate::sandbox::{CallError, Guest};

/// Creates options in a guest.
pub(super) fn options(guest: &mut Guest, given: &Options) -> Result<Resource, CallError> {
    make(guest, setters::Constructor, setters::Drop, |setter| {
        set_all(setter, given)
    })
}

fn set_all(setter: &mut Setter<'_, ()>, options: &Options) -> Result<(), CallError> {
    set!(setter, options, Options::default();
        unknown_extensions => set SetUnknownExtensions(unknown_extensions),
        strip_extensions => set SetStripExtensions,
        allow_malformed_host => set SetAllowMalformedHost,
        other_code => set SetOtherCode(other_code),
    );
    let given = &options.timeouts;
    set!(setter, given, Timeouts::default();
        handshake => set SetHandshakeTimeout(timeout),
        answer => set SetAnswerTimeout(timeout),
        close => set SetCloseTimeout(timeout),
    );
    if given.age.is_some() {
        let age = timeout(given.age);
        setter.check(setters::SetMaxAge, (age, given.age_code))?;
    }
    for (side, direction) in [
        (contract::Side::Client, &options.client),
        (contract::Side::Server, &options.server),
    ] {
        let mut setter = Setter {
            guest: &mut *setter.guest,
            options: setter.options,
            of: side,
        };
        set_direction(&mut setter, direction)?;
    }
    Ok(())
}

fn set_direction(
    setter: &mut Setter<'_, contract::Side>,
    direction: &Direction,
) -> Result<(), CallError> {
    set!(setter, direction, Direction::default();
        hold_frame => set SetHoldFrame,
        hold_messages => set SetHoldMessages,
        idle => set SetIdleTimeout(timeout),
        message_idle => set SetMessageIdleTimeout(timeout),
        message => set SetMessageTimeout(timeout),
        keepalive => check SetKeepaliveInterval(timeout),
        pong => set SetPongTimeout(timeout),
        write => set SetWriteTimeout(timeout),
    );
    set!(setter, direction.view, View::default();
        frames => set SetViewFrames,
        control => set SetViewControl,
        messages => set SetViewMessages,
        payload => set SetViewPayload(payload),
        verify_utf8 => set SetVerifyUtf8,
        inflate => set SetInflate,
    );
    set!(setter, direction.limits, Limits::default();
        head => set SetMaxHead,
        headers => set SetMaxHeaders,
        frame => set SetMaxFrame,
        message => set SetMaxMessage,
        fragments => set SetMaxFragments,
        inflate_per_call => check SetMaxInflatePerCall,
        queued_output => set SetMaxQueuedInsertions,
    );
    Ok(())
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
