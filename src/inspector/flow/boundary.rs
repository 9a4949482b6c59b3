//! Boundaries of frames: where something can be inserted, and where a direction is cut.

use alloc::vec::Vec;

use super::{Flow, Open, Reach};
use crate::inspector::forwarding::End;

/// Frames that wait to be inserted.
pub(crate) struct Insertion {
    pub(crate) bytes: Vec<u8>,
    /// Whether they can't go between the frames of a message.
    pub(crate) is_message: bool,
    /// The payload of the ping that they are.
    pub(crate) ping: Option<[u8; 8]>,
    /// A close frame: nothing goes on behind it, and the transport ends so.
    pub(crate) closes: Option<End>,
}

impl Insertion {
    pub(super) fn cost(&self) -> usize {
        self.bytes.capacity() + size_of::<Insertion>()
    }
}

/// Where a direction is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    at: u64,
    /// How the transport ends once all before has gone on.
    end: End,
}

impl Flow {
    /// Inserts frames at the next boundary.
    pub(in crate::inspector) fn insert(&mut self, insertion: Insertion) {
        if insertion.closes.is_some() {
            // Messages that wait would have nobody to answer them.
            self.insertions.clear();
        }
        self.insertions.push_back(insertion);
        self.place_insertions();
        self.settle();
    }

    /// How many bytes wait to be inserted.
    pub(in crate::inspector) fn waiting(&self) -> u64 {
        self.insertions
            .iter()
            .map(|insertion| insertion.cost() as u64)
            .sum()
    }

    /// Returns the next boundary at which frames can be inserted, as far as it is known, and
    /// whether it is one between messages.
    fn next_boundary(&self) -> Option<(u64, bool)> {
        if self.close.is_some() || self.cut.is_some() {
            return None;
        }
        let frames = self.stream.frames();
        let message = frames.message();
        match &self.frame {
            None => Some((self.boundary, !frames.is_in_message())),
            Some(Open {
                end,
                reach: Reach::All,
            }) => Some((*end, message.is_some_and(|message| message.is_final))),
            Some(_) if self.forwarding.to() > self.boundary => None,
            // Nothing of it has gone on.
            Some(_) => {
                let is_control = frames
                    .frame()
                    .is_some_and(|header| header.opcode.is_control());
                let is_first = message.is_some_and(|message| message.fragments == 1);
                let between = match is_control {
                    true => self.message.is_none(),
                    false => is_first,
                };
                Some((self.boundary, between))
            }
        }
    }

    /// Inserts what waits, if there is a boundary.
    pub(super) fn place_insertions(&mut self) {
        while let Some(first) = self.insertions.front()
            && let Some((at, is_between_messages)) = self.next_boundary()
            && (is_between_messages || !first.is_message)
            && let Some(insertion) = self.insertions.pop_front()
        {
            self.forwarding.insert(at, insertion.bytes);
            self.placed_pings.extend(insertion.ping);
            if let Some(end) = insertion.closes {
                self.cut = Some(Cut { at, end });
            }
        }
    }

    /// Nothing goes on from the broken rule on: `bytes` are written at the boundary before it,
    /// and the transport is shut down. If a part of the frame has gone on already, it is reset.
    pub(in crate::inspector) fn break_off(&mut self, bytes: Vec<u8>) {
        self.insertions.clear();
        match self.next_boundary() {
            Some((at, _)) if at == self.boundary => {
                self.forwarding.forget_from(at);
                if !bytes.is_empty() {
                    self.forwarding.insert(at, bytes);
                }
                let end = End::Shutdown;
                self.cut = Some(Cut { at, end });
            }
            Some(_) => self.reset(),
            // It is closed already, or cut.
            None if self.frame.is_none() || self.cut.is_some() => self.finish(),
            None => self.reset(),
        }
        self.settle();
    }

    /// Whether a close frame waits for a boundary, or for messages that are held.
    pub(in crate::inspector) fn is_closing(&self) -> bool {
        let waits = self
            .insertions
            .iter()
            .any(|insertion| insertion.closes.is_some());
        waits || self.cut.is_some()
    }

    /// Whether nothing goes on behind a position that is known.
    pub(in crate::inspector) fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Whether all that has gone on ends at a boundary, and nothing waits for one.
    pub(in crate::inspector) fn may_finish(&self) -> bool {
        let ends_frame = self.frame.is_none() || self.forwarding.to() <= self.boundary;
        ends_frame && self.insertions.is_empty() && self.held_from().is_none()
    }

    /// Nothing more goes on, and the transport is shut down once all that may has.
    pub(in crate::inspector) fn finish(&mut self) {
        let at = self.boundary.max(self.forwarding.to());
        let cut = self.cut.get_or_insert(Cut { at, end: End::None });
        cut.end = cut.end.max(End::Shutdown);
        self.settle();
    }

    /// Nothing more goes on, and the transport is reset.
    pub(in crate::inspector) fn reset(&mut self) {
        let at = self.forwarding.to();
        self.undecided.clear();
        self.forwarding.forget_from(at);
        self.cut = Some(Cut {
            at,
            end: End::Reset,
        });
        self.forwarding.finish(End::Reset);
    }

    /// Lets go on what may.
    pub(super) fn settle(&mut self) {
        let mut to = match &self.frame {
            None => self.boundary,
            Some(Open {
                end,
                reach: Reach::All,
            }) => *end,
            Some(Open {
                reach: Reach::Nothing,
                ..
            }) => self.boundary,
            Some(Open {
                reach: Reach::Verified(to),
                ..
            }) => *to,
        };
        if let Some(held) = self.held_from() {
            to = to.min(held);
        }
        if let Some(cut) = self.cut {
            to = to.min(cut.at);
            if self.held_from().is_none_or(|held| held >= cut.at) {
                self.forwarding.advance(to);
                if self.forwarding.to() >= cut.at && self.base >= cut.at {
                    self.forwarding.finish(cut.end);
                }
                return self.trim();
            }
        }
        self.forwarding.advance(to);
        self.trim();
    }
}
