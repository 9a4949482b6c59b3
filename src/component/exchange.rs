//! The exports of `exchange` and `relay`, by hand.
//!
//! Generated bindings give their results away: they are freed by a function that the host
//! calls once it has copied them (`post-return`). Here a result stays in the session until
//! the next one, so a host can read the payload and the output where they are, and the memory
//! is used again.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr;

use super::bindings::session::WebsocketSessionBorrow;
use super::convert::instant;
use super::layout::{OutgoingRecord, RelayRecord, ResultRecord, take};
use super::resource;
use crate::{Rule, Session};

/// The resource of a session.
pub(super) type Resource = resource::Resource<Session, Borrowed>;

/// What the host reads after a call, and what it points at beside the session.
#[derive(Default)]
pub(super) struct Borrowed {
    input: Vec<u8>,
    result: ResultRecord,
    relay: Option<Box<RelayRecord>>,
}

#[unsafe(export_name = "websocket:protocol/session@0.2.0#[method]websocket-session.exchange")]
unsafe extern "C" fn export(
    session: *const u8,
    input: *mut u8,
    input_length: usize,
    outgoing: *mut OutgoingRecord,
    outgoing_length: usize,
    payload: *mut u8,
    payload_length: usize,
    now: u64,
    capacity: u32,
) -> *const u8 {
    // SAFETY: the host passes the representation of a session that it borrows.
    let session = unsafe { WebsocketSessionBorrow::lift(session) };
    // SAFETY: the three lists are this call's arguments.
    let (input, outgoing, payload) = unsafe {
        (
            take(input, input_length),
            take(outgoing, outgoing_length),
            take(payload, payload_length),
        )
    };
    let session = session.get::<Resource>();
    session.with_borrowed(|session, borrowed| {
        borrowed.input = input;
        let outgoing = outgoing.iter().map(|record| record.outgoing(&payload));
        let now = instant(now);
        let input = &mut borrowed.input;
        let exchanged = session.exchange_records(input, outgoing, now, capacity as usize);
        borrowed.result.set(&exchanged);
        ptr::from_ref(&borrowed.result).cast()
    })
}

#[unsafe(export_name = "websocket:protocol/session@0.2.0#[method]websocket-session.relay")]
unsafe extern "C" fn export_relay(
    session: *const u8,
    target: *const u8,
    input: *mut u8,
    input_length: usize,
    now: u64,
    capacity: u32,
) -> *const u8 {
    // SAFETY: the list is this call's argument.
    let input = unsafe { take(input, input_length) };
    let is_itself = ptr::eq(session, target);
    // SAFETY: the host passes the representations of sessions that it borrows.
    let (session, target) = unsafe {
        (
            WebsocketSessionBorrow::lift(session),
            WebsocketSessionBorrow::lift(target),
        )
    };
    let now = instant(now);
    let (session, target) = (session.get::<Resource>(), target.get::<Resource>());
    session.with_borrowed(|session, borrowed| {
        borrowed.input = input;
        let record = borrowed.relay.get_or_insert_default();
        if is_itself {
            record.set_refused(&session.refused(Rule::RelayToItself));
        } else {
            let input = &mut borrowed.input;
            target.with_borrowed(|target, _| {
                record.set(&session.relay(target, input, now, capacity as usize));
            });
        }
        ptr::from_ref(&**record).cast()
    })
}
