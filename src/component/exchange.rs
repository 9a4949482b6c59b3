//! The batched call: one crossing for each read from the network.

use alloc::vec::Vec;

use super::bindings::session as wit;
use crate::session::{Kind, Place};
use crate::{Instant, Message, Rule, Session};

/// The most events of one turn, so that a flood of tiny frames doesn't swell it.
const MOST_EVENTS: usize = 4096;

pub(super) fn exchange(
    session: &mut Session,
    input: Vec<u8>,
    outgoing: &[wit::Outgoing],
    payload: &[u8],
    now: Instant,
    capacity: usize,
) -> wit::Turn {
    session.read_clock(now);
    let (accepted, refused) = queue(session, outgoing, payload);
    let mut turn = Batch::new(input);
    let full = turn.collect(session, now, capacity);
    let output = session.take_output(capacity.max(1));
    turn.collect_sent(session);
    wit::Turn {
        consumed: turn.consumed as u32,
        events: turn.events,
        payload: join(turn.input, turn.other, turn.points_into_input),
        output,
        accepted,
        refused: refused.map(Into::into),
        more: full || session.buffered_amount() > 0,
        state: session.state().into(),
        next_deadline: session.next_deadline().map(Instant::as_nanos),
        failure: session.failure().map(Into::into),
    }
}

/// Queues what is to be sent, up to the first record that is refused.
fn queue(session: &mut Session, outgoing: &[wit::Outgoing], payload: &[u8]) -> (u32, Option<Rule>) {
    let mut accepted = 0;
    for record in outgoing {
        let queued =
            message(record, payload).and_then(|message| session.send(message, record.context));
        if let Err(rule) = queued {
            return (accepted, Some(rule));
        }
        accepted += 1;
    }
    (accepted, None)
}

fn message<'a>(record: &wit::Outgoing, payload: &'a [u8]) -> Result<Message<'a>, Rule> {
    let start = record.start as usize;
    let bytes = payload
        .get(start..)
        .and_then(|rest| rest.get(..record.length as usize))
        .ok_or(Rule::PayloadOutOfBounds)?;
    Ok(match record.kind {
        wit::Kind::Text => Message::Utf8(bytes),
        wit::Kind::TextFragment => Message::Utf8Fragment(bytes),
        wit::Kind::Binary => Message::Binary(bytes),
        wit::Kind::BinaryFragment => Message::BinaryFragment(bytes),
        wit::Kind::Ping => Message::Ping(bytes),
        wit::Kind::Pong => Message::Pong(bytes),
        wit::Kind::Close if record.detail == 1005 && bytes.is_empty() => Message::Close,
        wit::Kind::Close => {
            let code = u16::try_from(record.detail).map_err(|_| Rule::CloseCodeForbidden)?;
            Message::CloseWith(code, bytes)
        }
        wit::Kind::Frame => {
            let bits = u8::try_from(record.detail).map_err(|_| Rule::FrameHeadInvalid)?;
            Message::Frame(bits, bytes)
        }
        wit::Kind::Request | wit::Kind::Opened | wit::Kind::Sent => {
            return Err(Rule::FrameHeadInvalid);
        }
    })
}

/// The events of a turn as they are collected. Those that don't point into the
/// input point behind it, at bytes that are kept aside.
struct Batch {
    input: Vec<u8>,
    other: Vec<u8>,
    points_into_input: bool,
    events: Vec<wit::Event>,
    consumed: usize,
}

impl Batch {
    fn new(input: Vec<u8>) -> Batch {
        Batch {
            input,
            other: Vec::new(),
            points_into_input: false,
            events: Vec::new(),
            consumed: 0,
        }
    }

    /// Collects what the session makes of the input. Returns whether it stopped
    /// because the turn is full.
    fn collect(&mut self, session: &mut Session, now: Instant, capacity: usize) -> bool {
        let end = self.input.len();
        let mut held = 0;
        let mut turn = session.input(&mut self.input, now);
        let full = loop {
            if held >= capacity || self.events.len() >= MOST_EVENTS {
                break true;
            }
            let Some(record) = turn.next_record() else {
                break false;
            };
            let (start, length) = match &record.place {
                Place::Input(range) => {
                    self.points_into_input |= !range.is_empty();
                    (range.start, range.len())
                }
                place => {
                    let bytes = turn.payload(place);
                    let start = end + self.other.len();
                    self.other.extend_from_slice(bytes);
                    (start, bytes.len())
                }
            };
            #[cfg(feature = "misbehave")]
            super::misbehave::on(turn.payload(&record.place));
            held += length;
            self.events.push(wit::Event {
                kind: record.kind.into(),
                start: start as u32,
                length: length as u32,
                detail: record.detail,
            });
        };
        self.consumed = turn.consumed();
        if !self.points_into_input {
            for event in &mut self.events {
                event.start = event.start.saturating_sub(end as u32);
            }
        }
        full
    }

    fn collect_sent(&mut self, session: &mut Session) {
        while let Some(sent) = session.sent() {
            if let (Some(context), true) = (sent.context, sent.complete) {
                self.events.push(wit::Event {
                    kind: wit::Kind::Sent,
                    start: 0,
                    length: 0,
                    detail: context,
                });
            }
        }
    }
}

/// The one buffer that the events point into. In the steady state it is the input
/// itself, or else a message that came in several inputs; neither is copied.
fn join(mut input: Vec<u8>, other: Vec<u8>, points_into_input: bool) -> Vec<u8> {
    if !points_into_input {
        return other;
    }
    input.extend_from_slice(&other);
    input
}

impl From<Kind> for wit::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => wit::Kind::Text,
            Kind::TextFragment => wit::Kind::TextFragment,
            Kind::Binary => wit::Kind::Binary,
            Kind::BinaryFragment => wit::Kind::BinaryFragment,
            Kind::Ping => wit::Kind::Ping,
            Kind::Pong => wit::Kind::Pong,
            Kind::Close => wit::Kind::Close,
            Kind::Frame => wit::Kind::Frame,
            Kind::Request => wit::Kind::Request,
            Kind::Opened => wit::Kind::Opened,
        }
    }
}
