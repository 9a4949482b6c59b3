//! The action model of `websocket.dll`, rule by rule.

mod end;
mod receive;
mod send;

use host_tests::wire::{self, Frame};
use host_tests::{ActionIs, Engine, Event};
use websocket_component::handshake::Negotiated;
use websocket_component::{ActionId, ActionQueue, Completion, Config, Instant, Role};

const NOW: Instant = Instant::from_nanos(5);

fn open<E: Engine>(role: Role) -> E {
    E::open(role, &Config::default(), &Negotiated::default()).unwrap()
}

fn action<E: Engine>(engine: &mut E) -> ActionIs {
    engine.get_action(ActionQueue::All, NOW)
}

#[track_caller]
fn expect_write<E: Engine>(engine: &mut E) -> (ActionId, Vec<u8>) {
    match action(engine) {
        ActionIs::SendToNetwork(id, bytes) => (id, bytes),
        other => panic!("not a write: {other:?}"),
    }
}

/// Completes the pending write, whole.
#[track_caller]
fn write<E: Engine>(engine: &mut E) -> Vec<u8> {
    let (id, bytes) = expect_write(engine);
    complete(engine, id, Completion::Sent(bytes.len()));
    bytes
}

#[track_caller]
fn expect_read<E: Engine>(engine: &mut E) -> ActionId {
    match action(engine) {
        ActionIs::ReceiveFromNetwork(id, _) => id,
        other => panic!("not a read: {other:?}"),
    }
}

/// Completes the pending read with these bytes.
#[track_caller]
fn read<E: Engine>(engine: &mut E, bytes: &[u8]) {
    let id = expect_read(engine);
    complete(engine, id, Completion::Read(bytes));
}

#[track_caller]
fn complete<E: Engine>(engine: &mut E, id: ActionId, completion: Completion<'_>) {
    engine.complete_action(id, completion, NOW).unwrap();
}

/// The next action completes a receive: its context, and what was received.
#[track_caller]
fn received<E: Engine>(engine: &mut E) -> (Option<u64>, Option<Event>) {
    match action(engine) {
        ActionIs::ReceiveComplete(id, context, event) => {
            complete(engine, id, Completion::Acknowledged);
            (context, event)
        }
        other => panic!("not the end of a receive: {other:?}"),
    }
}

/// The next action completes a send: its context, and whether it was written.
#[track_caller]
fn sent<E: Engine>(engine: &mut E) -> (Option<u64>, bool) {
    match action(engine) {
        ActionIs::SendComplete(id, context, written) => {
            complete(engine, id, Completion::Acknowledged);
            (context, written)
        }
        other => panic!("not the end of a send: {other:?}"),
    }
}

fn peers(role: Role, frames: &[Frame]) -> Vec<u8> {
    wire::bytes_of(frames, role.peer())
}
