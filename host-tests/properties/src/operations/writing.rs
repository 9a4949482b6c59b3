//! How a host writes: by each call that hands output out, in pieces, with or without other calls before it is written.

use websocket_component::{Action, ActionId, ActionQueue, Completion, Instant};

use super::script::Writes;
use super::side::Side;

impl Side {
    /// The transport takes at most that many bytes. Returns whether it did take any.
    pub(super) fn drain(&mut self, count: usize, now: Instant) -> bool {
        self.writing.lent = None;
        let piece = self.way.piece(count.min(self.waiting()));
        let mut left = count;
        while left > 0 {
            let most = piece.min(left);
            let written = match (self.way.actions, self.way.writes) {
                (false, Writes::Take) => self.take(most, now),
                (false, Writes::Slices) => self.write_slices(most, now),
                (true, _) | (false, Writes::Output) => {
                    self.begin_write(now);
                    self.end_write(most, now)
                }
            };
            if written == 0 {
                break;
            }
            left -= written;
        }
        if self.way.dry {
            self.ask_done(usize::MAX);
        }
        left < count
    }

    fn take(&mut self, most: usize, now: Instant) -> usize {
        self.read_clock(now);
        let bytes = self.session.call(|session| session.take_output(most, now));
        self.session.gave(bytes.capacity());
        assert!(bytes.len() <= most, "more than was asked for");
        self.hands_out(&bytes);
        self.check();
        bytes.len()
    }

    fn write_slices(&mut self, most: usize, now: Instant) -> usize {
        let mut bytes = Vec::new();
        self.session.call(|session| {
            for slice in session.output_slices() {
                allocation_counter::opt_out(|| bytes.extend_from_slice(slice));
            }
        });
        bytes.truncate(most);
        self.call_advance(&bytes, now);
        bytes.len()
    }

    /// The host begins to write.
    pub(super) fn begin_write(&mut self, now: Instant) {
        if self.way.actions {
            if self.writing.action.is_none() {
                self.writing.action = self.next_write(now);
            }
            return;
        }
        let mut lent = Vec::new();
        self.session.call(|session| {
            let output = session.output();
            allocation_counter::opt_out(|| lent.extend_from_slice(output));
        });
        self.writing.lent = Some(lent);
    }

    /// At most that many bytes of what the host has begun to write were written. Returns how many.
    pub(super) fn end_write(&mut self, most: usize, now: Instant) -> usize {
        if let Some((id, mut bytes)) = self.writing.action.take() {
            bytes.truncate(most);
            let before = self.waiting();
            self.read_clock(now);
            let sent = Completion::Sent(bytes.len());
            let completed = self.session.call(|s| s.complete_action(id, sent, now));
            completed.expect("it is outstanding");
            return self.was_written(&bytes, before);
        }
        let Some(mut bytes) = self.writing.lent.take() else {
            return 0;
        };
        bytes.truncate(most);
        self.call_advance(&bytes, now)
    }

    fn call_advance(&mut self, bytes: &[u8], now: Instant) -> usize {
        let before = self.waiting();
        self.read_clock(now);
        self.session
            .call(|session| session.advance(bytes.len(), now));
        self.was_written(bytes, before)
    }

    /// These bytes were written, unless the session has dropped them since it lent them.
    fn was_written(&mut self, bytes: &[u8], before: usize) -> usize {
        let count = before - self.waiting();
        assert!(
            count == bytes.len() || (before == 0 && self.failure().is_some()),
            "{count} of {} bytes were written",
            bytes.len()
        );
        self.hands_out(&bytes[..count]);
        self.check();
        count
    }

    /// The next action that writes, after those that tell of sends.
    fn next_write(&mut self, now: Instant) -> Option<(ActionId, Vec<u8>)> {
        loop {
            match self.action(ActionQueue::Send, now) {
                Action::SendToNetwork(id, bytes) => return Some((id, bytes)),
                Action::IndicateSendComplete(id, sent) => {
                    self.is_done(sent);
                    self.complete(id, Completion::Acknowledged, now);
                }
                Action::NoAction => return None,
                other => panic!("an action of a receive: {other:?}"),
            }
        }
    }
}
