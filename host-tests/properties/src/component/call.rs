//! Arbitrary calls to one session, decoded from a fuzz input.

use arbitrary::{Arbitrary, Result, Unstructured};
use host_tests::wire::{Frame, KEY};
use std::time::Duration;
use websocket_component::{ActionQueue, Config, Role};

use crate::case;
use crate::said::Said;

/// More calls than this find nothing new, and each enters the sandbox a dozen times.
const MAX_CALLS: usize = 48;

#[derive(Debug)]
pub(super) struct Script<'a> {
    pub(super) role: Role,
    pub(super) opening: Opening,
    pub(super) config: Config,
    pub(super) calls: Vec<Call<'a>>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Open,
    OpenWithExtension,
    /// The handshake is made by the calls.
    Unopened,
}

/// A call of the contract, or what the peer sends before one.
#[derive(Arbitrary, Clone, Debug)]
pub(super) enum Call<'a> {
    /// The peer says a frame.
    Frame {
        first: u8,
        masked: bool,
        payload: &'a [u8],
    },
    /// The peer says the head that the session waits for, with another line in it.
    Head {
        line: &'a [u8],
    },
    /// The peer says bytes.
    Bytes(&'a [u8]),
    Exchange {
        /// So many of the bytes that were said.
        most: u8,
        what: Vec<Said<'a>>,
        capacity: u16,
    },
    Send(Said<'a>, Option<u64>),
    Receive(Option<u64>),
    GetAction(Queue),
    Complete {
        which: u8,
        how: How,
    },
    Clock(Clock),
    EndOfInput,
    Abort,
    Connect {
        target: &'a str,
        name: &'a str,
        value: &'a [u8],
    },
    Accept {
        chosen: bool,
        name: &'a str,
        value: &'a [u8],
    },
    Refuse {
        status: u16,
        body: &'a [u8],
    },
    BeginClient {
        extended: bool,
        subprotocol: &'a str,
    },
    EndClient {
        status: u16,
        name: &'a str,
        value: &'a [u8],
        sound: bool,
    },
    BeginServer {
        extended: bool,
        name: &'a str,
        value: &'a [u8],
        sound: bool,
    },
    EndServer,
    Transport(Transport),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Queue {
    Send,
    Receive,
    All,
}

impl From<Queue> for ActionQueue {
    fn from(queue: Queue) -> ActionQueue {
        match queue {
            Queue::Send => ActionQueue::Send,
            Queue::Receive => ActionQueue::Receive,
            Queue::All => ActionQueue::All,
        }
    }
}

/// What the host reports of its transport.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Transport {
    /// It isn't read for now.
    Paused,
    Resumed,
    /// It takes nothing of what was handed out.
    Blocked,
    Taken,
}

/// How an action is completed.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum How {
    /// As it should be: all written, all that was said read.
    Well,
    Sent(u16),
    /// So many of the bytes that were said.
    Read(u8),
    Done,
}

/// The next reading of the clock.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Clock {
    Later(u16),
    /// When the next deadline is.
    Deadline,
    /// Anything, back in time too.
    At(u64),
}

impl<'a> Script<'a> {
    pub(super) fn read(input: &mut Unstructured<'a>) -> Result<Script<'a>> {
        let role = *input.choose(&[Role::Server, Role::Client])?;
        let opening = input.arbitrary()?;
        let mut config = case::config(input)?;
        let timeouts = &mut config.timeouts;
        for timeout in [
            &mut timeouts.handshake,
            &mut timeouts.idle,
            &mut timeouts.message,
            &mut timeouts.keepalive,
            &mut timeouts.pong,
            &mut timeouts.write,
            &mut timeouts.close,
        ] {
            let nanos = *input.choose(&[
                None,
                Some(1_000_000_000),
                Some(5_000_000),
                Some(1),
                Some(u64::MAX),
            ])?;
            *timeout = nanos.map(Duration::from_nanos);
        }
        let mut calls = Vec::new();
        while !input.is_empty() && calls.len() < MAX_CALLS {
            calls.push(input.arbitrary()?);
        }
        Ok(Script {
            role,
            opening,
            config,
            calls,
        })
    }
}

/// The bytes of a frame that breaks rules only by its first byte and by its mask.
pub(super) fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let key = masked.then_some(KEY);
    let payload = payload.to_vec();
    Frame {
        first,
        key,
        payload,
    }
    .bytes()
}
