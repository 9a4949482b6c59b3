//! Messages that go from one session to another, without passing through the host.

use super::event::Event;
use super::{Life, Session, Turn};
use crate::Rule;
use crate::stream::Record;

/// What has gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Messages whose last byte has.
    pub messages: u64,
    /// Bytes of payload.
    pub bytes: u64,
}

impl Turn<'_> {
    /// The next event that is no message, and no piece of one: `target` sends those
    /// as they come, and `relayed` counts them.
    ///
    /// There is none either once `most` bytes wait in `target`, which a message may
    /// exceed by its own length: then the rest of the input is to be given again.
    /// A target that takes no messages any more is sent none; they are taken from the
    /// input and counted all the same.
    ///
    /// # Errors
    ///
    /// * [`Rule::NotOpen`]: the target isn't open yet. Nothing was taken from the input.
    /// * [`Rule::FragmentMismatch`] or [`Rule::TextNotUtf8`]: the host has begun a message
    ///   in fragments there, and what came doesn't continue it. It is lost.
    ///
    /// ```
    /// use websocket_component::{Config, Instant, Relayed, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut one = Session::open_client(Config::default(), &[7; 32], Default::default(), now)?;
    /// let mut other = Session::open_server(Config::default(), Default::default(), now)?;
    /// let mut relayed = Relayed::default();
    /// let mut input = *b"\x81\x05Hello";
    /// let mut turn = one.input(&mut input, now);
    /// assert_eq!(turn.relay(&mut other, 65_536, &mut relayed)?, None);
    /// assert_eq!(other.output(), b"\x81\x05Hello");
    /// assert_eq!(relayed, Relayed { messages: 1, bytes: 5 });
    /// # Ok(())
    /// # }
    /// ```
    pub fn relay(
        &mut self,
        target: &mut Session,
        most: usize,
        relayed: &mut Relayed,
    ) -> Result<Option<Event<'_>>, Rule> {
        if target.life == Life::Connecting {
            return Err(Rule::NotOpen);
        }
        target.read_clock(self.now());
        while target.buffered_amount() < most {
            let Some(record) = self.next_record() else {
                return Ok(None);
            };
            if !record.kind.is_of_message() {
                let payload = self.payload(&record.place);
                return Ok(Some(record.with(payload)));
            }
            self.pass_on(&record, target, relayed)?;
        }
        // What is due doesn't wait until the target has room.
        self.do_what_is_due();
        Ok(None)
    }

    /// Has `target` send a message of this turn, or a piece of one.
    pub(crate) fn pass_on(
        &self,
        record: &Record,
        target: &mut Session,
        relayed: &mut Relayed,
    ) -> Result<(), Rule> {
        let bytes = self.payload(&record.place);
        relayed.messages += u64::from(record.kind.ends_message());
        relayed.bytes += bytes.len() as u64;
        match target.life {
            Life::Open | Life::Closing if !target.close_queued => {
                let checked = self.checks_utf8();
                target.sender.pass_on(record.kind, bytes, checked)
            }
            _ => Ok(()),
        }
    }
}
