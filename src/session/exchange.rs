//! The batched calls: input and messages to send, with events and output as the result.

mod collect;

use alloc::vec::Vec;
use core::mem;

use super::clock::Instant;
use super::event::{Event, Message};
use super::{Session, State};
use crate::stream::EventKind;
use crate::{Failure, Rule};
pub(super) use collect::Exchange;
use collect::{Collected, Payload, Relay};

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
    /// Creates a record, as a host does that runs the engine elsewhere.
    pub fn new(kind: EventKind, start: usize, length: usize) -> EventRecord {
        EventRecord {
            kind,
            start,
            length,
        }
    }

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
    /// left in the input. A call that opens a client consumes no frame after the response.
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

/// Which outgoing messages were queued, and why the next was not.
type Queued = (usize, Option<Rule>);

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

    /// Frees what the last [`Session::exchange`] gave, as the next one would: for a host that has taken it, and whose
    /// connection may be idle for long.
    pub fn forget_exchanged(&mut self) {
        self.exchange.begin();
        self.exchange.output = Vec::new();
        self.receiver.forget_delivered();
    }

    /// As [`Session::exchange`], with messages that may be invalid: the first that is has the
    /// rule it is refused by.
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
        let collected = self.collect(None, input, now, capacity);
        self.hand_out(now, capacity);
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
        let collected = self.collect(Some(&mut relay), input, now, capacity);
        self.hand_out(now, capacity);
        let Relay {
            target,
            messages,
            bytes,
            refused,
        } = relay;
        target.exchange.begin();
        target.hand_out(now, capacity);
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
        self.exchanged(&[], &Collected::NOTHING, (0, Some(rule)))
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

    /// Collects what the input brings, or passes its messages on.
    fn collect(
        &mut self,
        relay: Option<&mut Relay<'_>>,
        input: &mut [u8],
        now: Instant,
        capacity: usize,
    ) -> Collected {
        let mut exchange = mem::take(&mut self.exchange);
        let collected = exchange.collect(self, relay, input, now, capacity);
        self.exchange = exchange;
        collected
    }

    /// Takes what is to be written, and which sends are complete.
    fn hand_out(&mut self, now: Instant, capacity: usize) {
        self.exchange.output = self.take_output(capacity, now);
        while let Some(sent) = self.sent() {
            self.exchange.report(sent);
        }
    }

    /// Returns the result that the last call has left, and where the session is.
    fn exchanged<'a>(
        &'a self,
        input: &'a [u8],
        collected: &Collected,
        (accepted, refused): Queued,
    ) -> Exchanged<'a> {
        let state = self.state();
        let next_deadline = self.next_deadline();
        let has_more = collected.is_full || self.has_more_by(next_deadline);
        let waits = has_more || self.buffered_amount() > 0;
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
            more: waits && !state.has_ended(),
            state,
            next_deadline,
            failure: self.failure(),
        }
    }
}
