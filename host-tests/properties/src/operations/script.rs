//! Decodes a fuzz input: two configurations, how each host drives its session, and the steps.

use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use websocket_component::Config;

use crate::case;
use crate::said::Said;

/// More steps than this find nothing new.
const MAX_STEPS: usize = 200;

/// What happens next. `client` says to whom.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// The host sends.
    Send {
        client: bool,
        how: How,
        what: Said<'a>,
    },
    /// The host sends that many equal pings.
    Pings {
        client: bool,
        count: u8,
    },
    /// At most that many bytes arrive, and the host reads. None: what was not consumed is given again.
    Arrive {
        client: bool,
        count: u16,
    },
    /// The transport takes at most that many bytes.
    Drain {
        client: bool,
        count: u16,
    },
    /// The host begins to write, and is told later how much was written.
    BeginWrite {
        client: bool,
    },
    /// At most that many bytes of what the host began to write were written.
    EndWrite {
        client: bool,
        count: u16,
    },
    /// Both hosts do what they should, so many times: what was written arrives, is read and answered.
    Serve {
        rounds: u8,
    },
    /// At most that many bytes go all the way to `client`.
    Transfer {
        client: bool,
        count: u16,
    },
    Time(Passing),
    /// The host calls `handle_timeout`.
    Tick {
        client: bool,
    },
    Pause {
        client: bool,
    },
    Resume {
        client: bool,
    },
    Blocked {
        client: bool,
    },
    Taken {
        client: bool,
    },
    /// The host answers what waits for its answer: a request, a ping, a close.
    Answer {
        client: bool,
    },
    /// The host asks for sends that are done.
    Done {
        client: bool,
        count: u8,
    },
    /// Rarely, so that most sequences go on.
    End {
        client: bool,
        end: End,
        unless: u8,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum How {
    Borrowed,
    Owned,
    Uncompressed,
}

/// How the clock moves.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Passing {
    Nanos(u8),
    Millis(u16),
    Seconds(u8),
    /// Rarely, so that most sessions live on.
    Hours {
        unless: u8,
    },
    /// The next call is given an earlier reading than the last one.
    Back(u16),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum End {
    Abort,
    OfInput,
}

/// What comes after the steps.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// Everything arrives, and both sides close.
    Peace,
    /// Both hosts do all they should for minutes, and then close.
    Minutes,
    /// Nothing arrives any more, and both hosts do all they should.
    Silence,
}

/// How a host calls its session.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) actions: bool,
    pub(super) writes: Writes,
    /// Input and output are cut into pieces of this many bytes.
    pub(super) cut: u8,
    /// A message that is cut is left in the input.
    pub(super) leaves: bool,
    /// The events of an input are dropped after this many, unless zero.
    pub(super) events: u8,
    /// After each step the host calls until there is nothing more to do.
    pub(super) dry: bool,
}

/// More pieces than this at a time find nothing new.
const MAX_PIECES: usize = 64;

impl Way {
    /// How long a piece of that many bytes is.
    pub(super) fn piece(&self, bytes: usize) -> usize {
        usize::from(self.cut).max(bytes / MAX_PIECES).max(1)
    }
}

/// Which call hands output out.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Writes {
    Take,
    Output,
    Slices,
}

pub(super) struct Script<'a> {
    pub(super) client: Config,
    pub(super) server: Config,
    /// It begins with a handshake in bytes.
    pub(super) handshake: bool,
    /// Of the client and of the server.
    pub(super) ways: [Way; 2],
    /// Other ways, for another run that has to have the same outcome.
    pub(super) others: Option<[Way; 2]>,
    pub(super) steps: Vec<Step<'a>>,
    pub(super) finish: Finish,
}

impl<'a> Script<'a> {
    pub(super) fn read(input: &mut Unstructured<'a>) -> Result<Script<'a>> {
        let (client, server) = (settings(input)?, settings(input)?);
        let handshake = input.ratio(1, 4)?;
        let again = input.arbitrary()?;
        let mut ways: [Way; 2] = input.arbitrary()?;
        let mut others: Option<[Way; 2]> = None;
        if again {
            let mut second: [Way; 2] = input.arbitrary()?;
            for way in ways.iter_mut().chain(&mut second) {
                way.dry = true;
            }
            others = Some(second);
        }
        let finish = input.arbitrary()?;
        let mut steps = Vec::new();
        while steps.len() < MAX_STEPS && !input.is_empty() {
            match input.arbitrary() {
                Ok(step) => steps.push(step),
                Err(_) => break,
            }
        }
        Ok(Script {
            client,
            server,
            handshake,
            ways,
            others,
            steps,
            finish,
        })
    }
}

fn settings(input: &mut Unstructured<'_>) -> Result<Config> {
    let mut config = case::config(input)?;
    config.report_control_frames = true;
    // The heads are those of a valid handshake.
    let limits = &mut config.limits;
    (limits.head, limits.headers) = (65_536, 256);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let timeouts = &mut config.timeouts;
    match input.int_in_range(0..=2)? {
        0 => {}
        1 => {
            timeouts.idle = seconds(20);
            timeouts.message = seconds(15);
            timeouts.keepalive = seconds(5);
            timeouts.pong = seconds(3);
        }
        _ => {
            timeouts.handshake = None;
            timeouts.keepalive = None;
            timeouts.message = None;
            timeouts.pong = None;
            timeouts.write = None;
            timeouts.close = None;
        }
    }
    timeouts.coalesce = *input.choose(&[None, Some(Duration::from_millis(5)), seconds(1)])?;
    Ok(config)
}
