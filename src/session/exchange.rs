//! The batched calls: input and messages to send, with events and output as the result.

use alloc::vec::Vec;
use core::mem;

use super::clock::Instant;
use super::event::{Event, Message};
use super::{Events, Session, State};
use crate::limits::KEPT_CAPACITY;
use crate::stream::{EventKind, PayloadRef, Record};
use crate::{Failure, Rule};

/// The most events of one call, so that a flood of tiny frames doesn't swell its result.
const MAX_EVENTS: usize = 4096;

/// A message to send, with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The message, or a fragment of one.
    pub message: Message<'a>,
    /// Whether it may be compressed; see [`Session::send_uncompressed`].
    pub compress: bool,
    /// If given, an event with this context reports that the last byte was handed out, or that
    /// the send was cancelled.
    pub context: Option<u64>,
}

impl<'a> From<Message<'a>> for Outgoing<'a> {
    /// A message that may be compressed, without a context.
    fn from(message: Message<'a>) -> Outgoing<'a> {
        Outgoing {
            message,
            compress: true,
            context: None,
        }
    }
}

/// An event that points at its bytes in [`Exchanged::payload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
#[non_exhaustive]
pub struct EventRecord {
    /// What it is.
    pub kind: EventKind,
    /// Where its bytes begin.
    pub start: usize,
    /// How many bytes it has.
    pub length: usize,
}

impl EventRecord {
    /// Returns the event, with its bytes.
    pub fn event<'a>(&self, payload: &'a [u8]) -> Event<'a> {
        let end = self.start.saturating_add(self.length);
        Event::new(self.kind, payload.get(self.start..end).unwrap_or_default())
    }
}

/// The result of [`Session::exchange`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchanged<'a> {
    /// How many bytes of the input were consumed. Pass the rest again in the next call: at
    /// once if `more` is set, after answering a request, or with more bytes if a message was
    /// left in the input.
    pub consumed: usize,
    /// How many bytes, from `consumed` on, the message that was left in the input takes at
    /// least ([`Config::leave_unfinished`](crate::Config::leave_unfinished)).
    pub awaited: Option<usize>,
    /// What was received, in order, then the sends that were completed or cancelled.
    pub records: &'a [EventRecord],
    /// The bytes that the records point into.
    pub payload: &'a [u8],
    /// The bytes to write now, before those of any later call.
    pub output: &'a [u8],
    /// How many of the outgoing messages were queued.
    pub accepted: usize,
    /// Why the next one was refused, if it was.
    pub refused: Option<Failure>,
    /// Whether another call with the same `now` would bring more. Never set once the state is
    /// draining or closed: unconsumed input is then irrelevant.
    pub more: bool,
    /// The session's state.
    pub state: State,
    /// When to call again if no input arrives first: never earlier than `now`.
    pub next_deadline: Option<Instant>,
    /// The rule that ended the session, in this call or an earlier one.
    pub failure: Option<Failure>,
}

impl<'a> Exchanged<'a> {
    /// Returns the events, with their bytes.
    pub fn events(&self) -> impl Iterator<Item = Event<'a>> + use<'a> {
        let payload = self.payload;
        self.records.iter().map(|record| record.event(payload))
    }
}

/// The result of [`Session::relay`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Relayed<'a> {
    /// The result of the session that received. Its events are all but messages and their
    /// chunks.
    pub source: Exchanged<'a>,
    /// The result of the session that sends. Its events are the sends that were completed or
    /// cancelled.
    pub target: Exchanged<'a>,
    /// How many messages were received to their end.
    pub messages: u64,
    /// How many bytes of payload were received.
    pub bytes: u64,
}

/// What a call gives back, in memory that the next one uses again.
#[derive(Default)]
pub(super) struct Exchange {
    records: Vec<EventRecord>,
    /// What the records point into, if that isn't in one place.
    payload: Vec<u8>,
    output: Vec<u8>,
}

/// Where the bytes are that a call's records point at.
enum Payload {
    /// In the input, up to here.
    Input(usize),
    /// In the session's assembly, up to here.
    Assembled(usize),
    Copied,
}

/// What a call's records point at.
#[derive(Default)]
struct Used {
    /// How much of the input.
    input: usize,
    /// How much of the session's assembly.
    assembly: usize,
    /// The payload of the control frame that came in several inputs, which is the first of
    /// them, and its record.
    control: Option<(usize, Vec<u8>)>,
}

/// How far a call came with its input.
struct Collected {
    consumed: usize,
    /// It stopped because it had enough.
    is_full: bool,
    payload: Payload,
}

impl Collected {
    const NOTHING: Collected = Collected {
        consumed: 0,
        is_full: false,
        payload: Payload::Input(0),
    };
}

/// Which outgoing messages were queued, and why the next was not.
type Queued = (usize, Option<Rule>);

/// Where the messages of an input go, if not to the host.
struct Relay<'a> {
    target: &'a mut Session,
    messages: u64,
    bytes: u64,
    /// Why the target didn't take one.
    refused: Option<Rule>,
}

impl Relay<'_> {
    fn pass_on(&mut self, events: &Events<'_>, record: &Record) {
        let bytes = events.payload(&record.place);
        self.messages += u64::from(record.kind.ends_message());
        self.bytes += bytes.len() as u64;
        if self.target.life.takes_messages() {
            let checked = events.checks_utf8();
            let passed = self.target.sender.pass_on(record.kind, bytes, checked);
            self.refused = passed.err();
        }
    }

    fn is_full(&self, capacity: usize) -> bool {
        let waits = self.target.life.takes_messages() && self.target.buffered_amount() >= capacity;
        self.refused.is_some() || waits
    }
}

impl Session {
    /// Queues messages, processes input, and returns events and output: the batched call.
    ///
    /// `outgoing` is queued before `input` is parsed, in order, up to the first message that
    /// is refused. No further input is taken once the result holds `capacity` bytes of
    /// payload, and no more than `capacity` bytes of output are handed out; a message is
    /// delivered whole even if it is longer. A `capacity` of 0 counts as 1. Payloads are
    /// unmasked in `input` itself.
    ///
    /// If a rule is broken after a message in the same input, the session ends in the next
    /// call, whose `outgoing` may answer the message: [`Exchanged::more`] is set.
    ///
    /// ```
    /// use websocket_component::{Config, Event, Instant, Message, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut client = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// let mut server = Session::open_server(Config::default(), Default::default(), now)?;
    ///
    /// let hello = Message::Text("Hello").into();
    /// let mut bytes = server.exchange(&mut [], [hello], now, 65_536).output.to_vec();
    /// let exchanged = client.exchange(&mut bytes, [], now, 65_536);
    /// let expected = Event::Text { payload: b"Hello", last: true };
    /// assert!(exchanged.events().eq([expected]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn exchange<'a, 'm>(
        &'a mut self,
        input: &'a mut [u8],
        outgoing: impl IntoIterator<Item = Outgoing<'m>>,
        now: Instant,
        capacity: usize,
    ) -> Exchanged<'a> {
        self.exchange_records(input, outgoing.into_iter().map(Ok), now, capacity)
    }

    /// Exchanges messages that may be none: the first of those is refused.
    pub(crate) fn exchange_records<'a, 'm>(
        &'a mut self,
        input: &'a mut [u8],
        outgoing: impl Iterator<Item = Result<Outgoing<'m>, Rule>>,
        now: Instant,
        capacity: usize,
    ) -> Exchanged<'a> {
        let queued = self.queue(outgoing, now);
        // Without any room a call would only ask for another.
        let capacity = capacity.max(1);
        let mut exchange = mem::take(&mut self.exchange);
        let collected = exchange.collect(self, None, input, now, capacity);
        exchange.hand_out(self, now, capacity);
        self.exchange = exchange;
        self.exchanged(input, &collected, queued)
    }

    /// Processes input, and queues the messages in it on `target`: a relay without a copy
    /// through the host.
    ///
    /// A message that is delivered in chunks is sent in fragments. No further input is taken
    /// once `target` holds `capacity` bytes of output, which a message may exceed by its own
    /// length, and no more than that are handed out by each session. If the target can't send
    /// messages any more, they are consumed, counted and dropped.
    ///
    /// [`Exchanged::refused`] of the target is [`Rule::FragmentMismatch`] or
    /// [`Rule::TextNotUtf8`] if the host has begun another message in fragments there; the one
    /// that was received is lost. Both results are refused with [`Rule::NotOpen`], and nothing
    /// is consumed, if the target isn't open yet.
    ///
    /// ```
    /// use websocket_component::{Config, Instant, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut one = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// let mut other = Session::open_server(Config::default(), Default::default(), now)?;
    /// let mut input = *b"\x81\x05Hello";
    /// let relayed = one.relay(&mut other, &mut input, now, 65_536);
    /// assert_eq!(relayed.target.output, b"\x81\x05Hello");
    /// assert_eq!((relayed.messages, relayed.bytes), (1, 5));
    /// # Ok(())
    /// # }
    /// ```
    pub fn relay<'a>(
        &'a mut self,
        target: &'a mut Session,
        input: &'a mut [u8],
        now: Instant,
        capacity: usize,
    ) -> Relayed<'a> {
        if target.state() == State::Connecting {
            return Relayed {
                source: self.refused(Rule::NotOpen),
                target: target.refused(Rule::NotOpen),
                messages: 0,
                bytes: 0,
            };
        }
        let capacity = capacity.max(1);
        target.read_clock(now);
        let mut relay = Relay {
            target,
            messages: 0,
            bytes: 0,
            refused: None,
        };
        let mut exchange = mem::take(&mut self.exchange);
        let collected = exchange.collect(self, Some(&mut relay), input, now, capacity);
        exchange.hand_out(self, now, capacity);
        self.exchange = exchange;
        let Relay {
            target,
            messages,
            bytes,
            refused,
        } = relay;
        let mut exchange = mem::take(&mut target.exchange);
        exchange.begin();
        exchange.hand_out(target, now, capacity);
        target.exchange = exchange;
        Relayed {
            source: self.exchanged(input, &collected, (0, None)),
            target: target.exchanged(&[], &Collected::NOTHING, (0, refused)),
            messages,
            bytes,
        }
    }

    /// Returns the result of a call in which nothing happens, because of a rule that the host
    /// broke.
    pub(crate) fn refused(&mut self, rule: Rule) -> Exchanged<'_> {
        self.exchange.records.clear();
        self.exchange.output.clear();
        Exchanged {
            more: false,
            ..self.exchanged(&[], &Collected::NOTHING, (0, Some(rule)))
        }
    }

    /// Queues what is to be sent, up to the first message that is refused.
    fn queue<'m>(
        &mut self,
        outgoing: impl Iterator<Item = Result<Outgoing<'m>, Rule>>,
        now: Instant,
    ) -> Queued {
        let mut accepted = 0;
        for outgoing in outgoing {
            let queued = outgoing.and_then(|outgoing| {
                let Outgoing {
                    message,
                    compress,
                    context,
                } = outgoing;
                match compress {
                    true => self.send(message, context, now),
                    false => self.send_uncompressed(message, context, now),
                }
            });
            if let Err(rule) = queued {
                return (accepted, Some(rule));
            }
            accepted += 1;
        }
        (accepted, None)
    }

    /// Returns the result that the last call has left, and where the session is.
    fn exchanged<'a>(
        &'a self,
        input: &'a [u8],
        collected: &Collected,
        (accepted, refused): Queued,
    ) -> Exchanged<'a> {
        let state = self.state();
        let waits = collected.is_full || self.has_more() || self.buffered_amount() > 0;
        Exchanged {
            consumed: collected.consumed,
            awaited: self.receiver.awaited(),
            records: &self.exchange.records,
            payload: match collected.payload {
                Payload::Input(end) => input.get(..end).unwrap_or_default(),
                Payload::Assembled(end) => self.assembled().get(..end).unwrap_or_default(),
                Payload::Copied => &self.exchange.payload,
            },
            output: &self.exchange.output,
            accepted,
            refused: refused.map(|rule| self.describe(rule)),
            more: waits && !matches!(state, State::Draining | State::Closed),
            state,
            next_deadline: self.next_deadline(),
            failure: self.failure(),
        }
    }
}

impl Exchange {
    /// Forgets what the last call gave back. One that gave back much leaves no memory behind.
    fn begin(&mut self) {
        reuse(&mut self.records);
        reuse(&mut self.payload);
    }

    /// Collects what the session makes of the input, or passes its messages on.
    ///
    /// Until all is known a record that doesn't point into the input points behind it, as if
    /// the session's assembly followed there. In the steady state there is only one: the
    /// input itself, or a message that came in several inputs.
    fn collect(
        &mut self,
        session: &mut Session,
        mut relay: Option<&mut Relay<'_>>,
        input: &mut [u8],
        now: Instant,
        capacity: usize,
    ) -> Collected {
        self.begin();
        let end = input.len();
        let mut used = Used::default();
        let mut held = 0;
        let mut events = session.input(input, now);
        let is_full = loop {
            if held >= capacity || self.records.len() >= MAX_EVENTS {
                if events.consumed() == end {
                    events.handle_due();
                }
                break true;
            }
            if relay.as_ref().is_some_and(|relay| relay.is_full(capacity)) {
                // What is due doesn't wait until the target has room.
                events.handle_due();
                break true;
            }
            let Some(record) = events.next_record() else {
                break false;
            };
            #[cfg(websocket_misbehave)]
            crate::misbehave::on(events.payload(&record.place));
            if let Some(relay) = &mut relay
                && record.kind.is_of_message()
            {
                relay.pass_on(&events, &record);
                continue;
            }
            let length = record.place.len();
            let start = match &record.place {
                // Nothing may point beyond what is handed out.
                _ if length == 0 => 0,
                PayloadRef::Input(range) => {
                    used.input = range.end;
                    range.start
                }
                PayloadRef::Assembled(range) => {
                    used.assembly = range.end;
                    end + range.start
                }
                place @ PayloadRef::Control(_) => {
                    used.control = Some((self.records.len(), events.payload(place).to_vec()));
                    0
                }
            };
            held += length;
            self.records.push(EventRecord {
                kind: record.kind,
                start,
                length,
            });
        };
        let consumed = events.consumed();
        let payload = self.join(input, session.assembled(), used);
        Collected {
            consumed,
            is_full,
            payload,
        }
    }

    /// Puts what the records point at into one place, without a copy if it is in one.
    fn join(&mut self, input: &[u8], assembled: &[u8], used: Used) -> Payload {
        let is_copied = used.control.is_some() || (used.input > 0 && used.assembly > 0);
        if used.assembly > 0 {
            let behind = if is_copied { used.input } else { 0 };
            for record in &mut self.records {
                record.start = match record.start.checked_sub(input.len()) {
                    Some(start) => behind + start,
                    // Without a copy, what points into the input has no bytes.
                    None if is_copied => record.start,
                    None => 0,
                };
            }
        }
        if !is_copied {
            return match used.assembly {
                0 => Payload::Input(used.input),
                end => Payload::Assembled(end),
            };
        }
        let parts = [input.get(..used.input), assembled.get(..used.assembly)];
        for part in parts.into_iter().flatten() {
            self.payload.extend_from_slice(part);
        }
        if let Some((index, bytes)) = used.control {
            if let Some(record) = self.records.get_mut(index) {
                record.start = self.payload.len();
            }
            self.payload.extend_from_slice(&bytes);
        }
        Payload::Copied
    }

    /// Takes what the session wants written, and which sends are complete.
    fn hand_out(&mut self, session: &mut Session, now: Instant, capacity: usize) {
        self.output = session.take_output(capacity, now);
        while let Some(sent) = session.sent() {
            if let Some(context) = sent.context {
                self.records.push(EventRecord {
                    kind: match sent.complete {
                        true => EventKind::Sent(context),
                        false => EventKind::Cancelled(context),
                    },
                    start: 0,
                    length: 0,
                });
            }
        }
    }
}

/// Empties a list, and frees memory of one that was much longer before.
fn reuse<T>(list: &mut Vec<T>) {
    let kept = KEPT_CAPACITY / mem::size_of::<T>();
    if list.capacity() > kept.max(8 * list.len()) {
        list.shrink_to(2 * list.len());
    }
    list.clear();
}

#[cfg(test)]
mod tests;
