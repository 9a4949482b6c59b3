//! How a host reads: by input or by actions, in pieces, again what was not consumed, or not at all for now.

use host_tests::Event;
use websocket_component::{Action, ActionId, ActionQueue, Completion, Instant, Session};

use super::side::Side;

/// Of what a few bytes are inflated to, this many calls may bring nothing: a message has up to 100,000 bytes then, and a
/// call inflates at least 1024.
const SILENT: usize = 128;

impl Side {
    /// The host reads what has arrived. Returns whether anything came of it.
    pub(super) fn read(&mut self, now: Instant) -> bool {
        if self.clock.is_paused() {
            return false;
        }
        let heard = self.heard.len();
        let before = self.unread.len();
        let piece = self.way.piece(before);
        loop {
            let was_read = match self.way.actions {
                true => self.read_by_action(piece, now),
                false => {
                    let end = self.unread.len().min(self.reading.shown + piece);
                    self.input(end, now);
                    self.reading.shown < self.unread.len()
                }
            };
            if self.way.dry {
                self.run_dry(now);
            }
            if !was_read {
                return self.heard.len() > heard || self.unread.len() < before;
            }
        }
    }

    /// One input of the first bytes that were not consumed. Returns whether anything came of it.
    fn input(&mut self, end: usize, now: Instant) -> bool {
        let mut bytes = self.unread[..end].to_vec();
        let fresh = end.saturating_sub(self.reading.shown);
        let most = usize::from(self.way.events);
        self.gives(end, fresh, now);
        let mut events = Vec::new();
        let mut was_dropped = false;
        let consumed = self.session.call(|session| {
            let mut input = session.input(&mut bytes, now);
            while let Some(event) = input.next() {
                allocation_counter::opt_out(|| events.push(Event::from(event)));
                if events.len() == most {
                    was_dropped = true;
                    break;
                }
            }
            input.consumed()
        });
        assert!(consumed <= end, "more consumed than given");
        assert_eq!(bytes[consumed..], self.unread[consumed..end], "given again");
        self.reading.was_dropped = was_dropped;
        self.reading.shown = self.reading.shown.max(end) - consumed;
        self.unread.drain(..consumed);
        let came = consumed > 0 || !events.is_empty();
        for event in events {
            self.hears(event);
        }
        self.check();
        came
    }

    /// The session is about to be given that much, of which `fresh` bytes are new.
    fn gives(&mut self, given: usize, fresh: usize, now: Instant) {
        self.read_clock(now);
        if fresh > 0 {
            self.clock.input();
        }
        self.bound.delivered = 0;
        self.bound.received += fresh as u64;
        self.bound.given = given as u64;
    }

    /// Calls the session until there is nothing to do at this time. No call but a few goes without any effect.
    pub(super) fn run_dry(&mut self, now: Instant) {
        if self.way.actions {
            self.act(now);
        }
        let mut silent = 0;
        while !self.way.actions
            && !self.clock.is_paused()
            && (self.reading.was_dropped || self.session.ask().has_more())
        {
            let before = (self.state(), self.failure(), self.waiting());
            let came = self.input(self.reading.shown, now);
            let changed = before != (self.state(), self.failure(), self.waiting());
            silent = if came || changed { 0 } else { silent + 1 };
            assert!(silent <= SILENT + self.unread.len(), "more of nothing");
        }
        let session = self.session.ask();
        if !self.clock.is_paused() {
            let deadline = session.next_deadline();
            assert!(!session.has_more(), "more by no way");
            assert!(
                deadline.is_none_or(|at| at > self.clock.now),
                "due for ever"
            );
        }
        self.ask_done(usize::MAX);
    }

    /// Reads at most that many bytes. Returns whether there was such an action, and bytes.
    fn read_by_action(&mut self, most: usize, now: Instant) -> bool {
        self.act(now);
        if self.unread.is_empty() {
            return false;
        }
        let Some((id, size)) = self.reading.action.take() else {
            return false;
        };
        let count = most.min(size).min(self.unread.len());
        let bytes: Vec<u8> = self.unread.drain(..count).collect();
        self.gives(count, count, now);
        self.complete(id, Completion::Read(&bytes), now);
        self.act(now);
        true
    }

    /// Does the actions of receives until there is none. What is to be written stays outstanding.
    fn act(&mut self, now: Instant) {
        let mut silent = 0;
        loop {
            if !self.reading.is_receiving {
                let queued = self.session.call(|session| session.receive(None));
                self.reading.is_receiving = queued.is_ok();
            }
            match self.action(ActionQueue::Receive, now) {
                Action::NoAction if self.clock.is_paused() => break,
                Action::NoAction if !self.session.ask().has_more() => break,
                Action::NoAction => {
                    silent += 1;
                    // What is inflated may be many calls' work.
                    assert!(silent <= 100_000, "more of nothing");
                }
                Action::ReceiveFromNetwork(id, size) => self.reading.action = Some((id, size)),
                Action::SendToNetwork(id, bytes) => self.writing.action = Some((id, bytes)),
                Action::IndicateReceiveComplete(id, _, received) => {
                    self.reading.is_receiving = false;
                    match received {
                        Some(received) => self.hears(received.event().into()),
                        None => {
                            assert!(self.session.call(|s| s.receive(None)).is_err(), "cancelled")
                        }
                    }
                    self.complete(id, Completion::Acknowledged, now);
                }
                Action::IndicateSendComplete(id, sent) => {
                    self.is_done(sent);
                    self.complete(id, Completion::Acknowledged, now);
                }
                other => panic!("an action that tests don't know: {other:?}"),
            }
        }
        if self.way.dry {
            // Nothing of it was written.
            self.end_write(0, now);
        }
    }

    /// The next action, whose bytes are the host's.
    pub(super) fn action(&mut self, queue: ActionQueue, now: Instant) -> Action {
        self.read_clock(now);
        let action = self.session.call(|session| session.get_action(queue, now));
        match &action {
            Action::SendToNetwork(_, bytes) => self.session.gave(bytes.capacity()),
            Action::IndicateReceiveComplete(_, _, Some(received)) => {
                self.session.gave(received.payload.capacity());
            }
            _ => {}
        }
        self.check();
        action
    }

    pub(super) fn complete(&mut self, id: ActionId, completion: Completion<'_>, now: Instant) {
        let completed = |session: &mut Session| session.complete_action(id, completion, now);
        self.call(now, completed).expect("it is outstanding");
    }
}
