//! One connection.

mod ending;
mod opening;
mod reading;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::rc::Rc;
use core::mem;
use core::time::Duration;

use websocket_component::inspector::{Inspector, Sides};
use websocket_component::{Instant, Role, State};

use super::line::Line;
use super::{Env, metrics};
use crate::Settings;
use crate::host::{Action, Carrier};
use ending::Known;

/// The delay for bytes that can't be forwarded within a callback.
const SOON: Duration = Duration::from_millis(1);
/// How long the last output may take to leave the proxy before the connection is reset.
const LINGER: Duration = Duration::from_millis(500);
/// The maximum that is held back because of a rate. Beyond its own limit, 1 MiB by default, the proxy would reset the
/// connection without a close frame.
const MAX_HELD_BACK: usize = 512 << 10;

pub(super) struct Connection {
    id: u32,
    /// The settings that it was opened with.
    pub(super) settings: Rc<Settings>,
    carrier: Carrier,
    stage: Stage,
    inspector: Option<Box<Inspector>>,
    /// The final state of the inspector, once it was dropped.
    known: Option<Sides<Known>>,
    /// The direction from each side.
    lines: Sides<Line>,
    started: Instant,
    opened: Option<Instant>,
    /// Why it was ended, or refused.
    verdict: Option<Cow<'static, str>>,
    /// A key was added to the request.
    is_repaired: bool,
    /// An extended CONNECT, which is forwarded as one to an HTTP/2 server.
    is_connect: bool,
    /// The client is gone, and the proxy accepts no output to the server any more.
    is_client_gone: bool,
    /// A message was denied: it stays held, with all that follow it.
    is_denied: bool,
    /// When to call again at the latest.
    wake: Option<Instant>,
    /// When to reset it.
    reset: Option<Instant>,
    /// The numbers that the filter has recorded for it.
    pub(super) noted: Noted,
}

/// A connection's share in the filter's totals, as of the last call for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noted {
    pub(super) memory: u64,
    /// The next deadline.
    pub(super) due: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The response was not received yet.
    Asked,
    Open,
    /// It is no WebSocket, or was refused: it isn't inspected.
    Unseen,
    /// Nothing more is forwarded, and it will be reset.
    Over,
    /// It was reset.
    Gone,
}

/// The directions in which everything buffered is forwarded. The proxy is told at the end of a callback: a failure
/// after that would crash it.
pub(super) type GoOn = Sides<bool>;

/// Forwards what the callback is about, without inspection.
const PASS: (Action, GoOn) = (
    Action::Continue,
    GoOn {
        client: false,
        server: false,
    },
);

impl Connection {
    pub(super) fn new(id: u32, settings: Rc<Settings>, now: Instant) -> Self {
        Self {
            id,
            settings,
            carrier: Carrier::Http,
            stage: Stage::Unseen,
            inspector: None,
            known: None,
            lines: Sides::default(),
            started: now,
            opened: None,
            verdict: None,
            is_repaired: false,
            is_connect: false,
            is_client_gone: false,
            is_denied: false,
            wake: None,
            reset: None,
            noted: Noted::default(),
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// Whether it is inspected, which takes memory.
    pub(super) fn is_seen(&self) -> bool {
        self.inspector.is_some()
    }

    /// Whether it is no WebSocket, and was not refused.
    pub(super) fn is_foreign(&self) -> bool {
        self.stage == Stage::Unseen && self.verdict.is_none()
    }

    pub(super) fn was_open(&self) -> bool {
        self.opened.is_some()
    }

    /// Updates the filter's totals.
    pub(super) fn note(&mut self) {
        self.noted = Noted {
            memory: self.memory(),
            due: self.due(),
        };
    }

    fn memory(&self) -> u64 {
        let inspector = self
            .inspector
            .as_ref()
            .map_or(0, |inspector| inspector.memory());
        let held = self.lines.client.memory() + self.lines.server.memory();
        (size_of::<Self>() + inspector + held) as u64
    }

    /// Returns when something is due.
    fn due(&self) -> Option<Instant> {
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
            self.lines.client.resume,
            self.lines.server.resume,
        ];
        all.into_iter().flatten().min()
    }

    /// Handles a callback: this many bytes of a side are buffered.
    pub(super) fn come(
        &mut self,
        from: Role,
        length: usize,
        is_end: bool,
        env: &mut Env<'_>,
    ) -> (Action, GoOn) {
        match self.stage {
            Stage::Unseen => return PASS,
            Stage::Over | Stage::Gone => {
                env.host.replace(from, length, b"");
                return PASS;
            }
            Stage::Asked | Stage::Open => {}
        }
        let is_open = self.stage == Stage::Open;
        let line = &mut self.lines[from];
        let had_come = mem::replace(&mut line.unread, length);
        // The proxy reports the end of an HTTP/1.1 server's stream by a callback without bytes.
        let is_quiet = line.is_armed && length == had_come;
        let has_http1 = env.settings.repair && !self.is_connect;
        let is_gone = from == Role::Server && is_quiet && has_http1;
        if is_end || is_gone {
            return self.ends(from, env);
        }
        if self.carrier == Carrier::Tcp {
            // Exceeding a rate closes the connection here: nothing can be held back.
            self.holds_back(from, env);
            self.read(from, env);
            self.write(from, env);
            self.note_end(env);
            return PASS;
        }
        let line = &mut self.lines[from];
        if !line.is_armed {
            // In the first callback nothing can be forwarded; from then on the proxy buffers.
            line.is_armed = true;
            if let Some(inspector) = self.inspector.as_mut().filter(|_| is_open) {
                inspector.output_taken(from.peer(), env.now);
            }
            if length > 0 && is_open {
                self.wake = Some(env.now.after(SOON));
            }
            return (Action::Pause, GoOn::default());
        }
        if !is_open || self.holds_back(from, env) {
            return (Action::Pause, GoOn::default());
        }
        self.read(from, env);
        let go_on = self.write_both(from, env);
        self.note_end(env);
        (Action::Pause, go_on)
    }

    /// Handles the end of a side's input.
    fn ends(&mut self, from: Role, env: &mut Env<'_>) -> (Action, GoOn) {
        self.read(from, env);
        match (from, &mut self.inspector) {
            (Role::Server, _) => self.server_is_gone(env),
            (Role::Client, Some(inspector)) => inspector.end_of_input(from, env.now),
            (Role::Client, None) => {}
        }
        let mut go_on = self.write_both(from, env);
        let stays = self.carrier != Carrier::Tcp && self.lines[from].is_armed;
        self.note_end(env);
        go_on[from] = stays;
        match stays {
            true => (Action::Pause, go_on),
            false => (Action::Continue, go_on),
        }
    }

    /// Writes in both directions, that of the callback last. Returns in which anything is forwarded.
    fn write_both(&mut self, own: Role, env: &mut Env<'_>) -> GoOn {
        let mut go_on = GoOn::default();
        for from in [own.peer(), own] {
            let is_ready = from == own || self.is_ready(from, env);
            go_on[from] = is_ready && self.write(from, env);
        }
        go_on
    }

    /// Whether a side has exceeded its rate, so that its input is held back.
    fn holds_back(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        let line = &mut self.lines[from];
        let (Some(rate), Some(inspector)) = (&mut line.rate, &mut self.inspector) else {
            return false;
        };
        line.resume = match inspector.state() {
            State::Open => rate.wait(env.now),
            _ => None,
        };
        let is_too_much = rate.closes || line.unread > MAX_HELD_BACK;
        if line.resume.is_some() && !is_too_much {
            // The silence of a side that isn't read doesn't count.
            inspector.pause_reading(from, env.now);
            return true;
        }
        inspector.resume_reading(from, env.now);
        if line.resume.take().is_some() {
            self.close(1008, "rate", env);
        }
        false
    }

    /// Writes in one direction. Returns whether anything is to be forwarded.
    fn write(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        match &mut self.inspector {
            Some(inspector) => self.lines[from].write(from, inspector, env.host),
            None => false,
        }
    }

    /// Whether a direction other than the callback's can be written to. Its buffered input would be forwarded with the
    /// output, so it is inspected first.
    fn is_ready(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        if !self.lines[from].is_armed || self.stage != Stage::Open {
            return false;
        }
        if self.lines[from].unread > 0 {
            if self.holds_back(from, env) {
                return false;
            }
            self.read(from, env);
        }
        true
    }

    /// Handles timeouts. Returns in which directions anything is forwarded.
    pub(super) fn tick(&mut self, env: &mut Env<'_>) -> GoOn {
        self.wake = None;
        // Whether the rate allows more is checked below, if anything is held back.
        self.lines.client.resume = None;
        self.lines.server.resume = None;
        if self.reset.is_some_and(|at| at <= env.now) {
            self.stage = Stage::Gone;
            env.metrics.count(metrics::RESET, 1, env.host);
            env.host.reset();
            return GoOn::default();
        }
        if let Some(inspector) = &mut self.inspector {
            inspector.handle_timeout(env.now);
            let failure = inspector.failure();
            if let (Stage::Asked, Some((_, failure))) = (self.stage, failure) {
                // The server has not answered in time, and the client can still get an HTTP response.
                self.refuse(504, failure.rule.name().into(), env);
                return GoOn::default();
            }
        }
        self.write_unasked(env)
    }

    /// Writes in both directions, outside of a callback for either.
    fn write_unasked(&mut self, env: &mut Env<'_>) -> GoOn {
        let mut go_on = GoOn::default();
        // Inspecting one direction can end the other, too.
        let are_ready = Role::BOTH.map(|from| self.is_ready(from, env));
        for (from, is_ready) in Role::BOTH.into_iter().zip(are_ready) {
            go_on[from] = is_ready && self.write(from, env);
        }
        self.note_end(env);
        go_on
    }
}
