//! The batched call: one crossing for each read from the network.

use alloc::vec::Vec;

use super::bindings::session::Kind as WitKind;
use crate::session::{Kind, Place, Record};
use crate::{Instant, Message, Relayed, Rule, Session, State};

/// The most events of one turn, so that a flood of tiny frames doesn't swell it.
const MAX_EVENTS: usize = 4096;
/// The detail of a message that is not to be compressed.
const UNCOMPRESSED: u64 = 1;
/// The code of a close frame that holds none (RFC 6455, section 7.4.1).
const NO_STATUS: u64 = 1005;

/// An event, laid out as the canonical ABI has it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Event {
    kind: u8,
    start: u32,
    length: u32,
    detail: u64,
}

/// A record of what is to be sent. The kind is checked before it is used.
pub(super) struct Outgoing {
    pub(super) kind: u8,
    pub(super) start: u32,
    pub(super) length: u32,
    pub(super) detail: u64,
    pub(super) context: Option<u64>,
}

/// Where the messages of a turn go, if not to the host.
struct Relay<'a> {
    target: &'a mut Session,
    relayed: Relayed,
    /// Why the target didn't take one.
    refused: Option<Rule>,
}

impl Relay<'_> {
    fn pass_on(&mut self, turn: &crate::Turn<'_>, record: &Record) {
        let passed = turn.pass_on(record, self.target, &mut self.relayed);
        self.refused = passed.err();
    }

    fn is_full(&self, capacity: usize) -> bool {
        self.refused.is_some() || self.target.buffered_amount() >= capacity
    }
}

/// Where the payloads of a turn's messages are until the next one.
enum Payload {
    /// In what was the input, and behind it.
    Input(Vec<u8>),
    /// In the session's assembly, which ends here.
    Assembled(usize),
}

impl Default for Payload {
    fn default() -> Payload {
        Payload::Assembled(0)
    }
}

/// What of it a turn's events point at.
#[derive(Default)]
struct Used {
    input: bool,
    /// How much of the assembly.
    assembly: usize,
    /// Payloads of control frames that came in several inputs: which events, and where
    /// their bytes begin among these.
    aside: Vec<(usize, usize)>,
    bytes: Vec<u8>,
}

/// All that follows from one input.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) consumed: usize,
    pub(super) events: Vec<Event>,
    payload: Payload,
    pub(super) output: Vec<u8>,
    pub(super) accepted: u32,
    pub(super) refused: Option<Rule>,
    pub(super) more: bool,
    pub(super) state: Option<State>,
    pub(super) next_deadline: Option<Instant>,
    pub(super) failure: Option<Rule>,
}

impl Turn {
    /// Makes the next turn, in the memory of this one.
    pub(super) fn renew(
        &mut self,
        session: &mut Session,
        input: Vec<u8>,
        outgoing: impl Iterator<Item = Outgoing>,
        payload: &[u8],
        now: Instant,
        capacity: usize,
    ) {
        self.queue(session, outgoing, payload, now);
        self.run(session, None, input, now, capacity);
    }

    /// Makes the next turn, in the memory of this one, whose messages another
    /// session sends, and the next turn of that one.
    pub(super) fn relay(
        &mut self,
        session: &mut Session,
        target: (&mut Session, &mut Turn),
        input: Vec<u8>,
        now: Instant,
        capacity: usize,
    ) -> Relayed {
        let (target, target_turn) = target;
        let mut relay = Relay {
            target,
            relayed: Relayed::default(),
            refused: None,
        };
        relay.target.read_clock(now);
        self.forget_queued();
        self.run(session, Some(&mut relay), input, now, capacity);
        let Relay {
            target,
            relayed,
            refused,
        } = relay;
        target_turn.forget_queued();
        target_turn.refused = refused;
        target_turn.consumed = 0;
        target_turn.events.clear();
        target_turn.payload = Payload::default();
        target_turn.hand_out(target, false, now, capacity.max(1));
        relayed
    }

    /// Makes a turn in which nothing happens, because of a rule that the host broke.
    pub(super) fn refuse(&mut self, session: &Session, rule: Rule) {
        *self = Turn {
            refused: Some(rule),
            state: Some(session.state()),
            next_deadline: session.next_deadline(),
            failure: session.failure(),
            ..Turn::default()
        };
    }

    /// What follows from the input, from what was queued, and from the time.
    fn run(
        &mut self,
        session: &mut Session,
        relay: Option<&mut Relay<'_>>,
        input: Vec<u8>,
        now: Instant,
        capacity: usize,
    ) {
        // Without any room a turn would only ask for another.
        let capacity = capacity.max(1);
        let full = self.collect(session, relay, input, now, capacity);
        self.hand_out(session, full, now, capacity);
    }

    /// What the session wants written, and where it is.
    fn hand_out(&mut self, session: &mut Session, full: bool, now: Instant, capacity: usize) {
        self.output = session.take_output(capacity, now);
        self.collect_sent(session);
        let state = session.state();
        self.state = Some(state);
        self.next_deadline = session.next_deadline();
        let waits = full || session.has_more() || session.buffered_amount() > 0;
        self.more = waits && state != State::Closed;
        self.failure = session.failure();
    }

    fn forget_queued(&mut self) {
        self.accepted = 0;
        self.refused = None;
    }

    /// Queues what is to be sent, up to the first record that is refused.
    fn queue(
        &mut self,
        session: &mut Session,
        outgoing: impl Iterator<Item = Outgoing>,
        payload: &[u8],
        now: Instant,
    ) {
        self.forget_queued();
        for record in outgoing {
            let queued = message(&record, payload).and_then(|message| {
                // What isn't a message has another detail, and is never compressed.
                if record.detail == UNCOMPRESSED {
                    session.send_uncompressed(message, record.context, now)
                } else {
                    session.send(message, record.context, now)
                }
            });
            if let Err(rule) = queued {
                self.refused = Some(rule);
                return;
            }
            self.accepted += 1;
        }
    }

    /// Collects what the session makes of the input. Returns whether it stopped
    /// because the turn is full.
    ///
    /// Events that don't point into the input point behind it, as if the session's
    /// assembly followed it, and then what is kept aside. In the steady state there is
    /// only one: the input itself, or a message that came in several inputs.
    fn collect(
        &mut self,
        session: &mut Session,
        mut relay: Option<&mut Relay<'_>>,
        mut input: Vec<u8>,
        now: Instant,
        capacity: usize,
    ) -> bool {
        self.events.clear();
        let end = input.len();
        let mut used = Used::default();
        let mut held = 0;
        let mut turn = session.input(&mut input, now);
        let full = loop {
            let is_full = held >= capacity || self.events.len() >= MAX_EVENTS;
            if is_full || relay.as_ref().is_some_and(|relay| relay.is_full(capacity)) {
                break true;
            }
            let Some(record) = turn.next_record() else {
                break false;
            };
            #[cfg(feature = "misbehave")]
            super::misbehave::on(turn.payload(&record.place));
            if let Some(relay) = &mut relay
                && record.kind.is_of_message()
            {
                relay.pass_on(&turn, &record);
                continue;
            }
            let length = record.place.len();
            let start = match &record.place {
                Place::Input(range) => {
                    used.input |= length > 0;
                    range.start
                }
                Place::Assembled(range) => {
                    used.assembly = range.end;
                    end + range.start
                }
                place @ Place::Control(_) => {
                    used.aside.push((self.events.len(), used.bytes.len()));
                    used.bytes.extend_from_slice(turn.payload(place));
                    0
                }
            };
            held += length;
            self.events.push(Event {
                kind: WitKind::from(record.kind) as u8,
                start: start as u32,
                length: length as u32,
                detail: record.detail,
            });
        };
        self.consumed = turn.consumed();
        self.lend(session, input, used);
        full
    }

    /// Puts what the events point at into one place, without a copy if it is in one.
    fn lend(&mut self, session: &Session, mut input: Vec<u8>, used: Used) {
        if !used.input && used.aside.is_empty() {
            for event in &mut self.events {
                event.start = event.start.saturating_sub(input.len() as u32);
            }
            self.payload = Payload::Assembled(used.assembly);
            return;
        }
        let assembled = session.assembled().get(..used.assembly);
        input.extend_from_slice(assembled.unwrap_or_default());
        for (index, start) in used.aside {
            if let Some(event) = self.events.get_mut(index) {
                event.start = (input.len() + start) as u32;
            }
        }
        input.extend_from_slice(&used.bytes);
        self.payload = Payload::Input(input);
    }

    /// What the events point into.
    pub(super) fn payload<'a>(&'a self, session: &'a Session) -> &'a [u8] {
        match &self.payload {
            Payload::Input(bytes) => bytes,
            Payload::Assembled(end) => session.assembled().get(..*end).unwrap_or_default(),
        }
    }

    fn collect_sent(&mut self, session: &mut Session) {
        while let Some(sent) = session.sent() {
            if let Some(context) = sent.context {
                let kind = match sent.complete {
                    true => WitKind::Sent,
                    false => WitKind::Cancelled,
                };
                self.events.push(Event {
                    kind: kind as u8,
                    start: 0,
                    length: 0,
                    detail: context,
                });
            }
        }
    }
}

fn message<'a>(record: &Outgoing, payload: &'a [u8]) -> Result<Message<'a>, Rule> {
    let start = record.start as usize;
    let bytes = payload
        .get(start..)
        .and_then(|rest| rest.get(..record.length as usize))
        .ok_or(Rule::PayloadOutOfBounds)?;
    const TEXT: u8 = WitKind::Text as u8;
    const TEXT_FRAGMENT: u8 = WitKind::TextFragment as u8;
    const BINARY: u8 = WitKind::Binary as u8;
    const BINARY_FRAGMENT: u8 = WitKind::BinaryFragment as u8;
    const PING: u8 = WitKind::Ping as u8;
    const PONG: u8 = WitKind::Pong as u8;
    const CLOSE: u8 = WitKind::Close as u8;
    const FRAME: u8 = WitKind::Frame as u8;
    Ok(match record.kind {
        TEXT => Message::Utf8(bytes),
        TEXT_FRAGMENT => Message::Utf8Fragment(bytes),
        BINARY => Message::Binary(bytes),
        BINARY_FRAGMENT => Message::BinaryFragment(bytes),
        PING => Message::Ping(bytes),
        PONG => Message::Pong(bytes),
        CLOSE if record.detail == NO_STATUS && bytes.is_empty() => Message::Close,
        CLOSE => {
            let code = u16::try_from(record.detail).map_err(|_| Rule::CloseCodeForbidden)?;
            Message::CloseWith(code, bytes)
        }
        FRAME => {
            let bits = u8::try_from(record.detail).map_err(|_| Rule::FrameHeaderInvalid)?;
            Message::ExtensionFrame(bits, bytes)
        }
        _ => return Err(Rule::FrameHeaderInvalid),
    })
}

impl From<Kind> for WitKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => WitKind::Text,
            Kind::TextFragment => WitKind::TextFragment,
            Kind::Binary => WitKind::Binary,
            Kind::BinaryFragment => WitKind::BinaryFragment,
            Kind::Ping => WitKind::Ping,
            Kind::Pong => WitKind::Pong,
            Kind::Close => WitKind::Close,
            Kind::ExtensionFrame => WitKind::Frame,
            Kind::Request => WitKind::Request,
            Kind::Opened => WitKind::Opened,
        }
    }
}
