//! How a session ends (RFC 6455, section 7).

use super::clock::Instant;
use super::queue::Origin;
use super::{Life, Session, State};
use crate::Rule;
use crate::frame::close;

impl Session {
    /// The host closes: behind the data that is queued (section 7.1.2).
    pub(super) fn send_close(
        &mut self,
        code: Option<u16>,
        reason: &[u8],
        context: Option<u64>,
    ) -> Result<(), Rule> {
        let payload = close::write(code, reason)?;
        self.queue_close(&payload, Origin::HostClose(context));
        Ok(())
    }

    fn queue_close(&mut self, payload: &[u8], origin: Origin) {
        self.sender.close(payload, origin);
        self.close_queued = true;
        self.life = if self.close_received {
            Life::Ended
        } else {
            Life::Closing
        };
    }

    /// The peer closes: it is answered with its own code (section 5.5.1).
    pub(super) fn close_received(&mut self, code: Option<u16>) {
        self.close_received = true;
        if self.close_queued {
            self.life = Life::Ended;
        } else if self.config.reply_to_close {
            let code = code.map(u16::to_be_bytes);
            let payload = code.as_ref().map_or(&[][..], |code| code);
            self.queue_close(payload, Origin::Close);
        } else {
            self.life = Life::Closing;
        }
    }

    /// A rule was broken behind a message that the host hasn't seen yet: as if they had
    /// come apart, the host gets to answer it.
    pub(super) fn hold(&mut self, rule: Rule) {
        self.receiver.close();
        self.held = Some(rule);
    }

    /// Fails by the rule that was held, if there is one: behind the host's answers.
    pub(super) fn fail_as_held(&mut self) {
        if let Some(rule) = self.held.take() {
            self.fail(rule);
        }
    }

    /// A rule was broken: the session ends with what the rule calls for (section 7.1.7).
    ///
    /// If that is a close frame, what was queued before the rule was broken goes out
    /// first. So neither how the input was cut nor how the host takes output makes a
    /// difference.
    pub(super) fn fail(&mut self, rule: Rule) {
        if self.life == Life::Ended {
            return;
        }
        // A response that has refused stays a refusal, however its body ends.
        let rule = match self.is_refused() {
            true => Rule::HandshakeRefused,
            false => rule,
        };
        let refusal = self.refusal_for(rule);
        let connecting = self.life == Life::Connecting;
        self.failure = Some(rule);
        self.life = Life::Ended;
        if connecting {
            self.sender.clear();
            if let Some(head) = refusal {
                self.sender.push_head(&head);
            }
            return;
        }
        match rule.close_code() {
            None => self.sender.clear(),
            // The close frame that is queued already is the last thing that is sent.
            Some(_) if self.close_queued => {}
            Some(code) => self.fail_with(rule, code),
        }
    }

    fn fail_with(&mut self, rule: Rule, code: u16) {
        let reason = rule.description().as_bytes();
        if rule == Rule::PingFlood {
            self.sender.drop_pongs();
        }
        if self.config.close_on_failure {
            let payload = close::write(Some(code), reason).unwrap_or_default();
            self.sender.close(&payload, Origin::Close);
            self.close_queued = true;
        }
    }

    /// The peer doesn't answer a close, or takes no output: nothing more is said to it.
    pub(super) fn give_up(&mut self, rule: Rule) {
        self.failure.get_or_insert(rule);
        self.sender.clear();
        self.life = Life::Ended;
    }

    /// The transport has no more input. If the closing handshake is not complete,
    /// the session fails with [`Rule::ConnectionLost`], or with
    /// [`Rule::HandshakeRefused`] if that was the end of a refusal's body. A piece of a
    /// message that still waits for more comes in the next turn.
    pub fn end_of_input(&mut self, now: Instant) {
        self.read_clock(now);
        self.fail_as_held();
        self.end_body();
        if !self.close_received {
            self.fail(Rule::ConnectionLost);
        }
    }

    /// Ends the session without a word to the peer (`WebSocketAbortHandle`).
    /// Operations that are queued complete as cancelled, no bytes go out, and later
    /// ones fail. Nothing happens before the session is open, or after its end.
    pub fn abort(&mut self) {
        if matches!(self.state(), State::Connecting | State::Closed) {
            return;
        }
        self.held = None;
        self.failure.get_or_insert(Rule::Aborted);
        self.sender.clear();
        self.life = Life::Ended;
    }
}

#[cfg(test)]
mod codes;
