//! One connection: its handshake, what goes on between its sides, and how it ends.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::mem;
use core::time::Duration;

use websocket_component::inspector::{End, Inspector, Seen};
use websocket_component::{Instant, Role, Rule, State};

use super::Env;
use super::content::Verdict;
use super::handshake::{self, ACCEPT, Asked};
use super::line::Line;
use super::metrics::{self, name_of};
use super::rate::Buckets;
use crate::host::{Action, Carrier, Head, Level};

const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// How soon what can't go on within a callback does so.
const SOON: Duration = Duration::from_millis(1);
/// What was written last gets this long to leave the proxy before it resets the connection.
const LINGER: Duration = Duration::from_millis(500);
/// The most that is held back because of a rate. Beyond its limit, which is 1 MiB as it comes, the proxy would reset the
/// connection without a close frame.
const MOST_HELD: usize = 512 << 10;

/// The reason that a client is told for a connection that is lost.
const LOST: &[u8] = b"the server is gone";

pub(super) struct Connection {
    id: u32,
    carrier: Carrier,
    stage: Stage,
    inspector: Option<Box<Inspector>>,
    client: Line,
    server: Line,
    started: Instant,
    opened: Option<Instant>,
    /// Why it was ended, or refused.
    verdict: Option<Cow<'static, str>>,
    /// A key was added to the request.
    is_repaired: bool,
    /// The request has none: it is an extended CONNECT.
    is_connect: bool,
    /// When to call again in any case.
    wake: Option<Instant>,
    /// When to reset it.
    reset: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The response is still to come.
    Asked,
    Open,
    /// It is no WebSocket, or was refused: not looked at.
    Unseen,
    /// It was reset.
    Gone,
}

/// What becomes of a call.
pub(super) struct Outcome {
    pub(super) action: Action,
    /// In which directions all that waits goes on. The proxy is told so at the end of a callback: if one failed behind
    /// that, the proxy could not live on.
    pub(super) go_on: Vec<Role>,
}

impl Outcome {
    /// What the callback is about goes on, out of control.
    fn pass() -> Self {
        Self::of(Action::Continue, Vec::new())
    }

    /// What the callback is about waits, and can be changed at any time.
    fn keep(go_on: Vec<Role>) -> Self {
        Self::of(Action::Pause, go_on)
    }

    fn of(action: Action, go_on: Vec<Role>) -> Self {
        Self { action, go_on }
    }
}

/// What to do about what was seen.
#[derive(Default)]
struct Todo {
    messages: u64,
    /// Of the messages that are held, what becomes of each.
    verdicts: Vec<Verdict>,
    is_denied: bool,
    is_too_long: bool,
}

impl Connection {
    pub(super) fn new(id: u32, now: Instant) -> Self {
        Self {
            id,
            carrier: Carrier::Http,
            stage: Stage::Unseen,
            inspector: None,
            client: Line::default(),
            server: Line::default(),
            started: now,
            opened: None,
            verdict: None,
            is_repaired: false,
            is_connect: false,
            wake: None,
            reset: None,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn carrier(&self) -> Carrier {
        self.carrier
    }

    pub(super) fn is_ending(&self) -> bool {
        self.reset.is_some()
    }

    pub(super) fn was_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn memory(&self) -> u64 {
        let inspector = self
            .inspector
            .as_ref()
            .map_or(0, |inspector| inspector.memory());
        let held = self.client.memory() + self.server.memory();
        (size_of::<Self>() + inspector + held) as u64
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.stage == Stage::Gone {
            return None;
        }
        let inspector = self
            .inspector
            .as_ref()
            .and_then(|inspector| inspector.next_deadline());
        let all = [
            inspector,
            self.wake,
            self.reset,
            self.client.resume,
            self.server.resume,
        ];
        all.into_iter().flatten().min()
    }

    /// The client asks for something.
    pub(super) fn request(&mut self, env: &mut Env<'_>) -> Action {
        let Some(mut asked) = Asked::read(env) else {
            return Action::Continue;
        };
        env.metrics.count(metrics::CONNECTIONS, 1, env.host);
        if let Err(refused) = asked.admit(env) {
            return self.refuse(refused.status, refused.why.into(), env);
        }
        let entropy = handshake::entropy(self.id, env);
        if !asked.has_key && env.settings.repair {
            asked.add_key(&entropy, env);
            self.is_repaired = asked.has_key;
        }
        self.is_connect = !asked.has_key;
        let options = handshake::options(env.settings, &entropy, env.now);
        let made = Inspector::new(options, &entropy, env.now);
        let made = made.and_then(|mut inspector| {
            let (kind, headers) = asked.request();
            inspector.request_headers(kind, &headers, env.now)?;
            Ok(inspector)
        });
        match made {
            Ok(inspector) => {
                self.inspector = Some(Box::new(inspector));
                self.stage = Stage::Asked;
                Action::Continue
            }
            Err(rule) => {
                let status = rule.status().unwrap_or(400);
                self.refuse(status, rule.name().into(), env)
            }
        }
    }

    fn refuse(&mut self, status: u16, why: Cow<'static, str>, env: &mut Env<'_>) -> Action {
        env.metrics.count(metrics::REFUSED, 1, env.host);
        env.metrics
            .count(&format!("websocket.refused.{why}"), 1, env.host);
        self.warn(&format!("refused with {status}: {why}"), env);
        env.host.respond(status, &why);
        self.verdict = Some(why);
        self.inspector = None;
        self.stage = Stage::Unseen;
        Action::Pause
    }

    /// A client has connected, and its request comes in bytes.
    pub(super) fn accept(&mut self, env: &mut Env<'_>) {
        self.carrier = Carrier::Tcp;
        env.metrics.count(metrics::CONNECTIONS, 1, env.host);
        if env.settings.origins.is_some() || env.settings.subprotocols.is_some() {
            let line = "origins and subprotocols need the HTTP filter: the connection is refused";
            env.host
                .log(Level::Error, &format!("websocket-filter: {line}"));
            self.stage = Stage::Gone;
            self.verdict = Some("configuration".into());
            return env.host.reset();
        }
        let entropy = handshake::entropy(self.id, env);
        let options = handshake::options(env.settings, &entropy, env.now);
        match Inspector::new(options, &entropy, env.now) {
            Ok(inspector) => {
                self.inspector = Some(Box::new(inspector));
                self.open(env);
            }
            Err(rule) => {
                self.verdict = Some(rule.name().into());
                self.stage = Stage::Gone;
                env.host.reset();
            }
        }
    }

    /// The server answers.
    pub(super) fn response(&mut self, env: &mut Env<'_>) -> Action {
        let (Stage::Asked, Some(inspector)) = (self.stage, &mut self.inspector) else {
            return Action::Continue;
        };
        let (status, headers) = handshake::response(self.is_connect, env);
        // An interim response (RFC 9110, section 15.2).
        if (100..200).contains(&status) && status != 101 {
            return Action::Continue;
        }
        match inspector.response_headers(status, &headers, env.now) {
            Ok(_) => {
                if self.is_repaired {
                    env.host.remove_header(Head::Response, ACCEPT);
                }
                self.open(env);
                Action::Continue
            }
            // The refusal goes on as it is.
            Err(Rule::HandshakeRefused) => {
                env.metrics.count(metrics::REFUSED, 1, env.host);
                self.verdict = Some(Rule::HandshakeRefused.name().into());
                self.inspector = None;
                self.stage = Stage::Unseen;
                Action::Continue
            }
            Err(rule) => self.refuse(502, rule.name().into(), env),
        }
    }

    fn open(&mut self, env: &mut Env<'_>) {
        self.stage = Stage::Open;
        self.opened = Some(env.now);
        env.metrics.change(metrics::OPEN, 1, env.host);
        let rates = [&env.settings.client_rate, &env.settings.server_rate];
        for (from, rate) in BOTH.into_iter().zip(rates) {
            self.line(from).rate = rate.as_ref().map(|rate| Buckets::new(rate, env.now));
        }
        // What came before the response waits.
        if self.client.unread > 0 {
            self.wake = Some(env.now.after(SOON));
        }
    }

    /// So many bytes of a side's wait.
    pub(super) fn come(
        &mut self,
        from: Role,
        length: usize,
        is_end: bool,
        env: &mut Env<'_>,
    ) -> Outcome {
        match self.stage {
            Stage::Unseen => return Outcome::pass(),
            Stage::Gone => {
                env.host.replace(from, length, b"");
                return Outcome::pass();
            }
            Stage::Asked | Stage::Open => {}
        }
        let is_open = self.stage == Stage::Open;
        let line = self.line(from);
        let had_come = mem::replace(&mut line.unread, length);
        // A server of HTTP/1.1 that ends its stream is shown by a callback that brings nothing.
        let is_gone = from == Role::Server && line.is_armed && length == had_come;
        if is_end || is_gone {
            return self.ends(from, env);
        }
        if self.carrier == Carrier::Tcp {
            self.read(from, env);
            self.write(from, env);
            self.note_end(env);
            return Outcome::pass();
        }
        let line = self.line(from);
        if !line.is_armed {
            // In the first callback nothing can be told to go on, and what waits is held from then on.
            line.is_armed = true;
            if length > 0 && is_open {
                self.wake = Some(env.now.after(SOON));
            }
            return Outcome::keep(Vec::new());
        }
        if !is_open || self.holds_back(from, env) {
            return Outcome::keep(Vec::new());
        }
        self.read(from, env);
        let go_on = self.write_both(from, env);
        self.note_end(env);
        Outcome::keep(go_on)
    }

    /// A side sends no more.
    fn ends(&mut self, from: Role, env: &mut Env<'_>) -> Outcome {
        self.read(from, env);
        if let Some(inspector) = &mut self.inspector {
            let is_lost = inspector.state() == State::Open;
            let code = env.settings.upstream_gone;
            if is_lost && from == Role::Server && code != 1014 {
                // The server gets it too, which makes no difference to it.
                _ = inspector.close(code, LOST, env.now);
            }
            inspector.end_of_input(from, env.now);
        }
        let mut go_on = self.write_both(from, env);
        self.note_end(env);
        go_on.retain(|direction| *direction != from);
        if self.carrier != Carrier::Tcp && self.line(from).is_armed {
            go_on.push(from);
            return Outcome::keep(go_on);
        }
        Outcome::of(Action::Continue, go_on)
    }

    /// Writes what goes on in both directions, that of a callback last. Returns in which anything does.
    fn write_both(&mut self, own: Role, env: &mut Env<'_>) -> Vec<Role> {
        let mut go_on = Vec::new();
        for from in [own.peer(), own] {
            let is_ready = from == own || self.is_ready(from, env);
            if is_ready && self.write(from, env) {
                go_on.push(from);
            }
        }
        go_on
    }

    /// Whether a side has sent too much lately, so that what comes waits.
    fn holds_back(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        let is_open = self
            .inspector
            .as_ref()
            .is_some_and(|inspector| inspector.state() == State::Open);
        let line = self.line(from);
        let Some(rate) = &mut line.rate else {
            return false;
        };
        if !is_open {
            line.resume = None;
            return false;
        }
        line.resume = rate.wait(env.now);
        if line.resume.is_none() {
            return false;
        }
        if rate.closes || line.unread > MOST_HELD {
            self.close(1008, "rate", env);
            return false;
        }
        true
    }

    /// Has the inspector see all that waits of a side's.
    fn read(&mut self, from: Role, env: &mut Env<'_>) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        let line = match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        };
        let mut at = 0;
        let mut todo = Todo::default();
        while let Some(mut piece) = line.piece(from, &mut at, env.host) {
            let (mut start, mut skipped) = (0, piece.skipped);
            loop {
                let rest = piece.bytes.get_mut(start..).unwrap_or_default();
                let Ok(step) = inspector.advance(from, skipped, rest, env.now) else {
                    // It would be a mistake of the filter's, and no byte may pass because of it.
                    self.verdict.get_or_insert("lost track".into());
                    self.reset = Some(env.now);
                    return;
                };
                todo.note(from, &step.seen().collect::<Vec<_>>(), env);
                let (consumed, more) = (step.consumed, step.more);
                line.seen(step.skippable, step.wanted);
                start += consumed;
                skipped = 0;
                todo.decide(from, inspector, env);
                if !more {
                    break;
                }
            }
            at += start;
            if start < piece.bytes.len() {
                // It spoke before its turn, and nobody knows what comes of it.
                self.verdict.get_or_insert("early data".into());
                self.reset = Some(env.now);
                break;
            }
        }
        line.count(from, inspector, todo.messages, env);
        if todo.is_denied {
            self.close(1008, "content", env);
        } else if todo.is_too_long {
            self.close(1009, "content too long", env);
        }
    }

    /// Closes both sides by a decision of the filter's.
    fn close(&mut self, code: u16, why: &'static str, env: &mut Env<'_>) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        if inspector.close(code, why.as_bytes(), env.now).is_ok() {
            self.verdict.get_or_insert(why.into());
            env.metrics
                .count(&format!("websocket.ended.{why}"), 1, env.host);
            self.warn(&format!("closed with {code}: {why}"), env);
        }
    }

    /// It holds the most memory of all, and there is too little. Returns in which directions anything goes on.
    pub(super) fn end_greedy(&mut self, env: &mut Env<'_>) -> Vec<Role> {
        self.close(1013, "memory", env);
        // Who doesn't let it close is reset.
        self.reset.get_or_insert(env.now.after(LINGER));
        self.write_unasked(env)
    }

    /// Writes what goes on in one direction. Returns whether anything waits to be told so.
    fn write(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        let Some(inspector) = &mut self.inspector else {
            return false;
        };
        let line = match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        };
        line.write(from, inspector, env.host)
    }

    /// Whether a direction that no callback is about can be written to. What waits in it goes on with what is written, so
    /// it is looked at first.
    fn is_ready(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        if !self.line(from).is_armed || self.stage != Stage::Open {
            return false;
        }
        if self.line(from).unread > 0 {
            if self.holds_back(from, env) {
                return false;
            }
            self.read(from, env);
        }
        true
    }

    /// Time has passed. Returns in which directions anything goes on.
    pub(super) fn tick(&mut self, env: &mut Env<'_>) -> Vec<Role> {
        self.wake = None;
        if self.reset.is_some_and(|at| at <= env.now) {
            self.stage = Stage::Gone;
            env.metrics.count(metrics::RESET, 1, env.host);
            env.host.reset();
            return Vec::new();
        }
        if let Some(inspector) = &mut self.inspector {
            inspector.handle_timeout(env.now);
            let failure = inspector.failure();
            if let (Stage::Asked, Some((_, failure))) = (self.stage, failure) {
                // The server has not answered in time, and the client can be told in HTTP yet.
                self.refuse(504, failure.rule.name().into(), env);
                return Vec::new();
            }
        }
        self.write_unasked(env)
    }

    /// Writes what goes on in both directions, outside of a callback about either.
    fn write_unasked(&mut self, env: &mut Env<'_>) -> Vec<Role> {
        let mut go_on = Vec::new();
        // What is read of one side can end the other direction too.
        let are_ready = BOTH.map(|from| self.is_ready(from, env));
        for (from, is_ready) in BOTH.into_iter().zip(are_ready) {
            if is_ready && self.write(from, env) {
                go_on.push(from);
            }
        }
        self.note_end(env);
        go_on
    }

    /// Takes note of how it ends, if it does.
    fn note_end(&mut self, env: &mut Env<'_>) {
        let Some(inspector) = &self.inspector else {
            return;
        };
        if let Some((from, failure)) = inspector.failure()
            && self.verdict.is_none()
        {
            let name = failure.rule.name();
            let mut line = format!("{}: {name}", name_of(from));
            for (what, number) in [
                ("at byte", failure.offset),
                ("limit", failure.limit),
                ("value", failure.value),
            ] {
                if let Some(number) = number {
                    _ = write!(line, ", {what} {number}");
                }
            }
            self.verdict = Some(name.into());
            env.metrics
                .count(&format!("websocket.rule.{name}"), 1, env.host);
            self.warn(&line, env);
        }
        let Some(inspector) = &self.inspector else {
            return;
        };
        let ends = BOTH.map(|from| inspector.end(from));
        let is_over = inspector.state() == State::Closed;
        let is_ending = ends.iter().all(|end| *end != End::None) || ends.contains(&End::Reset);
        if (is_over || is_ending) && self.reset.is_none() {
            self.reset = Some(env.now.after(LINGER));
        }
        let has_output =
            |from: &Role| self.line_of(*from).is_armed && self.line_of(*from).has_output();
        if BOTH.iter().any(has_output) && self.wake.is_none() {
            self.wake = Some(env.now.after(SOON * 10));
        }
    }

    /// The connection is about to be logged: sets what the log can show. Returns in which directions anything goes on.
    pub(super) fn log(&mut self, env: &mut Env<'_>) -> Vec<Role> {
        let go_on = self.is_lost(env);
        self.set_fields(env);
        go_on
    }

    /// A connection that is gone while it is open is lost on one side. If that is the server's, the client can still be
    /// told.
    fn is_lost(&mut self, env: &mut Env<'_>) -> Vec<Role> {
        let Some(inspector) = &mut self.inspector else {
            return Vec::new();
        };
        if self.stage != Stage::Open || inspector.state() != State::Open {
            return Vec::new();
        }
        _ = inspector.close(env.settings.upstream_gone, LOST, env.now);
        let name = Rule::ConnectionLost.name();
        self.verdict.get_or_insert(name.into());
        env.metrics
            .count(&format!("websocket.rule.{name}"), 1, env.host);
        self.write_unasked(env)
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
        let Some(inspector) = &self.inspector else {
            return;
        };
        for from in BOTH {
            let (name, traffic) = (name_of(from), inspector.traffic(from));
            let mut set = |what: &str, number: u64| {
                env.host
                    .set_field(&format!("ws_{what}_{name}"), &format!("{number}"));
            };
            set("messages", traffic.messages);
            set("bytes", traffic.bytes);
            if let Some(code) = inspector.close_code(from) {
                set("close", code.into());
            }
            if let Some(code) = inspector.close_sent(from) {
                set("close_to", code.into());
            }
        }
    }

    fn warn(&self, line: &str, env: &mut Env<'_>) {
        env.host.log(
            Level::Warn,
            &format!("websocket-filter: connection {}: {line}", self.id),
        );
    }

    fn line(&mut self, from: Role) -> &mut Line {
        match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    fn line_of(&self, from: Role) -> &Line {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }
}

impl Todo {
    /// Takes note of what was seen.
    fn note(&mut self, from: Role, seen: &[Seen<'_>], env: &mut Env<'_>) {
        let mut shown: Option<&[u8]> = None;
        for seen in seen {
            match seen {
                Seen::Text {
                    payload,
                    last: true,
                }
                | Seen::Binary {
                    payload,
                    last: true,
                } => {
                    shown = Some(payload);
                }
                Seen::Message(summary) => {
                    self.messages += 1;
                    let length = summary.length.unwrap_or(summary.wire_length);
                    env.metrics
                        .record_of(from, "message_bytes", length, env.host);
                    let Some(content) = &env.settings.content else {
                        continue;
                    };
                    let is_looked_at = match from {
                        Role::Client => content.client,
                        Role::Server => content.server,
                    };
                    let payload = shown.take();
                    if summary.held {
                        let verdict =
                            payload.map_or(Verdict::Pass, |payload| content.judge(payload));
                        self.verdicts.push(verdict);
                    } else if is_looked_at && !summary.shown {
                        self.is_too_long |= content.close_longer;
                    }
                }
                Seen::Close { code, .. } => {
                    env.metrics
                        .count_of(from, &format!("close.{code}"), 1, env.host);
                }
                Seen::RoundTrip(nanos) => {
                    env.metrics
                        .record_of(from, "round_trip_ms", nanos / 1_000_000, env.host);
                }
                _ => {}
            }
        }
    }

    /// Lets the messages go on that come before one that may not.
    fn decide(&mut self, from: Role, inspector: &mut Inspector, env: &Env<'_>) {
        for verdict in self.verdicts.drain(..) {
            self.is_denied |= verdict == Verdict::Denied;
            if !self.is_denied {
                _ = inspector.decide(from, true, env.now);
            }
        }
    }
}

impl Line {
    /// Counts what has come since the last time.
    fn count(&mut self, from: Role, inspector: &Inspector, messages: u64, env: &mut Env<'_>) {
        let traffic = inspector.traffic(from);
        let bytes = traffic.bytes - self.counted.bytes;
        if messages > 0 {
            env.metrics.count_of(from, "messages", messages, env.host);
        }
        if bytes > 0 {
            env.metrics.count_of(from, "bytes", bytes, env.host);
        }
        self.counted = traffic;
        if let Some(rate) = &mut self.rate {
            // Headers and control frames too, so that no flood of them goes uncounted.
            rate.take(messages, self.unread as u64, env.now);
        }
    }
}
