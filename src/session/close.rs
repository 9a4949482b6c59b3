//! How a session ends (RFC 6455, section 7).

use super::clock::Instant;
use super::lifecycle::{Cause, Life};
use super::queue::Origin;
use super::{Held, Session};
use crate::frame::close;
use crate::{Failure, Rule};

impl Session {
    /// Queues the host's close frame, after queued data (section 7.1.2).
    pub(super) fn send_close(
        &mut self,
        code: Option<u16>,
        reason: &[u8],
        context: Option<u64>,
    ) -> Result<(), Rule> {
        let payload = close::write(code, reason)?;
        let origin = Origin::HostClose(context);
        if let Some(failure) = self.awaiting_answers()
            && self.failure_code(&failure).is_some()
        {
            self.held = None;
            self.fail_open(failure, origin);
            return Ok(());
        }
        self.queue_close(code, &payload, origin);
        self.transition(Cause::CloseQueued);
        Ok(())
    }

    fn queue_close(&mut self, code: Option<u16>, payload: &[u8], origin: Origin) {
        self.sender.close(payload, origin);
        self.close_frames.queued(code);
    }

    /// The peer closes: it is answered with its own code (section 5.5.1).
    pub(super) fn close_received(&mut self, code: Option<u16>) {
        self.close_frames.received(code);
        // Behind both close frames no pong has to follow (section 5.5.2).
        if self.sender.is_close_handed_out() {
            self.sender.drop_pongs();
        }
        self.transition(Cause::CloseReceived);
        if self.life == Life::CloseReceived && self.config.reply_to_close {
            let payload = code.map(u16::to_be_bytes);
            let payload = payload.as_ref().map_or(&[][..], |code| code);
            self.queue_close(code, payload, Origin::Close);
            self.transition(Cause::CloseQueued);
        }
    }

    /// Fails because the peer broke a rule. If a message in the same input precedes it, the host
    /// can answer that first, as if they had arrived separately.
    pub(super) fn fail_behind(&mut self, failure: Failure, has_message: bool) {
        let now = self.deadlines.now();
        let answer = self.config.timeouts.answer;
        let until = match answer.filter(|_| self.life.takes_messages()) {
            Some(time) => now.after(time),
            None if has_message => now,
            None => return self.fail_with(failure),
        };
        self.receiver.close();
        self.held = Some(Held { failure, until });
    }

    /// Applies a deferred failure, if there is one, after the host's answers.
    pub(super) fn fail_as_held(&mut self) {
        if let Some(held) = self.held.take() {
            self.fail_with(held.failure);
        }
    }

    /// Fails as was held, if it is time.
    pub(super) fn fail_if_due(&mut self) {
        let now = self.deadlines.now();
        if self.held.as_ref().is_some_and(|held| held.until <= now) {
            self.fail_as_held();
        }
    }

    /// The rule that waits for answers, if one does.
    pub(super) fn awaiting_answers(&self) -> Option<Failure> {
        self.config.timeouts.answer?;
        self.held.as_ref().map(|held| held.failure)
    }

    /// A rule was broken: the session ends with what the rule calls for (section 7.1.7).
    ///
    /// If that is a close frame, what was queued before the rule was broken goes out
    /// first. So neither how the input was cut nor how the host takes output makes a
    /// difference.
    pub(super) fn fail(&mut self, rule: Rule) {
        self.fail_with(self.describe(rule));
    }

    /// As [`Session::fail`], where more is known than the rule.
    pub(super) fn fail_with(&mut self, failure: Failure) {
        match self.life {
            Life::Connecting => self.fail_handshake(failure),
            life if life.has_frames() => self.fail_open(failure, Origin::Close),
            _ => {}
        }
    }

    fn fail_handshake(&mut self, failure: Failure) {
        // A response that has refused stays a refusal, however its body ends.
        let failure = match self.is_refused() {
            true => self.describe(Rule::HandshakeRefused),
            false => failure,
        };
        let refusal = self.refusal_for(failure.rule);
        self.failure = Some(failure);
        self.request_head = None;
        self.sender.clear();
        match refusal {
            Some(head) => {
                self.sender.push_head(&head);
                self.transition(Cause::Refused);
            }
            None => self.transition(Cause::HandshakeFailed),
        }
    }

    /// The code of the close frame that goes with a failure, if one does.
    fn failure_code(&self, failure: &Failure) -> Option<u16> {
        let code = failure.rule.close_code();
        code.filter(|_| self.config.close_on_failure)
    }

    fn fail_open(&mut self, failure: Failure, origin: Origin) {
        let rule = failure.rule;
        self.failure = Some(failure);
        // A close frame that is queued already is the last thing that is sent.
        if self.life.takes_messages() {
            if rule == Rule::PingFlood {
                self.sender.drop_pongs();
            }
            let code = self.failure_code(&failure);
            if code.is_some() {
                let reason = rule.description().as_bytes();
                let payload = close::write(code, reason).unwrap_or_default();
                self.queue_close(code, &payload, origin);
            }
        }
        self.transition(Cause::RuleBroken);
    }

    /// The peer is unresponsive, or the host aborts: nothing more is written.
    pub(super) fn give_up(&mut self, rule: Rule, cause: Cause) {
        self.failure = self.failure.or(Some(self.describe(rule)));
        self.sender.clear();
        self.transition(cause);
    }

    /// Reports that the peer's stream has ended: it has closed the connection, or its writing
    /// half.
    ///
    /// If the peer's close frame has not come, the session fails with
    /// [`Rule::ConnectionLost`], or with [`Rule::HandshakeRefused`] if that was the end of a
    /// refusal's body. Otherwise what is queued is still written, and so is a close frame that
    /// the host has yet to send ([`Config::reply_to_close`](crate::Config::reply_to_close));
    /// then the session is closed. A chunk that is still being coalesced is delivered by the
    /// next call.
    pub fn end_of_input(&mut self, now: Instant) {
        self.read_clock(now);
        self.fail_as_held();
        match self.life {
            Life::Connecting => {
                self.end_body();
                self.fail(Rule::ConnectionLost);
            }
            Life::Open | Life::CloseSent => self.give_up(Rule::ConnectionLost, Cause::EndOfInput),
            Life::CloseReceived | Life::CloseExchanged | Life::Failing | Life::Draining => {
                self.transition(Cause::EndOfInput);
            }
            // Told before, or of no interest any more.
            Life::HalfClosed | Life::Ending | Life::Closed => {}
        }
    }

    /// Ends the session without sending a close frame (`WebSocketAbortHandle`): it is closed.
    /// Operations that are queued complete as cancelled, no more bytes are handed out, and
    /// later operations fail with [`Rule::Aborted`]. A session that was
    /// [`State::Draining`](crate::State) has already ended, and doesn't fail. Does nothing
    /// before the session is open, when the host can just drop it, or after it has ended.
    pub fn abort(&mut self) {
        self.held = None;
        match self.life {
            Life::Connecting | Life::Closed => {}
            Life::Draining => self.transition(Cause::Aborted),
            _ => self.give_up(Rule::Aborted, Cause::Aborted),
        }
    }
}

#[cfg(test)]
mod codes;
