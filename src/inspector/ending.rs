//! How the connection ends, on either side (RFC 6455, section 7).

use super::flow::{Flow, Insertion, Kind, LastBytes};
use super::forwarding::End;
use super::handshake::Handshake;
use super::sides::Sides;
use super::{How, Inspector, OtherCode};
use crate::http::body::Outcome;
use crate::{Failure, Role, Rule, State};

/// The state of the end.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) failure: Option<(Role, Failure)>,
    /// Whose streams have ended.
    ended: Sides<bool>,
    /// Both transports have ended, or timed out.
    is_draining: bool,
    is_closed: bool,
}

impl Inspector {
    /// Ends both sides because `from` has broken a rule.
    ///
    /// It gets the rule's code, and the other side the one of [`OtherCode`]. Complete frames before
    /// the broken rule are forwarded first. A side in the middle of a frame gets its close frame at
    /// the frame's end, if that arrives in time.
    pub(super) fn fail(&mut self, from: Role, failure: Failure, how: How) {
        if self.ending.failure.is_some() || self.ending.is_draining {
            // Nothing can be sent to this side any more, and it won't answer.
            self.flows[from].release_close();
            self.flows[from].die();
            self.flows[from].break_off(LastBytes::default());
            return;
        }
        let code = failure.rule.close_code();
        let (other_code, reason) = match (self.options.other_code, code, from) {
            (OtherCode::Same, Some(code), _) => (code, &b""[..]),
            (_, _, Role::Client) => (1001, &b"the client is gone"[..]),
            (_, _, Role::Server) => (1014, &b"the server is gone"[..]),
        };
        self.ending.failure = Some((from, failure));
        self.clocks.close();
        let description = failure.rule.description().as_bytes();
        match how {
            How::InHandshake(response) => {
                let to_client = &mut self.flows.server;
                to_client.die();
                to_client.break_off(LastBytes::response(response));
                self.flows.client.die();
                return self.flows.client.break_off(LastBytes::default());
            }
            How::AtOnce => {
                let last = self.close_frame(from.peer(), other_code, reason);
                self.flows[from].die();
                self.flows[from].break_off(last);
            }
            How::Silence => {
                self.insert_close(from.peer(), other_code, reason, End::Shutdown, false);
            }
        }
        let has_answers = matches!(how, How::AtOnce) && !self.flows[from.peer()].is_over();
        let waits = self.options.timeouts.answer.is_some() && has_answers;
        match code {
            Some(code) => self.insert_close(from, code, description, End::Shutdown, waits),
            None => self.flows[from.peer()].finish(),
        }
    }

    /// Sends the close frame that was deferred for answers.
    pub(super) fn answers_end(&mut self) {
        for from in Role::BOTH {
            self.flows[from].release_close();
        }
    }

    /// Closes both sides with this code, at their next frame boundaries.
    pub(super) fn close_both(&mut self, code: u16, reason: &[u8]) {
        self.clocks.close();
        for to in Role::BOTH {
            self.insert_close(to, code, reason, End::None, false);
        }
    }

    /// Inserts a close frame. `waits` defers it for the other side's answers.
    fn insert_close(&mut self, to: Role, code: u16, reason: &[u8], end: End, waits: bool) {
        let LastBytes { bytes, code } = self.close_frame(to, code, reason);
        let flow = &mut self.flows[to.peer()];
        if flow.close_code().is_some() || flow.is_closing() {
            // It was sent one already.
            if end == End::Shutdown {
                flow.finish();
            }
            return;
        }
        flow.insert(Insertion {
            bytes,
            kind: Kind::Close { code, end, waits },
        });
    }

    /// Handles the end of the input from `from`.
    pub(super) fn input_ended(&mut self, from: Role) {
        self.ending.ended[from] = true;
        match &self.handshake {
            Handshake::Complete if self.flows[from].is_over() => {
                self.flows[from].die();
                self.flows[from].finish();
            }
            Handshake::Complete => {
                let failure = self.flows[from].locate(Rule::ConnectionLost);
                self.fail(from, failure, How::AtOnce);
            }
            Handshake::Refused(body) if from == Role::Server => match body.end_of_input() {
                Outcome::Complete => self.finish_both(),
                Outcome::Incomplete => {
                    self.flows.client.finish();
                    self.flows.server.reset();
                }
            },
            Handshake::Refused(_) | Handshake::Failed => {}
            _ => self.fail_handshake(from, Rule::ConnectionLost),
        }
    }

    /// Shuts down both transports once everything was forwarded.
    pub(super) fn finish_both(&mut self) {
        self.flows.client.finish();
        self.flows.server.finish();
    }

    /// Handles close frames that were forwarded and pings that were inserted.
    pub(super) fn settle(&mut self) {
        self.clocks.changed();
        for to in Role::BOTH {
            let sent = self.flows[to.peer()].take_sent_pings();
            let now = self.clocks.now();
            for ping in sent {
                self.flows[to].pings.inserted(ping, now);
                self.clocks.ping(to);
            }
        }
        if !matches!(self.handshake, Handshake::Complete) {
            return self.note_draining();
        }
        if self.flows.client.close_code().is_some() || self.flows.server.close_code().is_some() {
            self.clocks.close();
        }
        // The server ends its transport first, and the client's is ended for it (RFC 6455,
        // section 7.1.1).
        if self.has_close(Role::Client) && self.flows.client.is_over() {
            self.flows.server.finish();
        }
        if self.has_close(Role::Server) && self.flows.server.is_over() && self.ending.ended.server {
            self.flows.client.finish();
        }
        self.note_draining();
    }

    /// Whether a close frame is the last thing sent to this side.
    fn has_close(&self, to: Role) -> bool {
        let flow = &self.flows[to.peer()];
        flow.close_code().is_some() || flow.is_cut()
    }

    fn note_draining(&mut self) {
        let ended = |flow: &Flow| flow.forwarding.end() != End::None;
        if !self.ending.is_draining && ended(&self.flows.client) && ended(&self.flows.server) {
            self.ending.is_draining = true;
            self.clocks.drain();
        }
        let is_silent = self.ending.ended.client && self.ending.ended.server;
        self.ending.is_closed |= self.ending.is_draining && is_silent;
    }

    /// Handles the close timeout.
    pub(super) fn cut_off(&mut self) {
        if self.ending.is_draining {
            self.ending.is_closed = true;
            return;
        }
        self.answers_end();
        for from in Role::BOTH {
            if self.ending.failure.is_none() && !self.flows[from].is_over() {
                let failure = Failure::from(Rule::CloseTimeout);
                self.ending.failure = Some((from, failure));
            }
        }
        let is_body_cut = matches!(self.handshake, Handshake::Refused(_));
        for from in Role::BOTH {
            // A body that ends with the connection must not look complete (RFC 9112, section 8).
            let is_cut = is_body_cut && from == Role::Server;
            let to = from.peer();
            let owes_answer = self.flows[to].close_code();
            if is_cut || !self.flows[from].may_finish() {
                self.flows[from].reset();
            } else if let Some(code) = owes_answer
                && self.flows[from].told().is_none()
            {
                let answer = self.close_frame(to, code, b"");
                self.flows[from].break_off(answer);
            } else {
                self.flows[from].finish();
            }
        }
        self.note_draining();
    }

    /// Returns the state of the connection.
    ///
    /// While it is [`State::Draining`], everything that will be sent to either side may be
    /// forwarded, and further input is ignored. Once it is [`State::Closed`], the host drops both
    /// transports after writing its buffered output.
    pub fn state(&self) -> State {
        let closes = |flow: &Flow| flow.close_code().is_some() || flow.is_closing();
        let has_closed = self.ending.failure.is_some()
            || closes(&self.flows.client)
            || closes(&self.flows.server);
        if self.ending.is_closed {
            State::Closed
        } else if self.ending.is_draining {
            State::Draining
        } else if has_closed {
            State::Closing
        } else if matches!(self.handshake, Handshake::Complete) {
            State::Open
        } else {
            State::Connecting
        }
    }
}
