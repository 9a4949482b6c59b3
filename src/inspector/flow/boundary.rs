//! Frame boundaries: where frames can be inserted, and where forwarding ends.

use alloc::vec::Vec;
use core::mem;

use super::{Flow, Open, Reach, Told};
use crate::inspector::forwarding::End;

/// A frame that waits to be inserted.
pub(crate) struct Insertion {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Kind,
}

/// What is inserted.
pub(crate) enum Kind {
    /// A message, which can't go between the frames of another.
    Message,
    /// A ping with this payload.
    Ping([u8; 8]),
    /// A close frame with this code, or none. Nothing is forwarded after it, and the transport is
    /// ended. It may wait for the sender's own close frame, which it replaces.
    Close {
        code: Option<u16>,
        end: End,
        waits: bool,
    },
}

/// The last bytes to the receiver: a close frame with its code, a response, or nothing.
#[derive(Default)]
pub(crate) struct LastBytes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) code: Option<u16>,
}

impl LastBytes {
    /// Returns a response to a failed request.
    pub(crate) fn response(bytes: Vec<u8>) -> LastBytes {
        LastBytes { bytes, code: None }
    }
}

impl Insertion {
    pub(super) fn cost(&self) -> usize {
        self.bytes.capacity() + size_of::<Insertion>()
    }

    fn is_message(&self) -> bool {
        matches!(self.kind, Kind::Message)
    }

    fn is_ping(&self) -> bool {
        matches!(self.kind, Kind::Ping(_))
    }

    fn waits(&self) -> bool {
        matches!(self.kind, Kind::Close { waits: true, .. })
    }

    /// Returns how it ends the transport.
    fn end_mut(&mut self) -> Option<&mut End> {
        match &mut self.kind {
            Kind::Close { end, .. } => Some(end),
            _ => None,
        }
    }
}

/// Where forwarding ends.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    at: u64,
    /// How to end the transport once everything before was forwarded.
    end: End,
}

impl Cut {
    /// Whether a frame that begins at `position` is still forwarded.
    pub(super) fn is_behind(&self, position: u64) -> bool {
        position < self.at
    }
}

/// Where frames can be inserted.
#[derive(Clone, Copy)]
struct Boundary {
    at: u64,
    is_between_messages: bool,
}

impl Flow {
    /// Inserts a frame at the next suitable boundary.
    pub(in crate::inspector) fn insert(&mut self, insertion: Insertion) {
        if let Kind::Close { .. } = insertion.kind {
            // No message follows a close frame.
            self.insertions.retain(|other| !other.is_message());
        }
        self.insertions.push_back(insertion);
        self.place_insertions();
        self.settle();
    }

    /// Whether a close frame is deferred for the sender's own.
    pub(in crate::inspector) fn awaits_answers(&self) -> bool {
        self.insertions.iter().any(Insertion::waits)
    }

    /// Releases the deferred close frame.
    pub(in crate::inspector) fn release_close(&mut self) {
        if !self.awaits_answers() {
            return;
        }
        for insertion in &mut self.insertions {
            if let Kind::Close { waits, .. } = &mut insertion.kind {
                *waits = false;
            }
        }
        self.place_insertions();
        self.settle();
    }

    /// Returns how many bytes wait to be inserted, or to be taken by the host.
    pub(in crate::inspector) fn waiting(&self) -> u64 {
        let waiting = self.insertions.iter().map(Insertion::cost).sum::<usize>();
        (waiting + self.forwarding.waiting()) as u64
    }

    /// Whether a ping was not forwarded to the receiver yet.
    pub(in crate::inspector) fn has_ping_waiting(&self) -> bool {
        self.insertions.iter().any(Insertion::is_ping) || !self.placed_pings.is_empty()
    }

    /// Returns the payloads of the pings that were released since the last call: everything before
    /// them was received and may be forwarded.
    pub(in crate::inspector) fn take_sent_pings(&mut self) -> Vec<[u8; 8]> {
        if self.placed_pings.is_empty() {
            return Vec::new();
        }
        let gone = self.forwarding.to().min(self.base);
        let count = self.placed_pings.partition_point(|(at, _)| *at <= gone);
        self.placed_pings
            .drain(..count)
            .map(|(_, payload)| payload)
            .collect()
    }

    /// Returns the next boundary at which frames can be inserted, if it is known.
    fn next_boundary(&self) -> Option<Boundary> {
        if self.close.is_some() || self.cut.is_some() {
            return None;
        }
        let frames = self.stream.frames();
        let message = frames.message();
        let boundary = |at, is_between_messages| {
            Some(Boundary {
                at,
                is_between_messages,
            })
        };
        match &self.frame {
            None => boundary(self.boundary, !frames.is_in_message()),
            // Nothing of the frame was released.
            Some(_) if self.forwarding.to() <= self.boundary => {
                let header = frames.frame();
                let is_control = header.is_some_and(|header| header.opcode.is_control());
                let is_first = message.is_some_and(|message| message.fragments == 1);
                let is_between = match is_control {
                    true => self.message.is_none(),
                    false => is_first,
                };
                boundary(self.boundary, is_between)
            }
            Some(Open {
                end,
                reach: Reach::All,
                ..
            }) => boundary(*end, message.is_some_and(|message| message.is_final)),
            Some(_) => None,
        }
    }

    /// Inserts waiting frames, if there is a suitable boundary.
    pub(super) fn place_insertions(&mut self) {
        while let Some(boundary) = self.next_boundary() {
            let suits = |insertion: &Insertion| {
                (boundary.is_between_messages || !insertion.is_message()) && !insertion.waits()
            };
            let first = self.insertions.iter().position(suits);
            let Some(insertion) = first.and_then(|index| self.insertions.remove(index)) else {
                return;
            };
            let Insertion { bytes, kind } = insertion;
            match kind {
                Kind::Close { code, end, .. } => {
                    self.cut_at(boundary.at, LastBytes { bytes, code }, end);
                }
                Kind::Message => self.forwarding.insert(boundary.at, bytes),
                Kind::Ping(payload) => {
                    self.forwarding.insert(boundary.at, bytes);
                    self.placed_pings.push((boundary.at, payload));
                }
            }
        }
    }

    /// Ends forwarding at a boundary, after which only these bytes are sent. An incomplete held
    /// message is dropped.
    fn cut_at(&mut self, boundary: u64, last: LastBytes, end: End) {
        let held = self
            .message
            .as_mut()
            .and_then(|message| message.held.take());
        let at = held.map_or(boundary, |held| held.start());
        self.forwarding.forget_behind(at);
        self.placed_pings.retain(|(position, _)| *position <= at);
        if !last.bytes.is_empty() {
            self.forwarding.insert(at, last.bytes);
        }
        self.told = self.told.or(last.code.map(|code| Told { code, at }));
        self.cut = Some(Cut { at, end });
    }

    /// Ends forwarding at a broken rule, or at the end of the stream: the last bytes are sent at
    /// the boundary before it, and the transport is shut down. If a part of the frame was released
    /// already, the transport is reset.
    pub(in crate::inspector) fn break_off(&mut self, last: LastBytes) {
        self.insertions.clear();
        let is_closed = self.close.is_some() || self.cut.is_some();
        match self.next_boundary() {
            _ if is_closed => self.finish(),
            Some(Boundary { at, .. }) if at == self.boundary => {
                self.cut_at(at, last, End::Shutdown);
            }
            _ => self.reset(),
        }
        self.settle();
    }

    /// Whether a close frame waits for a boundary, or for held messages.
    pub(in crate::inspector) fn is_closing(&self) -> bool {
        let mut waiting = self.insertions.iter();
        let closes = |insertion: &Insertion| matches!(insertion.kind, Kind::Close { .. });
        waiting.any(closes) || self.cut.is_some()
    }

    /// Whether forwarding ends at a known position.
    pub(in crate::inspector) fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Whether the released bytes end at a boundary where a frame can be inserted.
    pub(in crate::inspector) fn is_at_boundary(&self) -> bool {
        let is_verified = matches!(
            self.frame,
            Some(Open {
                reach: Reach::Verified(_),
                ..
            })
        );
        let is_inside = is_verified && self.forwarding.to() > self.boundary;
        let is_over = self.told.is_some() || self.cut.is_some();
        !is_inside && !is_over
    }

    /// Whether nothing more will be released.
    pub(in crate::inspector) fn is_final(&self) -> bool {
        let last = match self.cut {
            Some(cut) => cut.at,
            None if self.close.is_some() => self.boundary,
            None => return false,
        };
        self.forwarding.to() >= last
    }

    /// Drops held messages without a decision, because the host closes.
    pub(in crate::inspector) fn discard_undecided(&mut self) {
        for held in mem::take(&mut self.undecided) {
            self.leave_out_message(held);
        }
        self.settle();
    }

    /// Whether the released bytes end at a boundary, and nothing before that is held.
    pub(in crate::inspector) fn may_finish(&self) -> bool {
        let ends_frame = match self.cut {
            Some(cut) => self.base >= cut.at,
            None => self.frame.is_none() || self.forwarding.to() <= self.boundary,
        };
        ends_frame && self.undecided.is_empty()
    }

    /// Ends forwarding at the next boundary, and shuts the transport down. If that boundary will
    /// never be reached, the transport is reset.
    pub(in crate::inspector) fn finish(&mut self) {
        let mut waiting = self.insertions.iter_mut();
        let waiting = waiting.find_map(Insertion::end_mut);
        if let Some(cut) = &mut self.cut {
            cut.end = cut.end.max(End::Shutdown);
        } else if let Some(end) = waiting {
            *end = (*end).max(End::Shutdown);
        } else if self.close.is_some() {
            self.cut_at(self.boundary, LastBytes::default(), End::Shutdown);
        } else {
            self.insert(Insertion {
                bytes: Vec::new(),
                kind: Kind::Close {
                    code: None,
                    end: End::Shutdown,
                    waits: false,
                },
            });
        }
        if self.is_dead && self.cut.is_none_or(|cut| self.base < cut.at) {
            self.reset();
        }
        self.settle();
    }

    /// Ends forwarding at once, and resets the transport.
    pub(in crate::inspector) fn reset(&mut self) {
        let at = self.forwarding.to();
        // A close frame after a frame that will never be completed isn't sent.
        let gone = self.base.min(at);
        self.told = self.told.filter(|told| told.at <= gone);
        self.undecided.clear();
        self.insertions.clear();
        if let Some(message) = &mut self.message {
            message.held = None;
        }
        self.cut_at(at, LastBytes::default(), End::Reset);
        self.forwarding.finish(End::Reset);
    }

    /// Releases what may be forwarded.
    pub(super) fn settle(&mut self) {
        let mut to = match &self.frame {
            Some(Open {
                end,
                reach: Reach::All,
                ..
            }) => *end,
            Some(Open {
                reach: Reach::Verified(to),
                ..
            }) => *to,
            _ => self.boundary,
        };
        if let Some(held) = self.held_from() {
            to = to.min(held);
        }
        if let Some(cut) = self.cut {
            to = to.min(cut.at);
        }
        self.forwarding.advance(to);
        if let Some(cut) = self.cut
            && self.forwarding.to() >= cut.at
            && self.base >= cut.at
        {
            self.forwarding.finish(cut.end);
        }
        self.trim();
    }
}
