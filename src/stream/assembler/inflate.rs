//! The payloads of compressed messages (RFC 7692, section 6.2).

use super::Assembler;
use super::delivery::Chunk;
use crate::Rule;
use crate::stream::PayloadRef;

impl Assembler {
    /// Inflates payload of the frame in progress. Returns how many bytes of it were consumed, and
    /// the inflated chunk.
    ///
    /// Limits are enforced during inflation: of the message, of a chunk, and of the work for one
    /// input. A frame ends when all of it was inflated, so that nothing overtakes it.
    pub(super) fn inflate(&mut self, payload: &[u8], is_final: bool) -> (usize, Chunk) {
        let start = self.assembly.len();
        let mut chunk = Chunk {
            place: PayloadRef::Assembled(start..start),
            ends_frame: false,
            ends_message: false,
            broken: None,
        };
        let longest = self.room_in_chunk();
        let (Some(inflater), Some(frame), Some(message)) =
            (&mut self.inflater, &mut self.frame, &mut self.message)
        else {
            return (0, chunk);
        };
        let room = self.message_limit.saturating_sub(message.inflated);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        // One byte more, which shows that there are too many.
        let limit = longest.min(room.saturating_add(1));

        let mut taken = 0;
        match inflater.inflate(payload, limit, &mut self.work, &mut self.assembly) {
            Ok(count) => taken = count,
            Err(rule) => chunk.broken = Some(rule),
        }
        self.frames.advance(taken as u64);
        let left = limit.saturating_sub(self.assembly.len() - start);
        frame.is_held_back = left == 0 || self.work == 0;
        if chunk.broken.is_none() && self.frames.payload_left() == 0 {
            if !is_final {
                chunk.ends_frame = !frame.is_held_back;
            } else if left > 0 {
                // What is left in the inflater is little, whatever the work was.
                match inflater.finish(left, &mut self.assembly) {
                    Ok(ends) => (chunk.ends_frame, chunk.ends_message) = (ends, ends),
                    Err(rule) => chunk.broken = Some(rule),
                }
            }
        }

        let count = self.assembly.len() - start;
        message.inflated = message.inflated.saturating_add(count as u64);
        if count > room {
            self.assembly.truncate(start + room);
            (chunk.ends_frame, chunk.ends_message) = (false, false);
            chunk.broken = Some(Rule::MessageTooBig);
        }
        chunk.place = PayloadRef::Assembled(start..self.assembly.len());
        (taken, chunk)
    }
}
