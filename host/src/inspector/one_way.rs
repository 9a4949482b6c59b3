//! One direction of a connection.

use std::collections::VecDeque;
use std::mem;

use super::contract::{Edit, End, Forwarding};

/// One direction of a connection: held bytes, and what the inspector has decided on.
///
/// Positions count the bytes that the side has sent, as in the inspector.
#[derive(Debug)]
pub(super) struct OneWay {
    /// Bytes that were read and not forwarded yet, from `position` on.
    held: Vec<u8>,
    position: u64,
    to: u64,
    /// Edits whose position was not reached yet.
    edits: VecDeque<Edit>,
    end: End,
    is_final: bool,
    at_boundary: bool,
    /// How many of the next bytes needn't be checked.
    pub(super) skippable: u64,
    /// How many of them were received and not reported to the inspector yet.
    pub(super) skipped: u64,
    /// How many bytes after them the inspector can process at once.
    pub(super) wanted: u64,
    /// The last frame was long, so the next one may be, too.
    pub(super) by_header: bool,
}

impl OneWay {
    pub(super) fn new() -> Self {
        Self {
            held: Vec::new(),
            position: 0,
            to: 0,
            edits: VecDeque::new(),
            end: End::None,
            is_final: false,
            at_boundary: true,
            skippable: 0,
            skipped: 0,
            wanted: 0,
            by_header: false,
        }
    }

    /// Whether all input was forwarded and reported to the inspector.
    pub(super) fn is_at_rest(&self) -> bool {
        self.is_even(0)
    }

    /// Skips what needn't be checked. Returns the rest of the input.
    pub(super) fn skip<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let count = usize::try_from(self.skippable)
            .map_or(input.len(), |skippable| skippable.min(input.len()));
        self.skippable -= count as u64;
        self.skipped += count as u64;
        input.get(count..).unwrap_or_default()
    }

    /// Whether all input before the next `ahead` bytes may be forwarded, and was reported to the inspector.
    pub(super) fn is_even(&self, ahead: usize) -> bool {
        let is_kept = !self.held.is_empty() || !self.edits.is_empty();
        let is_known = (self.skippable, self.skipped) == (0, 0);
        !is_kept && is_known && self.position + ahead as u64 == self.to
    }

    /// Releases `count` more bytes.
    pub(super) fn pass_on(&mut self, count: usize) {
        self.to += count as u64;
    }

    /// Records what may be forwarded. At most `most` bytes may be waiting to be inserted.
    ///
    /// # Errors
    ///
    /// The guest breaks the contract: it takes back what it has released, or inserts more than it can hold.
    pub(super) fn note(&mut self, forwarding: Forwarding, most: usize) -> Result<(), &'static str> {
        let mut least = self.edits.back().map_or(self.position, end_of);
        for edit in &forwarding.edits {
            if edit.at < least {
                return Err("it edits bytes that were already forwarded");
            }
            least = end_of(edit);
        }
        self.edits.extend(forwarding.edits);
        let waiting = self
            .edits
            .iter()
            .map(|edit| size_of::<Edit>() + edit.insert.len());
        if waiting.sum::<usize>() > most {
            return Err("it inserts more than it can hold");
        }
        self.to = self.to.max(forwarding.to);
        self.end = forwarding.end;
        self.is_final = forwarding.is_final;
        self.at_boundary = forwarding.at_boundary;
        Ok(())
    }

    /// Writes what may be forwarded of the held bytes and of `input`, which follows them. Holds the rest.
    pub(super) fn forward(&mut self, input: &[u8], mut write: impl FnMut(&[u8])) {
        if self.held.is_empty() {
            let rest = self.pass(input, &mut write);
            if !rest.is_empty() && !self.is_final {
                self.held = rest.to_vec();
            }
            return;
        }
        // Everything goes to the receiver in one write.
        let mut held = mem::take(&mut self.held);
        held.extend_from_slice(input);
        let left = self.pass(&held, &mut write).len();
        // An idle connection holds no memory.
        if left > 0 && !self.is_final {
            held.drain(..held.len() - left);
            self.held = held;
        }
    }

    /// Writes what may be forwarded of these bytes. Returns the rest.
    fn pass<'a>(&mut self, mut bytes: &'a [u8], write: &mut impl FnMut(&[u8])) -> &'a [u8] {
        loop {
            let next = self.edits.front().map_or(self.to, |edit| edit.at);
            let original = self.take(&mut bytes, next);
            if !original.is_empty() {
                write(original);
            }
            if self.position < next {
                return bytes;
            }
            let Some(edit) = self.edits.pop_front() else {
                return bytes;
            };
            if !edit.insert.is_empty() {
                write(&edit.insert);
            }
            self.take(&mut bytes, end_of(&edit));
        }
    }

    /// Takes bytes up to a position from the front of `rest`, as far as they have been read.
    fn take<'a>(&mut self, rest: &mut &'a [u8], position: u64) -> &'a [u8] {
        let wanted = position.saturating_sub(self.position);
        let count = usize::try_from(wanted).map_or(rest.len(), |wanted| wanted.min(rest.len()));
        let (taken, left) = rest.split_at(count);
        *rest = left;
        self.position += count as u64;
        taken
    }

    /// Returns how to end the transport to the receiver, once everything that may be forwarded was written.
    pub(super) fn end(&self) -> End {
        match self.end {
            End::Shutdown if self.position < self.to || !self.edits.is_empty() => End::None,
            end => end,
        }
    }

    /// Whether the output ends at a frame boundary.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.at_boundary && self.position == self.to && self.edits.is_empty()
    }

    /// Returns how many bytes are held.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}

fn end_of(edit: &Edit) -> u64 {
    edit.at.saturating_add(edit.skip)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1000;

    fn forwarding(to: u64, edits: &[(u64, &str, u64)]) -> Forwarding {
        let edit = |&(at, insert, skip): &(u64, &str, u64)| Edit {
            at,
            insert: insert.into(),
            skip,
        };
        Forwarding {
            to,
            edits: edits.iter().map(edit).collect(),
            end: End::None,
            is_final: false,
            at_boundary: true,
        }
    }

    fn forwarded(way: &mut OneWay, input: &str) -> Vec<String> {
        let mut writes = Vec::new();
        way.forward(input.as_bytes(), |bytes| {
            writes.push(String::from_utf8(bytes.to_vec()).unwrap());
        });
        writes
    }

    #[test]
    fn what_may_not_go_on_is_held_and_goes_with_what_follows_in_one_write() {
        let mut way = OneWay::new();
        way.note(forwarding(3, &[]), MOST).unwrap();
        assert_eq!(forwarded(&mut way, "abcde"), ["abc"]);
        assert_eq!(way.held(), 2);
        assert_eq!(forwarded(&mut way, "f"), [""; 0]);
        way.note(forwarding(8, &[]), MOST).unwrap();
        assert_eq!(forwarded(&mut way, "gh"), ["defgh"]);
        assert_eq!((way.held(), way.held.capacity()), (0, 0));
    }

    #[test]
    fn edits_are_made_at_their_positions_also_ahead_of_what_was_read() {
        let mut way = OneWay::new();
        let edits = [(1, "X", 0), (2, "", 2), (6, "Y", 0), (6, "Z", 0)];
        way.note(forwarding(8, &edits), MOST).unwrap();
        assert!(!way.is_at_boundary());
        assert_eq!(forwarded(&mut way, "abcde"), ["a", "X", "b", "e"]);
        assert_eq!(forwarded(&mut way, "fgh"), ["f", "Y", "Z", "gh"]);
        assert!(way.is_at_boundary());
    }

    #[test]
    fn nothing_is_held_behind_the_last_byte_that_goes_on() {
        let mut way = OneWay::new();
        let end = Forwarding {
            end: End::Shutdown,
            is_final: true,
            ..forwarding(4, &[(4, "bye", 0)])
        };
        way.note(end, MOST).unwrap();
        assert_eq!(forwarded(&mut way, "ab"), ["ab"]);
        assert_eq!(way.end(), End::None);
        assert_eq!(forwarded(&mut way, "cdef"), ["cd", "bye"]);
        assert_eq!((way.end(), way.held()), (End::Shutdown, 0));
        assert_eq!(forwarded(&mut way, "gh"), [""; 0]);
    }

    #[test]
    fn a_guest_that_takes_back_what_went_on_is_broken() {
        let mut way = OneWay::new();
        way.note(forwarding(4, &[]), MOST).unwrap();
        forwarded(&mut way, "abcd");
        let edit = Forwarding {
            to: 2,
            ..forwarding(2, &[(3, "X", 0)])
        };
        assert!(way.note(edit, MOST).is_err());
        way.note(forwarding(2, &[]), MOST).unwrap();
        assert_eq!(forwarded(&mut way, "ef"), [""; 0]);
        assert_eq!(way.held(), 2);
    }

    #[test]
    fn a_guest_that_inserts_more_than_it_can_hold_is_broken() {
        let mut way = OneWay::new();
        let insert = "x".repeat(300);
        let far = |at| forwarding(0, &[(at, &insert, 0)]);
        way.note(far(1000), MOST).unwrap();
        way.note(far(1001), MOST).unwrap();
        assert!(way.note(far(1002), MOST).is_err());
    }
}
