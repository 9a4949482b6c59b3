//! A client and a server, and what is between them.

use std::time::Duration;

use websocket_component::{Instant, Message, Role, Session, State};

use super::script::{End, Finish, How, Passing, Script, Step, Way};
use super::side::{Side, is_over};
use super::{check, finish};
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

    pub(super) fn run(&mut self, script: &Script<'_>) {
        for step in &script.steps {
            self.take(step);
        }
        match script.finish {
            Finish::Peace => {}
            Finish::Minutes => finish::live_on(self),
            Finish::Silence => return finish::notice_silence(self),
        }
        self.finish();
    }

    fn take(&mut self, step: &Step<'_>) {
        let now = self.back.take().unwrap_or(self.now);
        let client = match *step {
            Step::Time(passing) => return self.pass(passing),
            Step::Serve { rounds } => {
                for _ in 0..rounds % 4 {
                    self.serve();
                }
                return;
            }
            Step::Transfer { client, count } => {
                self.side(!client).drain(amount(count), now);
                self.arrive(client, amount(count));
                self.side(client).read(now);
                client
            }
            Step::Send { client, how, what } => {
                self.side(client).send(what, how, now);
                client
            }
            Step::Pings { client, count } => {
                self.side(client).ping(count, now);
                client
            }
            Step::Arrive { client, count } => {
                self.arrive(client, amount(count));
                self.side(client).read(now);
                client
            }
            Step::Drain { client, count } => {
                self.side(client).drain(amount(count), now);
                client
            }
            // A host that calls until there is nothing more to do writes at once.
            Step::BeginWrite { client } if self.side(client).way.dry => client,
            Step::BeginWrite { client } => {
                self.side(client).begin_write(now);
                client
            }
            Step::EndWrite { client, count } => {
                self.side(client).end_write(amount(count), now);
                client
            }
            Step::Tick { client } => {
                self.side(client).tick(now);
                client
            }
            Step::Pause { client } => {
                self.side(client).pause(now);
                client
            }
            Step::Resume { client } => {
                self.side(client).resume(now);
                client
            }
            Step::Blocked { client } => {
                self.side(client).blocked(now);
                client
            }
            Step::Taken { client } => {
                self.side(client).taken(now);
                client
            }
            Step::Answer { client } => {
                self.side(client).answer(now);
                client
            }
            Step::Done { client, count } => {
                self.side(client).ask_done(usize::from(count));
                client
            }
            Step::End {
                client,
                end,
                unless,
            } => {
                match end {
                    _ if unless > 15 => {}
                    End::Abort => self.side(client).abort(),
                    End::OfInput => self.side(client).end_of_input(now),
                }
                client
            }
        };
        if self.side(client).way.dry {
            self.side(client).run_dry(now);
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
    fn finish(&mut self) {
        self.behave();
        self.settle();
        let quiet = [&self.client, &self.server]
            .map(|side| side.state() == State::Open && !side.told.has_closed());
        if quiet == [true, true] {
            check::controls_have_arrived(&self.client, &self.server);
            check::controls_have_arrived(&self.server, &self.client);
        }
        for client in [true, false] {
            let now = self.now;
            let side = self.side(client);
            if side.state() == State::Open && !side.told.has_closed() {
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
            assert!(is_over(side.state()), "{:?} at the end", side.state());
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
        self.read_clock(now);
        self.clock.pause();
        self.session.call(|session| session.pause_reading(now));
        self.check();
    }

    pub(super) fn resume(&mut self, now: Instant) {
        self.read_clock(now);
        self.clock.resume();
        self.session
            .call(|session: &mut Session| session.resume_reading(now));
        self.check();
    }

    fn blocked(&mut self, now: Instant) {
        self.read_clock(now);
        self.clock.blocked();
        self.session.call(|session| session.output_blocked(now));
        self.check();
    }

    pub(super) fn taken(&mut self, now: Instant) {
        self.read_clock(now);
        self.clock.taken();
        self.session.call(|session| session.output_taken(now));
        self.check();
    }
}
