//! How the connection ends, on either side (RFC 6455, section 7).

use alloc::vec::Vec;

use super::flow::Insertion;
use super::forwarding::End;
use super::handshake::Handshake;
use super::{How, Inspector, OtherCode, other};
use crate::http::body::Outcome;
use crate::{Failure, Role, Rule, State};

/// What is known of the end.
#[derive(Default)]
pub(super) struct Ending {
    pub(super) failure: Option<(Role, Failure)>,
    /// Whose streams have ended.
    client_ended: bool,
    server_ended: bool,
    /// Both transports have ended, or their time is up.
    is_draining: bool,
    is_closed: bool,
}

impl Inspector {
    /// Ends both sides because `from` has broken a rule.
    ///
    /// It gets the rule's code, and the other side the one of [`OtherCode`]. What is whole
    /// before the broken rule goes on first. A side that is inside a frame gets its close
    /// frame at the frame's end, if that comes in time.
    pub(super) fn fail(&mut self, from: Role, failure: Failure, how: How) {
        if self.ending.failure.is_some() || self.ending.is_draining {
            // There is nobody left to tell.
            self.flow(from).die();
            return self.flow(from).break_off(Vec::new());
        }
        let code = failure.rule.close_code();
        let other_code = match (self.options.other_code, code) {
            (OtherCode::Same, Some(code)) => code,
            _ if failure.rule == Rule::IdleTimeout => 1001,
            _ => match from {
                Role::Client => 1001,
                Role::Server => 1014,
            },
        };
        self.ending.failure = Some((from, failure));
        self.clocks.close();
        let description = failure.rule.description().as_bytes();
        match how {
            How::InHandshake(response) => {
                let to_client = self.flow(Role::Server);
                to_client.die();
                to_client.break_off(response);
                self.flow(Role::Client).die();
                return self.flow(Role::Client).break_off(Vec::new());
            }
            How::InBytes | How::Lost => {
                let told = self.close_frame(other(from), other_code, b"");
                self.flow(from).die();
                self.flow(from).break_off(told);
            }
            How::Silence => self.insert_close(other(from), other_code, b"", End::Shutdown),
        }
        match code {
            Some(code) => self.insert_close(from, code, description, End::Shutdown),
            None => self.flow(other(from)).finish(),
        }
    }

    /// Closes both sides with this code, at their boundaries.
    pub(super) fn close_both(&mut self, code: u16, reason: &[u8]) {
        self.clocks.close();
        for to in [Role::Client, Role::Server] {
            self.insert_close(to, code, reason, End::None);
        }
    }

    fn insert_close(&mut self, to: Role, code: u16, reason: &[u8], end: End) {
        let bytes = self.close_frame(to, code, reason);
        let flow = self.flow(other(to));
        if flow.close_code().is_some() || flow.is_closing() {
            // It has one.
            if end == End::Shutdown {
                flow.finish();
            }
            return;
        }
        flow.insert(Insertion {
            bytes,
            is_message: false,
            ping: None,
            closes: Some(end),
        });
    }

    /// `from` sends no more bytes.
    pub(super) fn input_ended(&mut self, from: Role) {
        match from {
            Role::Client => self.ending.client_ended = true,
            Role::Server => self.ending.server_ended = true,
        }
        match &self.handshake {
            Handshake::Complete if self.flow_of(from).is_over() => {
                self.flow(from).die();
                self.flow(from).finish();
            }
            Handshake::Complete => {
                let failure = self.flow(from).locate(Rule::ConnectionLost);
                self.fail(from, failure, How::Lost);
            }
            Handshake::Refused(body) if from == Role::Server => match body.end_of_input() {
                Outcome::Complete => self.finish_both(),
                Outcome::Incomplete => {
                    self.client.finish();
                    self.server.reset();
                }
            },
            Handshake::Refused(_) | Handshake::Failed => {}
            _ => self.fail_handshake(from, Rule::ConnectionLost),
        }
    }

    /// Both transports are shut down once all that may go on has.
    pub(super) fn finish_both(&mut self) {
        self.client.finish();
        self.server.finish();
    }

    /// Takes note of what has changed: close frames that went by, pings that were inserted.
    pub(super) fn settle(&mut self) {
        self.clocks.changed();
        for to in [Role::Client, Role::Server] {
            let sent = self.flow(other(to)).take_sent_pings();
            let now = self.clocks.now();
            for ping in sent {
                self.flow(to).pings.inserted(ping, now);
                self.clocks.ping(to);
            }
        }
        if !matches!(self.handshake, Handshake::Complete) {
            return self.note_draining();
        }
        if self.client.close_code().is_some() || self.server.close_code().is_some() {
            self.clocks.close();
        }
        // The server ends its transport first, and the client's is ended for it (RFC 6455,
        // section 7.1.1).
        if self.has_close(Role::Client) && self.client.is_over() {
            self.server.finish();
        }
        if self.has_close(Role::Server) && self.server.is_over() && self.ending.server_ended {
            self.client.finish();
        }
        self.note_draining();
    }

    /// Whether a close frame goes to this side, behind which nothing does.
    fn has_close(&self, to: Role) -> bool {
        let flow = self.flow_of(other(to));
        flow.close_code().is_some() || flow.is_cut()
    }

    fn note_draining(&mut self) {
        let ended = |flow: &super::Flow| flow.forwarding.end() != End::None;
        if !self.ending.is_draining && ended(&self.client) && ended(&self.server) {
            self.ending.is_draining = true;
            self.clocks.drain();
        }
        let is_silent = self.ending.client_ended && self.ending.server_ended;
        self.ending.is_closed |= self.ending.is_draining && is_silent;
    }

    /// The time to close is up.
    pub(super) fn cut_off(&mut self) {
        if self.ending.is_draining {
            self.ending.is_closed = true;
            return;
        }
        for from in [Role::Client, Role::Server] {
            if self.ending.failure.is_none() && !self.flow_of(from).is_over() {
                let failure = Failure::from(Rule::CloseTimeout);
                self.ending.failure = Some((from, failure));
            }
        }
        let is_body_cut = matches!(self.handshake, Handshake::Refused(_));
        for from in [Role::Client, Role::Server] {
            // A body that ends with the connection must not look complete (RFC 9112, section 8).
            let is_cut = is_body_cut && from == Role::Server;
            let flow = self.flow(from);
            match flow.may_finish() && !is_cut {
                true => flow.finish(),
                false => flow.reset(),
            }
        }
        self.note_draining();
    }

    pub(super) fn ending_state(&self) -> State {
        let closes = |flow: &super::Flow| flow.close_code().is_some() || flow.is_closing();
        let has_closed =
            self.ending.failure.is_some() || closes(&self.client) || closes(&self.server);
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
