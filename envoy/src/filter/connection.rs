//! One connection: its handshake, what goes on between its sides, and how it ends.

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

/// How soon what can't go on within a callback does so.
const SOON: Duration = Duration::from_millis(1);
/// What was written last gets this long to leave the proxy before it resets the connection.
const LINGER: Duration = Duration::from_millis(500);
/// The most that is held back because of a rate. Beyond its limit, which is 1 MiB as it comes, the proxy would reset the
/// connection without a close frame.
const MAX_HELD_BACK: usize = 512 << 10;

pub(super) struct Connection {
    id: u32,
    /// Those that it was opened with.
    pub(super) settings: Rc<Settings>,
    carrier: Carrier,
    stage: Stage,
    inspector: Option<Box<Inspector>>,
    /// What the inspector knew, once nothing more goes on and it is gone.
    known: Option<Sides<Known>>,
    /// What each side sends.
    lines: Sides<Line>,
    started: Instant,
    opened: Option<Instant>,
    /// Why it was ended, or refused.
    verdict: Option<Cow<'static, str>>,
    /// A key was added to the request.
    is_repaired: bool,
    /// An extended CONNECT, which goes on as one to a server of HTTP/2.
    is_connect: bool,
    /// The client is gone, and the proxy takes nothing for the server any more.
    is_client_gone: bool,
    /// A message was found that may not pass: it stays held, and all that follow it.
    is_denied: bool,
    /// When to call again in any case.
    wake: Option<Instant>,
    /// When to reset it.
    reset: Option<Instant>,
    /// What the filter knows of it.
    pub(super) noted: Noted,
}

/// What all connections are accounted by, as it was when the last call about one was over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noted {
    pub(super) memory: u64,
    /// When something is due.
    pub(super) due: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The response is still to come.
    Asked,
    Open,
    /// It is no WebSocket, or was refused: not looked at.
    Unseen,
    /// Nothing more goes on, and it will be reset.
    Over,
    /// It was reset.
    Gone,
}

/// In which directions all that waits goes on. The proxy is told so at the end of a callback: if one failed behind that,
/// the proxy could not live on.
pub(super) type GoOn = Sides<bool>;

/// What the callback is about goes on, out of control.
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

    /// Whether it is looked at, which takes memory.
    pub(super) fn is_seen(&self) -> bool {
        self.inspector.is_some()
    }

    /// Whether it is no WebSocket, and nobody has refused it.
    pub(super) fn is_foreign(&self) -> bool {
        self.stage == Stage::Unseen && self.verdict.is_none()
    }

    pub(super) fn was_open(&self) -> bool {
        self.opened.is_some()
    }

    /// Takes note of what all connections are accounted by.
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

    /// When something is due.
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

    /// So many bytes of a side's wait.
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
        // A server of HTTP/1.1 that ends its stream is shown by a callback that brings nothing.
        let is_quiet = line.is_armed && length == had_come;
        let has_http1 = env.settings.repair && !self.is_connect;
        let is_gone = from == Role::Server && is_quiet && has_http1;
        if is_end || is_gone {
            return self.ends(from, env);
        }
        if self.carrier == Carrier::Tcp {
            // What is too much closes: nothing can be held back.
            self.holds_back(from, env);
            self.read(from, env);
            self.write(from, env);
            self.note_end(env);
            return PASS;
        }
        let line = &mut self.lines[from];
        if !line.is_armed {
            // In the first callback nothing can be told to go on, and what waits is held from then on.
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

    /// A side sends no more.
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

    /// Writes what goes on in both directions, that of a callback last. Returns in which anything does.
    fn write_both(&mut self, own: Role, env: &mut Env<'_>) -> GoOn {
        let mut go_on = GoOn::default();
        for from in [own.peer(), own] {
            let is_ready = from == own || self.is_ready(from, env);
            go_on[from] = is_ready && self.write(from, env);
        }
        go_on
    }

    /// Whether a side has sent too much lately, so that what comes waits.
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
            // A side that isn't read is not late.
            inspector.pause_reading(from, env.now);
            return true;
        }
        inspector.resume_reading(from, env.now);
        if line.resume.take().is_some() {
            self.close(1008, "rate", env);
        }
        false
    }

    /// Writes what goes on in one direction. Returns whether anything waits to be told so.
    fn write(&mut self, from: Role, env: &mut Env<'_>) -> bool {
        match &mut self.inspector {
            Some(inspector) => self.lines[from].write(from, inspector, env.host),
            None => false,
        }
    }

    /// Whether a direction that no callback is about can be written to. What waits in it goes on with what is written, so
    /// it is looked at first.
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

    /// Time has passed. Returns in which directions anything goes on.
    pub(super) fn tick(&mut self, env: &mut Env<'_>) -> GoOn {
        self.wake = None;
        // Whether that is over is found out below, if anything waits.
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
                // The server has not answered in time, and the client can be told in HTTP yet.
                self.refuse(504, failure.rule.name().into(), env);
                return GoOn::default();
            }
        }
        self.write_unasked(env)
    }

    /// Writes what goes on in both directions, outside of a callback about either.
    fn write_unasked(&mut self, env: &mut Env<'_>) -> GoOn {
        let mut go_on = GoOn::default();
        // What is read of one side can end the other direction too.
        let are_ready = Role::BOTH.map(|from| self.is_ready(from, env));
        for (from, is_ready) in Role::BOTH.into_iter().zip(are_ready) {
            go_on[from] = is_ready && self.write(from, env);
        }
        self.note_end(env);
        go_on
    }
}
