//! The exports of `exchange` and `relay`, by hand.
//!
//! Generated bindings give their results away: they are freed by a function that
//! the host calls once it has copied them (`post-return`). Here a turn stays in the
//! session until the next one, so a host can read the payload and the output where
//! they are, and the memory is used again.
//!
//! The structures are records of the contract as the canonical ABI lays them out in
//! memory, which is how C does for these types on wasm32.

use alloc::vec::Vec;
use core::ptr;

use super::bindings::session::WebsocketSessionBorrow;
use super::bindings::types;
use super::exchange::{self, Event, Turn};
use super::session::Resource;
use crate::{Instant, Rule, Session, State};

/// What the host reads after a call, and what it points at.
#[derive(Default)]
pub(super) struct Lent {
    turn: Turn,
    record: RelayRecord,
}

/// `relay-turns`, which begins with what `exchange` gives back.
#[derive(Default)]
#[repr(C)]
struct RelayRecord {
    source: TurnRecord,
    target: TurnRecord,
    messages: u64,
    bytes: u64,
}

#[repr(C)]
struct List<T> {
    start: *const T,
    length: usize,
}

impl<T> List<T> {
    fn of(items: &[T]) -> List<T> {
        List {
            start: items.as_ptr(),
            length: items.len(),
        }
    }
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List::of(&[])
    }
}

/// `option<T>`: a discriminant, then the value.
#[derive(Default)]
#[repr(C)]
struct Maybe<T> {
    some: bool,
    value: T,
}

impl<T: Default> Maybe<T> {
    fn of(value: Option<impl Into<T>>) -> Maybe<T> {
        Maybe {
            some: value.is_some(),
            value: value.map(Into::into).unwrap_or_default(),
        }
    }
}

/// `failure`.
#[derive(Default)]
#[repr(C)]
struct FailureRecord {
    rule: u8,
    fault: u8,
    group: u8,
    section: List<u8>,
    description: List<u8>,
    close_code: Maybe<u16>,
    status: Maybe<u16>,
}

impl From<Rule> for FailureRecord {
    fn from(rule: Rule) -> Self {
        FailureRecord {
            rule: types::Rule::from(rule) as u8,
            fault: types::Fault::from(rule.fault()) as u8,
            group: types::RuleGroup::from(rule.group()) as u8,
            section: List::of(rule.section().as_bytes()),
            description: List::of(rule.description().as_bytes()),
            close_code: Maybe::of(rule.close_code()),
            status: Maybe::of(rule.status()),
        }
    }
}

/// `turn`.
#[derive(Default)]
#[repr(C)]
struct TurnRecord {
    consumed: u32,
    events: List<Event>,
    payload: List<u8>,
    output: List<u8>,
    accepted: u32,
    refused: Maybe<FailureRecord>,
    more: bool,
    state: u8,
    next_deadline: Maybe<u64>,
    failure: Maybe<FailureRecord>,
}

impl TurnRecord {
    fn of(turn: &Turn, session: &Session) -> TurnRecord {
        TurnRecord {
            consumed: turn.consumed as u32,
            events: List::of(&turn.events),
            payload: List::of(turn.payload(session)),
            output: List::of(&turn.output),
            accepted: turn.accepted,
            refused: Maybe::of(turn.refused),
            more: turn.more,
            state: types::State::from(turn.state.unwrap_or(State::Closed)) as u8,
            next_deadline: Maybe::of(turn.next_deadline.map(Instant::as_nanos)),
            failure: Maybe::of(turn.failure),
        }
    }
}

/// `outgoing`.
#[derive(Clone, Copy)]
#[repr(C)]
struct OutgoingRecord {
    kind: u8,
    start: u32,
    length: u32,
    detail: u64,
    has_context: u8,
    context: u64,
}

impl From<OutgoingRecord> for exchange::Outgoing {
    fn from(record: OutgoingRecord) -> Self {
        exchange::Outgoing {
            kind: record.kind,
            start: record.start,
            length: record.length,
            detail: record.detail,
            context: (record.has_context != 0).then_some(record.context),
        }
    }
}

/// A list that the host has placed in this memory, by `cabi_realloc`.
///
/// # Safety
///
/// The list is the host's argument, of this type, and is taken once.
unsafe fn take<T>(start: *mut T, length: usize) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: `cabi_realloc` allocates with the alignment of `T` and for `length`
    // of it, from the allocator that frees it.
    unsafe { Vec::from_raw_parts(start, length, length) }
}

#[unsafe(export_name = "websocket:protocol/session@0.1.0#[method]websocket-session.exchange")]
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
    session.get::<Resource>().with_lent(|session, lent| {
        let Lent { turn, record } = lent;
        turn.renew(
            session,
            input,
            outgoing.into_iter().map(Into::into),
            &payload,
            Instant::from_nanos(now),
            capacity as usize,
        );
        record.source = TurnRecord::of(turn, session);
        ptr::from_ref(&record.source).cast()
    })
}

#[unsafe(export_name = "websocket:protocol/session@0.1.0#[method]websocket-session.relay")]
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
    let now = Instant::from_nanos(now);
    session.get::<Resource>().with_lent(|session, lent| {
        let Lent { turn, record } = lent;
        *record = RelayRecord::default();
        if is_itself {
            turn.refuse(session, Rule::RelayToItself);
            record.source = TurnRecord::of(turn, session);
            record.target = TurnRecord::of(turn, session);
            return ptr::from_ref(record).cast();
        }
        target.get::<Resource>().with_lent(|target, other| {
            if target.state() == State::Connecting {
                turn.refuse(session, Rule::NotOpen);
                other.turn.refuse(target, Rule::NotOpen);
                record.source = TurnRecord::of(turn, session);
                record.target = TurnRecord::of(&other.turn, target);
                return ptr::from_ref(record).cast();
            }
            let to = (&mut *target, &mut other.turn);
            let relayed = turn.relay(session, to, input, now, capacity as usize);
            *record = RelayRecord {
                source: TurnRecord::of(turn, session),
                target: TurnRecord::of(&other.turn, target),
                messages: relayed.messages,
                bytes: relayed.bytes,
            };
            ptr::from_ref(record).cast()
        })
    })
}
