//! The payloads of compressed messages (RFC 7692, section 6.2).

use super::Receiver;
use super::data::Fresh;
use crate::Rule;
use crate::session::event::Place;

impl Receiver {
    /// Inflates bytes of a frame: how many of them were taken, and what came of them.
    ///
    /// The limits hold while it is done: no more comes out than the message and a
    /// piece may have, and no more than the turn may do. A frame ends when all of it
    /// came out, so that nothing that follows overtakes it.
    pub(super) fn inflate(&mut self, chunk: &[u8]) -> (usize, Fresh) {
        let start = self.assembly.len();
        let mut fresh = Fresh {
            place: Place::Assembled(start..start),
            frame_ends: false,
            message_ends: false,
            broken: None,
        };
        let piece = self.room_in_piece();
        let (Some(inflater), Some(frame), Some(message)) =
            (&mut self.inflater, &mut self.frame, &mut self.message)
        else {
            return (0, fresh);
        };
        let room = self.message_limit.saturating_sub(message.inflated);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        // One byte more, which shows that there are too many.
        let limit = piece.min(room.saturating_add(1));

        let mut taken = 0;
        match inflater.inflate(chunk, limit, &mut self.work, &mut self.assembly) {
            Ok(count) => taken = count,
            Err(rule) => fresh.broken = Some(rule),
        }
        frame.taken += taken as u64;
        let left = limit.saturating_sub(self.assembly.len() - start);
        self.holds_back = left == 0 || self.work == 0;
        if fresh.broken.is_none() && frame.left() == 0 {
            if !frame.header.is_final() {
                fresh.frame_ends = !self.holds_back;
            } else if left > 0 {
                // What is left in the inflater is little, whatever the work was.
                match inflater.finish(left, &mut self.assembly) {
                    Ok(ends) => (fresh.frame_ends, fresh.message_ends) = (ends, ends),
                    Err(rule) => fresh.broken = Some(rule),
                }
            }
        }

        let count = self.assembly.len() - start;
        message.inflated = message.inflated.saturating_add(count as u64);
        if count > room {
            self.assembly.truncate(start + room);
            (fresh.frame_ends, fresh.message_ends) = (false, false);
            fresh.broken = Some(Rule::MessageTooBig);
        }
        fresh.place = Place::Assembled(start..self.assembly.len());
        (taken, fresh)
    }
}
