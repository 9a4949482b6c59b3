//! How a connection ends, and what is logged.

use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use websocket_component::inspector::{End, Sides, Traffic};
use websocket_component::{Failure, Role, Rule, State};

use super::{Connection, GoOn, LINGER, SOON, Stage};
use crate::filter::Env;
use crate::filter::line::Line;
use crate::filter::metrics::{self, name_of};
use crate::host::{Level, text};

/// The reason in the close frame to a client whose server is lost.
const LOST: &[u8] = b"the server is gone";

/// Envoy's response flags for a connection that the client has ended or reset: `DC`, `DPE`, `DR`.
const CLIENT_GONE: u64 = 1 << 14 | 1 << 18 | 1 << 28;
/// Those for the server: `UR`, `UC`, `UPE`.
const SERVER_GONE: u64 = 1 << 4 | 1 << 6 | 1 << 23;
/// Envoy's response code details for a connection that the server has ended.
const VIA_UPSTREAM: &[u8] = b"via_upstream";

/// The log fields of one side.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    traffic: Traffic,
    close: Option<u16>,
    /// The code of the close frame that has reached it.
    close_to: Option<u16>,
}

/// Counts a connection that the filter has ended.
fn count_end(why: &str, env: &mut Env<'_>) {
    env.metrics
        .count(&format!("websocket.ended.{why}"), 1, env.host);
}

/// Who has ended an open connection, according to Envoy.
enum Lost {
    Client,
    Server,
    /// Envoy itself, by one of its own timeouts or limits: its response code details.
    Neither(String),
}

impl Lost {
    fn read(env: &mut Env<'_>) -> Lost {
        let flags = env.host.property("response\0flags").unwrap_or_default();
        let flags = flags
            .first_chunk()
            .map_or(0, |flags| u64::from_le_bytes(*flags));
        let details = env.host.property("response\0code_details");
        let details = details.unwrap_or_default();
        if flags & CLIENT_GONE != 0 {
            Lost::Client
        } else if flags & SERVER_GONE != 0 || details.is_empty() || details == VIA_UPSTREAM {
            Lost::Server
        } else {
            Lost::Neither(text(&details))
        }
    }
}

impl Connection {
    /// Closes both sides by a decision of the filter.
    pub(super) fn close(&mut self, code: u16, why: &'static str, env: &mut Env<'_>) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        if inspector.close(code, why.as_bytes(), env.now).is_ok() {
            return self.ended(code, why, env);
        }
        // A side has closed already, so no close frame can be sent.
        if self.verdict.is_none() {
            self.verdict = Some(why.into());
            self.reset = Some(env.now);
            count_end(why, env);
            self.warn(&format!("reset: {why}"), env);
        }
    }

    /// Records that both sides were closed by a decision of the filter.
    pub(super) fn ended(&mut self, code: u16, why: &'static str, env: &mut Env<'_>) {
        self.verdict.get_or_insert(why.into());
        count_end(why, env);
        self.warn(&format!("closed with {code}: {why}"), env);
    }

    /// Closes the connection because it holds the most memory. Returns in which directions anything is forwarded.
    pub(in crate::filter) fn end_greedy(&mut self, env: &mut Env<'_>) -> GoOn {
        if self.stage == Stage::Asked {
            self.refuse(503, "memory".into(), env);
            return GoOn::default();
        }
        self.close(1013, "memory", env);
        let go_on = self.write_unasked(env);
        self.reset.get_or_insert(env.now.after(LINGER));
        self.let_go();
        go_on
    }

    /// Frees the memory of a connection on which nothing more is forwarded, and keeps its log fields.
    fn let_go(&mut self) {
        self.known = self.known();
        self.inspector = None;
        self.lines = Sides::default();
        self.stage = Stage::Over;
    }

    /// Records how it ends, if it does.
    pub(super) fn note_end(&mut self, env: &mut Env<'_>) {
        self.note_failure(env);
        self.note_age(env);
        self.note_over(env);
    }

    /// Records a broken rule of the handshake or of frames.
    fn note_failure(&mut self, env: &mut Env<'_>) {
        let Some(inspector) = &self.inspector else {
            return;
        };
        let failure = inspector.failure();
        if self.opened.is_none() && inspector.negotiated().is_some() {
            self.opened(env);
        }
        let Some((from, failure)) = failure.filter(|_| self.verdict.is_none()) else {
            return;
        };
        let name = failure.rule.name();
        self.verdict = Some(name.into());
        let kind = match self.opened {
            Some(_) => "rule",
            None => {
                env.metrics.count(metrics::REFUSED, 1, env.host);
                "refused"
            }
        };
        if failure.rule != Rule::HandshakeRefused {
            env.metrics
                .count(&format!("websocket.{kind}.{name}"), 1, env.host);
            self.warn(&line_of(from, &failure), env);
        }
    }

    /// Records the maximum age, the only deadline of the inspector that breaks no rule.
    fn note_age(&mut self, env: &mut Env<'_>) {
        let ends_by_age = self.inspector.as_ref().is_some_and(|inspector| {
            let closed = |from: &Role| inspector.close_code(*from).is_some();
            inspector.state() == State::Closing && !Role::BOTH.iter().any(closed)
        });
        if ends_by_age && self.verdict.is_none() {
            self.ended(env.settings.options.timeouts.age_code, "age", env);
        }
    }

    /// Records that nothing more is forwarded, except for pending output.
    fn note_over(&mut self, env: &mut Env<'_>) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        let ends = Role::BOTH.map(|from| inspector.end(from));
        let is_closed = inspector.state() == State::Closed;
        let is_over = is_closed || ends.iter().all(|end| *end != End::None);
        if is_over || ends.contains(&End::Reset) {
            self.reset.get_or_insert(env.now.after(LINGER));
        }
        let lines = &mut self.lines;
        if is_over
            && !lines.client.has_edits(Role::Client, inspector)
            && !lines.server.has_edits(Role::Server, inspector)
        {
            return self.let_go();
        }
        let has_output = |line: &Line| line.is_armed && line.has_output();
        let is_left = has_output(&self.lines.client) || has_output(&self.lines.server);
        if is_left && self.wake.is_none() {
            self.wake = Some(env.now.after(SOON * 10));
        }
    }

    /// Sets the fields of the access log. Returns in which directions anything is forwarded.
    pub(in crate::filter) fn log(&mut self, env: &mut Env<'_>) -> GoOn {
        let go_on = self.end_lost(env);
        self.set_fields(env);
        go_on
    }

    /// Handles a connection that has ended without a close frame: one side is lost, and the other one is sent a close
    /// frame if the proxy still writes.
    fn end_lost(&mut self, env: &mut Env<'_>) -> GoOn {
        let Some(inspector) = &mut self.inspector else {
            return GoOn::default();
        };
        let is_over = matches!(inspector.state(), State::Draining | State::Closed);
        if !matches!(self.stage, Stage::Asked | Stage::Open) || is_over || self.reset.is_some() {
            return GoOn::default();
        }
        match Lost::read(env) {
            Lost::Client => {
                self.is_client_gone = true;
                inspector.end_of_input(Role::Client, env.now);
            }
            Lost::Server => self.server_is_gone(env),
            Lost::Neither(why) if self.verdict.is_none() => {
                self.warn(&format!("ended by the proxy: {why}"), env);
                self.verdict = Some(why.into());
            }
            Lost::Neither(_) => {}
        }
        self.write_unasked(env)
    }

    /// Handles the end of the server's stream without a close frame.
    pub(super) fn server_is_gone(&mut self, env: &mut Env<'_>) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        let code = env.settings.upstream_gone;
        if inspector.state() == State::Open && code != 1014 {
            // The server gets it, too, which does no harm.
            _ = inspector.close(code, LOST, env.now);
        }
        inspector.end_of_input(Role::Server, env.now);
    }

    fn set_fields(&mut self, env: &mut Env<'_>) {
        let verdict = self.verdict.as_deref();
        if self.stage == Stage::Unseen && verdict.is_none() {
            return;
        }
        env.host.set_field("ws_verdict", verdict.unwrap_or("ok"));
        let duration = env.now.since(self.opened.unwrap_or(self.started));
        env.host
            .set_field("ws_duration_ms", &format!("{}", duration.as_millis()));
        let Some(known) = self.known() else {
            return;
        };
        for from in Role::BOTH {
            let (name, known) = (name_of(from), known[from]);
            let mut set = |what: &str, number: u64| {
                env.host
                    .set_field(&format!("ws_{what}_{name}"), &format!("{number}"));
            };
            set("messages", known.traffic.messages);
            set("bytes", known.traffic.bytes);
            if let Some(code) = known.close {
                set("close", code.into());
            }
            if let Some(code) = known.close_to {
                set("close_to", code.into());
            }
        }
    }

    /// Returns the log fields of both sides, from the inspector or as kept.
    fn known(&mut self) -> Option<Sides<Known>> {
        let Some(inspector) = &mut self.inspector else {
            return self.known;
        };
        let mut known = Sides::<Known>::default();
        for from in Role::BOTH {
            let to_it = from.peer();
            // A pending close frame has not reached the side.
            let is_written = !self.lines[to_it].has_edits(to_it, inspector);
            let is_taken = is_written && !(from == Role::Server && self.is_client_gone);
            known[from] = Known {
                traffic: inspector.traffic(from),
                close: inspector.close_code(from),
                close_to: inspector.close_sent(from).filter(|_| is_taken),
            };
        }
        Some(known)
    }

    pub(super) fn warn(&self, line: &str, env: &mut Env<'_>) {
        env.host
            .log(Level::Warn, &format!("connection {}: {line}", self.id));
    }
}

/// Formats a broken rule for the log.
fn line_of(from: Role, failure: &Failure) -> String {
    let name = failure.rule.name();
    let mut line = format!("{}: {name}", name_of(from));
    for (what, number) in [
        ("at byte", failure.offset),
        ("limit", failure.limit),
        ("value", failure.value),
    ] {
        _ = match number {
            // A timeout, in nanoseconds.
            Some(nanos) if what == "limit" && name.ends_with("timeout") => {
                write!(line, ", limit {} ms", nanos / 1_000_000)
            }
            Some(number) => write!(line, ", {what} {number}"),
            None => Ok(()),
        };
    }
    line
}
