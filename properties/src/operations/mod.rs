//! A client and a server, whose hosts do anything at all, on a wire that cuts anywhere.
//!
//! The hosts drain in part, late or never; their clocks stand, creep, jump and run back; they stop reading, answer late,
//! give bytes again, and ping as they like.
//!
//! | module | what holds |
//! |---|---|
//! | [`check`] | what one side says to have sent arrives at the other, in order, once; whatever ends has a reason |
//! | [`side`] | after every call: one direction of life, no deadline in the past |
//! | [`memory`] | after every call: what the limits allow, and no more |
//! | [`clock`] | no peer is declared dead before it had its time |
//! | [`finish`] | a live peer never is; a dead one always is, in time |
//! | [`sends`] | every send is told once, as complete if its last byte was handed out |
//! | [`reading`] | calls at one time come to an end |
//! | [`same`] | what is written and heard depends neither on cuts nor on the calls that drive a session |

mod check;
mod clock;
mod finish;
mod link;
mod memory;
mod reading;
mod same;
mod script;
mod sends;
mod side;
mod told;
mod wire;
mod writing;

use arbitrary::Unstructured;

use link::Link;
use same::Outcome;
use script::Script;

/// # Panics
///
/// If something doesn't hold.
pub fn holds(input: &[u8]) {
    let Ok(script) = Script::read(&mut Unstructured::new(input)) else {
        return;
    };
<<<<<<< main
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        match input.arbitrary() {
            Ok(step) => link.take(&step),
            Err(_) => break,
        }
    }
    link.finish();
}

fn settings(input: &mut Unstructured<'_>) -> Result<Config> {
    let mut config = case::config(input)?;
    config.report_control_frames = true;
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let timeouts = &mut config.timeouts;
    match input.int_in_range(0..=2)? {
        0 => {}
        1 => {
            timeouts.idle = seconds(20);
            timeouts.message = seconds(15);
            timeouts.keepalive = Some(Timeouts::MIN_KEEPALIVE);
        }
        _ => {
            timeouts.keepalive = None;
            timeouts.message = None;
            timeouts.pong = None;
            timeouts.write = None;
            timeouts.close = None;
        }
    }
    Ok(config)
}

impl Link {
    fn read(input: &mut Unstructured<'_>) -> Result<Link> {
        let (client, pumped) = (settings(input)?, input.arbitrary()?);
        let (server, server_pumped) = (settings(input)?, input.arbitrary()?);
        let agreed = case::agreed(&client, &server);
        let client = Side::new(Role::Client, client, &agreed, pumped);
        let server = Side::new(Role::Server, server, &agreed, server_pumped);
        Ok(Link {
            client,
            server,
            now: NOW,
        })
    }

    fn take(&mut self, step: &Step<'_>) {
        let now = self.now;
        match *step {
            Step::Send { client, what } => self.side(client).send(what, now),
            Step::Turn {
                client,
                arrive,
                capacity,
                what,
            } => {
                self.arrive(client, usize::from(arrive));
                self.side(client).turn(what, now, u32::from(capacity));
            }
            Step::Wait { millis } => {
                self.now = now.after(Duration::from_millis(millis.into()));
                for side in [&mut self.client, &mut self.server] {
                    side.waited |= millis > 0;
                }
            }
            Step::Abort { client } => self.side(client).abort(),
            Step::Cut { client } => self.side(client).cut(now),
        }
    }

    fn side(&mut self, client: bool) -> &mut Side {
        if client {
            &mut self.client
        } else {
            &mut self.server
        }
    }

    /// Moves what the other side has written.
    fn arrive(&mut self, client: bool, most: usize) -> bool {
        let (to, from) = match client {
            true => (&mut self.client, &mut self.server),
            false => (&mut self.server, &mut self.client),
        };
        let count = most.min(from.wire.len());
        to.unread.extend(from.wire.drain(..count));
        count > 0
    }

    /// Lets everything arrive, closes both sides, and checks what has come of it.
    fn finish(&mut self) {
        self.settle();
        let quiet = [&mut self.client, &mut self.server]
            .map(|side| side.state() == State::Open && !side.told.has_closed());
        if quiet == [true, true] {
            check::controls_have_arrived(&self.client, &self.server);
            check::controls_have_arrived(&self.server, &self.client);
        }
        for _ in 0..2 {
            for side in [&mut self.client, &mut self.server] {
                // A side that does not answer closes itself leaves that to its host.
                if matches!(side.state(), State::Open | State::Closing) && !side.told.has_closed() {
                    side.say(Message::Close, Said::Close, self.now);
                }
            }
            self.settle();
        }
        if self.client.failure().is_none() && self.server.failure().is_none() {
            // The client waits until the server closes the transport.
            assert!(matches!(
                self.client.state(),
                State::Draining | State::Closed
            ));
            assert_eq!(self.server.state(), State::Closed);
        }
        for side in [&mut self.client, &mut self.server] {
            side.cut(self.now);
        }
        self.settle();
        check(&mut self.client, &mut self.server);
        check(&mut self.server, &mut self.client);
    }

    /// Until nothing moves.
    fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            let mut moved = false;
            for client in [true, false] {
                moved |= self.arrive(client, usize::MAX);
                let now = self.now;
                moved |= self.side(client).turn(None, now, 65_536);
            }
            if !moved {
                return;
            }
        }
        panic!("it never comes to rest");
=======
    let one = run(&script, script.ways);
    if let Some(ways) = script.others {
        same::is_the_same(&script, one, run(&script, ways));
>>>>>>> property
    }
}

fn run(script: &Script<'_>, ways: [script::Way; 2]) -> [Outcome; 2] {
    let mut link = Link::new(script, ways);
    link.run(script);
    [link.client, link.server].map(Outcome::of)
}
