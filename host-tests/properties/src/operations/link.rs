//! A client and a server, and what is between them.

use std::time::Duration;

use websocket_component::{Instant, Message, Role, Session, State};

use super::check;
use super::clock::Clock;
use super::script::{End, How, Passing, Script, Step, Way};
use super::side::Side;
use crate::case::{self, NOW};
use crate::said::Said;

/// More rounds than this without a rest are a loop.
const MAX_ROUNDS: usize = 10_000;

pub(super) struct Link {
    pub(super) client: Side,
    pub(super) server: Side,
    pub(super) now: Instant,
    /// The reading that the next call is given, if it is earlier than the last.
    back: Option<Instant>,
}

/// Half of the amounts are short, so that they end inside messages.
fn amount(count: u16) -> usize {
    match count % 2 {
        0 => usize::from(count),
        _ => usize::from(count) % 300,
    }
}

impl Link {
    pub(super) fn new(script: &Script<'_>, ways: [Way; 2]) -> Link {
        let agreed = case::agreed(&script.client, &script.server);
        let [client, server] = ways;
        let handshake = script.handshake;
        Link {
            client: Side::new(Role::Client, script.client, client, &agreed, handshake),
            server: Side::new(Role::Server, script.server, server, &agreed, handshake),
            now: NOW,
            back: None,
        }
    }

    /// Takes all steps.
    pub(super) fn run(&mut self, script: &Script<'_>) {
        for step in &script.steps {
            self.take(step);
        }
    }

    fn take(&mut self, step: &Step<'_>) {
        let now = self.back.take().unwrap_or(self.now);
        match *step {
            Step::Time(passing) => self.pass(passing),
            Step::Serve { rounds } => {
                for _ in 0..rounds % 4 {
                    self.serve();
                }
            }
            Step::Transfer { client, count } => {
                self.side(!client).drain(amount(count), now);
                self.arrive(client, amount(count));
                self.act(client, now, |side| {
                    side.read(now);
                });
            }
            Step::Send { client, how, what } => {
                self.act(client, now, |side| side.send(what, how, now));
            }
            Step::Pings { client, count } => {
                self.act(client, now, |side| side.ping(count, now));
            }
            Step::Arrive { client, count } => {
                self.arrive(client, amount(count));
                self.act(client, now, |side| {
                    side.read(now);
                });
            }
            Step::Drain { client, count } => self.act(client, now, |side| {
                side.drain(amount(count), now);
            }),
            Step::BeginWrite { client } => self.act(client, now, |side| {
                // A host that calls until there is nothing more to do writes at once.
                if !side.way.dry {
                    side.begin_write(now);
                }
            }),
            Step::EndWrite { client, count } => self.act(client, now, |side| {
                side.end_write(amount(count), now);
            }),
            Step::Tick { client } => self.act(client, now, |side| side.tick(now)),
            Step::Pause { client } => self.act(client, now, |side| side.pause(now)),
            Step::Resume { client } => self.act(client, now, |side| side.resume(now)),
            Step::Blocked { client } => self.act(client, now, |side| side.blocked(now)),
            Step::Taken { client } => self.act(client, now, |side| side.taken(now)),
            Step::Answer { client } => self.act(client, now, |side| side.answer(now)),
            Step::Done { client, count } => {
                self.act(client, now, |side| side.ask_done(usize::from(count)));
            }
            Step::End {
                client,
                end,
                unless,
            } => self.act(client, now, |side| match end {
                _ if unless > 15 => {}
                End::Abort => side.abort(),
                End::OfInput => side.end_of_input(now),
            }),
        }
    }

    /// One host acts; a `dry` one then calls until there is nothing more to do.
    fn act(&mut self, client: bool, now: Instant, act: impl FnOnce(&mut Side)) {
        let side = self.side(client);
        act(side);
        if side.way.dry {
            side.run_dry(now);
        }
    }

    fn pass(&mut self, passing: Passing) {
        let span = match passing {
            Passing::Nanos(nanos) => Duration::from_nanos(nanos.into()),
            Passing::Millis(millis) => Duration::from_millis(millis.into()),
            Passing::Seconds(seconds) => Duration::from_secs(u64::from(seconds % 16)),
            Passing::Hours { unless } if unless > 31 => return,
            Passing::Hours { unless } => Duration::from_hours(u64::from(unless) + 1),
            Passing::Back(millis) => {
                let back = u64::from(millis) * 1_000_000;
                self.back = Some(Instant::from_nanos(
                    self.now.as_nanos() - back.min(NOW.as_nanos()),
                ));
                return;
            }
        };
        self.wait(span);
    }

    pub(super) fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        for client in [true, false] {
            let now = self.now;
            let side = self.side(client);
            side.waited |= !span.is_zero();
            if side.way.dry {
                side.tick(now);
                side.run_dry(now);
            }
        }
    }

    pub(super) fn side(&mut self, client: bool) -> &mut Side {
        if client {
            &mut self.client
        } else {
            &mut self.server
        }
    }

    /// Moves at most that many bytes that the other side has written. Returns whether there were any.
    fn arrive(&mut self, client: bool, most: usize) -> bool {
        let (to, from) = match client {
            true => (&mut self.client, &mut self.server),
            false => (&mut self.server, &mut self.client),
        };
        let count = most.min(from.wire.len());
        to.unread.extend(from.wire.drain(..count));
        count > 0
    }

    /// Everything arrives that one side has written and the other one reads, once. Returns whether anything did.
    pub(super) fn serve(&mut self) -> bool {
        let now = self.now;
        let mut moved = false;
        for client in [true, false] {
            moved |= self.arrive(client, usize::MAX);
            let side = self.side(client);
            moved |= side.read(now);
            side.run_dry(now);
            side.answer(now);
            moved |= side.drain(usize::MAX, now);
        }
        moved
    }

    /// Both hosts do what they should, until nothing moves.
    pub(super) fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            if !self.serve() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// Whether both sessions are open, and neither host has closed its own.
    pub(super) fn are_open(&self) -> bool {
        self.client.is_open() && self.server.is_open()
    }

    /// Both hosts read, and both transports take what they get.
    pub(super) fn behave(&mut self) {
        let now = self.now;
        self.back = None;
        for side in [&mut self.client, &mut self.server] {
            // What time alone has ended was late before.
            side.tick(now);
            side.end_write(usize::MAX, now);
            side.resume(now);
            side.taken(now);
        }
    }

    /// Lets everything arrive, closes both sides, and checks what has come of it.
    pub(super) fn finish(&mut self) {
        self.behave();
        self.settle();
        if self.are_open() {
            check::controls_have_arrived(&self.client, &self.server);
            check::controls_have_arrived(&self.server, &self.client);
        }
        for client in [true, false] {
            let now = self.now;
            let side = self.side(client);
            if side.is_open() {
                side.say(Message::Close, Said::Close, How::Borrowed, now);
            }
            self.settle();
        }
        let now = self.now;
        for side in [&mut self.client, &mut self.server] {
            side.end_of_input(now);
            side.run_dry(now);
            side.drain(usize::MAX, now);
            side.run_dry(now);
            assert_eq!(side.state(), State::Closed, "at the end");
        }
        check::all(&mut self.client, &mut self.server);
        check::all(&mut self.server, &mut self.client);
    }
}

impl Side {
    pub(super) fn tick(&mut self, now: Instant) {
        self.call(now, |session| session.handle_timeout(now));
    }

    fn pause(&mut self, now: Instant) {
        self.report(now, Clock::pause, Session::pause_reading);
    }

    pub(super) fn resume(&mut self, now: Instant) {
        self.report(now, Clock::resume, Session::resume_reading);
    }

    fn blocked(&mut self, now: Instant) {
        self.report(now, Clock::blocked, Session::output_blocked);
    }

    pub(super) fn taken(&mut self, now: Instant) {
        self.report(now, Clock::taken, Session::output_taken);
    }

    /// The host reports something of its transport.
    fn report(&mut self, now: Instant, clock: fn(&mut Clock), call: fn(&mut Session, Instant)) {
        self.read_clock(now);
        clock(&mut self.clock);
        self.session.call(|session| call(session, now));
        self.check();
    }
}
