//! The exports of `advance` and `progress`, by hand, for the same reasons as those of
//! `exchange`.

use alloc::vec::Vec;
use core::ptr;

use super::bindings::inspector::{self as wit, WebsocketInspectorBorrow};
use super::convert::instant;
use super::layout::{EditRecord, ProgressRecord, SeenRecord, StepRecord, take};
use super::resource;
use crate::Role;
use crate::inspector::{Edit, Inspector};

/// The resource of an inspector.
pub(super) type Resource = resource::Resource<Inspector, Borrowed>;

/// What the host reads after a call, and what it points at.
#[derive(Default)]
pub(super) struct Borrowed {
    step: StepRecord,
    seen: Vec<SeenRecord>,
    payload: Vec<u8>,
    edits: [Edits; 2],
}

/// The edits of one side that the last call gave.
#[derive(Default)]
struct Edits {
    edits: Vec<Edit>,
    records: Vec<EditRecord>,
}

impl Edits {
    fn take(&mut self, inspector: &mut Inspector, from: Role) {
        self.edits.clear();
        self.records.clear();
        self.edits.extend(inspector.take_edits(from));
        self.records.extend(self.edits.iter().map(EditRecord::from));
        crate::limits::trim(&mut self.edits);
        crate::limits::trim(&mut self.records);
    }
}

impl Borrowed {
    fn progress(&mut self, inspector: &mut Inspector) -> &ProgressRecord {
        let [client, server] = &mut self.edits;
        client.take(inspector, Role::Client);
        server.take(inspector, Role::Server);
        let progress = &mut self.step.progress;
        progress.set(inspector, [&client.records, &server.records]);
        progress
    }
}

/// The cases of `side`, by their numbers.
fn side(number: u32) -> Role {
    match number {
        0 => wit::Side::Client.into(),
        _ => wit::Side::Server.into(),
    }
}

#[unsafe(export_name = "websocket:protocol/inspector@0.2.0#[method]websocket-inspector.advance")]
unsafe extern "C" fn export_advance(
    inspector: *const u8,
    from: u32,
    skipped: u64,
    input: *mut u8,
    input_length: usize,
    now: u64,
) -> *const u8 {
    // SAFETY: the host passes the representation of an inspector that it borrows.
    let inspector = unsafe { WebsocketInspectorBorrow::lift(inspector) };
    // SAFETY: the list is this call's argument.
    let mut input = unsafe { take(input, input_length) };
    let now = instant(now);
    inspector
        .get::<Resource>()
        .with_borrowed(|inspector, borrowed| {
            let Borrowed {
                step,
                seen,
                payload,
                ..
            } = borrowed;
            seen.clear();
            payload.clear();
            match inspector.advance(side(from), skipped, &mut input, now) {
                Ok(taken) => {
                    step.set(&taken);
                    seen.extend(taken.seen().map(|seen| SeenRecord::of(seen, payload)));
                }
                Err(rule) => step.set_refused(rule),
            }
            crate::limits::trim(seen);
            crate::limits::trim(payload);
            step.set_seen(seen, payload);
            borrowed.progress(inspector);
            ptr::from_ref(&borrowed.step).cast()
        })
}

#[unsafe(export_name = "websocket:protocol/inspector@0.2.0#[method]websocket-inspector.progress")]
unsafe extern "C" fn export_progress(inspector: *const u8) -> *const u8 {
    // SAFETY: the host passes the representation of an inspector that it borrows.
    let inspector = unsafe { WebsocketInspectorBorrow::lift(inspector) };
    inspector
        .get::<Resource>()
        .with_borrowed(|inspector, borrowed| ptr::from_ref(borrowed.progress(inspector)).cast())
}
