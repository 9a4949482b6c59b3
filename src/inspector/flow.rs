//! One direction, frame by frame.

mod boundary;
mod messages;
mod reading;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use super::forwarding::Forwarding;
use super::options::Direction;
use super::pings::Pings;
use super::seen::Traffic;
use crate::frame::header::{self, Masking, Opcode};
use crate::stream::{Assembler, Chunks, Extensions, Settings};
use crate::{Failure, Role, Rule, limits};

pub(super) use boundary::{Insertion, Kind, LastBytes};
use messages::{Held, Message};

/// One direction of the connection, once the handshake is complete.
pub(super) struct Flow {
    options: Direction,
    from: Role,
    stream: Assembler,
    extensions: Extensions,
    /// The position of the first byte of the input.
    base: u64,
    /// The position after the last complete frame.
    boundary: u64,
    frame: Option<Open>,
    message: Option<Message>,
    /// Complete messages that the host has not decided on.
    undecided: VecDeque<Held>,
    /// A message in several frames or inputs that is being assembled for the host.
    whole: Vec<u8>,
    pub(super) forwarding: Forwarding,
    /// Frames that wait for a boundary.
    insertions: VecDeque<Insertion>,
    /// Inserted pings that were not forwarded to the receiver yet, with their positions.
    placed_pings: Vec<(u64, [u8; 8])>,
    /// Where forwarding ends: a close frame was inserted there, or a rule was broken.
    cut: Option<boundary::Cut>,
    /// The pings that were inserted to the sender.
    pub(super) pings: Pings,
    /// The code of the sender's close frame.
    close: Option<u16>,
    /// The code of the close frame to the receiver: the sender's or an inserted one.
    told: Option<Told>,
    /// Nothing more is read: the sender has broken a rule, or its stream has ended.
    is_dead: bool,
    /// Whether a part of a message was received since the last query.
    message_moved: bool,
    /// Whether a message, or a control frame between two, has ended since the last query.
    message_ended: bool,
    pub(super) traffic: Traffic,
}

/// A close frame to the receiver.
#[derive(Clone, Copy)]
struct Told {
    code: u16,
    /// The position by which it is forwarded: the end of the sender's, or where it was inserted.
    at: u64,
}

/// The progress of messages.
pub(super) struct Messages {
    /// A part of one was received.
    pub(super) moved: bool,
    /// One has ended, or a control frame between two.
    pub(super) ended: bool,
    /// One is unfinished.
    pub(super) is_in_message: bool,
    /// One is unfinished, or a frame of any kind.
    pub(super) is_unfinished: bool,
}

/// A frame whose header was received.
struct Open {
    end: u64,
    reach: Reach,
    is_control: bool,
}

/// How much of a frame may be forwarded before it is complete.
enum Reach {
    /// All of it, passed or skipped.
    All,
    /// Nothing.
    Nothing,
    /// What was verified, up to this position.
    Verified(u64),
}

impl Flow {
    pub(super) fn new(from: Role, options: &Direction) -> Flow {
        Flow {
            options: *options,
            from,
            stream: Assembler::new(&settings(from, options, Extensions::None)),
            extensions: Extensions::None,
            base: 0,
            boundary: 0,
            frame: None,
            message: None,
            undecided: VecDeque::new(),
            whole: Vec::new(),
            forwarding: Forwarding::default(),
            insertions: VecDeque::new(),
            placed_pings: Vec::new(),
            cut: None,
            pings: Pings::default(),
            close: None,
            told: None,
            is_dead: false,
            message_moved: false,
            message_ended: false,
            traffic: Traffic::default(),
        }
    }

    /// Starts to read frames, with these extensions.
    pub(super) fn begin(&mut self, extensions: Extensions) {
        self.stream = Assembler::new(&settings(self.from, &self.options, extensions));
        self.extensions = extensions;
        self.pass(0);
    }

    /// Holds bytes of the handshake.
    pub(super) fn hold(&mut self, count: usize) {
        self.base = self.base.saturating_add(count as u64);
    }

    /// Releases bytes of the handshake, with those held before.
    pub(super) fn pass(&mut self, count: usize) {
        self.hold(count);
        self.boundary = self.base;
        self.settle();
    }

    /// Drops a part of the handshake.
    pub(super) fn leave_out(&mut self, range: Range<usize>) {
        let (start, end) = (range.start as u64, range.end as u64);
        self.forwarding
            .skip(self.boundary + start, self.boundary + end);
    }

    pub(super) fn stream(&self) -> &Assembler {
        &self.stream
    }

    /// Returns the code of the sender's close frame, if it was received.
    pub(super) fn close_code(&self) -> Option<u16> {
        self.close
    }

    /// Returns the code of the close frame to the receiver.
    pub(super) fn told(&self) -> Option<u16> {
        self.told.map(|told| told.code)
    }

    /// Returns the same, once it may be forwarded.
    pub(super) fn has_told(&self) -> Option<u16> {
        let told = self.told.filter(|told| told.at <= self.forwarding.to());
        told.map(|told| told.code)
    }

    /// Returns the progress of messages since the last call.
    pub(super) fn take_messages(&mut self) -> Messages {
        let goes_on = !self.is_dead;
        let cut = self.stream.frames().partial_header().first();
        let is_in_frame = cut.is_some() || self.frame.is_some();
        let is_in_message = self.message.is_some() || cut.is_some_and(|first| is_data(*first));
        Messages {
            moved: mem::take(&mut self.message_moved),
            ended: mem::take(&mut self.message_ended),
            is_in_message: goes_on && is_in_message,
            is_unfinished: goes_on && (is_in_message || is_in_frame),
        }
    }

    /// Whether it is between two messages, and everything was forwarded.
    pub(super) fn is_at_rest(&self) -> bool {
        let frames = self.stream.frames();
        let is_between = self.frame.is_none()
            && self.message.is_none()
            && !frames.is_in_header()
            && !self.stream.is_exhausted();
        let has_gone_on = self.undecided.is_empty()
            && self.insertions.is_empty()
            && self.placed_pings.is_empty()
            && self.forwarding.is_even_with(self.boundary);
        let keeps_context = self.has_context() && self.options.view.inflate;
        let is_over = self.cut.is_some() || self.is_over() || self.told.is_some();
        is_between && has_gone_on && self.pings.is_empty() && !keeps_context && !is_over
    }

    /// Restores the state of a parked direction.
    pub(super) fn resume(&mut self, position: u64, traffic: Traffic) {
        self.base = position;
        self.boundary = position;
        self.traffic = traffic;
        self.settle();
    }

    /// Returns how many bytes the host needn't pass.
    pub(super) fn skippable(&self) -> u64 {
        match &self.frame {
            Some(Open {
                reach: Reach::All, ..
            }) if !self.is_dead => self.stream.frames().payload_left(),
            _ => 0,
        }
    }

    /// Returns how many bytes after those the next call can use at once.
    pub(super) fn wanted(&self) -> u64 {
        if self.is_dead {
            return 0;
        }
        let header = (header::MAX_LENGTH - self.stream.frames().partial_header().len()) as u64;
        match &self.frame {
            Some(Open {
                reach: Reach::All, ..
            })
            | None => header,
            Some(_) => self.stream.frames().payload_left().saturating_add(header),
        }
    }

    /// Skips `count` bytes that needn't be passed.
    ///
    /// # Errors
    ///
    /// [`Rule::SkippedTooMuch`]: more than could be skipped.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Rule> {
        if self.is_dead {
            // The earlier allowance is used up.
            self.base = self.base.saturating_add(count);
            return Ok(());
        }
        if count > self.skippable() {
            return Err(Rule::SkippedTooMuch);
        }
        self.base = self.base.saturating_add(count);
        self.stream.skip(count);
        self.payload_came(count);
        Ok(())
    }

    /// Counts `count` received bytes of a message's payload.
    fn payload_came(&mut self, count: u64) {
        self.message_moved |= count > 0;
        self.traffic.bytes = self.traffic.bytes.saturating_add(count);
    }

    /// Ignores further input: the sender has ended its stream, or broken a rule.
    pub(super) fn die(&mut self) {
        self.is_dead = true;
        self.stream.close();
        self.whole = Vec::new();
    }

    /// Whether its frames have ended with a close frame, or will never be complete.
    pub(super) fn is_over(&self) -> bool {
        self.is_dead || self.close.is_some()
    }

    /// Returns the failure for a rule that the sender has broken.
    pub(super) fn locate(&self, rule: Rule) -> Failure {
        Failure {
            offset: Some(self.boundary),
            limit: self.options.limits.limit_of(rule),
            value: self.stream.beyond_limit(rule),
            ..Failure::from(rule)
        }
    }

    /// Whether to call again at once with the rest of the input.
    pub(super) fn has_more(&self) -> bool {
        !self.is_dead && self.stream.is_exhausted()
    }

    /// Returns how many bytes of memory it uses.
    pub(super) fn memory(&self) -> usize {
        let ranges = self.undecided.iter().chain(self.held()).map(Held::memory);
        let insertions = self
            .insertions
            .iter()
            .map(|insertion| insertion.bytes.capacity());
        self.stream.memory()
            + self.whole.capacity()
            + self.forwarding.memory()
            + self.insertions.capacity() * size_of::<Insertion>()
            + insertions.sum::<usize>()
            + self.undecided.capacity() * size_of::<Held>()
            + ranges.sum::<usize>()
            + self.placed_pings.capacity() * size_of::<(u64, [u8; 8])>()
    }

    /// Frees reported payload, which isn't used any more.
    pub(super) fn forget_shown(&mut self) {
        self.stream.forget_delivered();
    }

    fn trim(&mut self) {
        limits::trim_queue(&mut self.undecided);
        limits::trim_queue(&mut self.insertions);
        limits::trim(&mut self.whole);
    }
}

/// Whether a header that begins with this byte is that of a data frame.
fn is_data(first: u8) -> bool {
    Opcode::from_bits(first).is_some_and(|opcode| !opcode.is_control())
}

/// Returns the settings for reading frames: payloads are delivered as they arrive, so nothing is buffered here.
fn settings(from: Role, options: &Direction, extensions: Extensions) -> Settings {
    Settings {
        masking: match from {
            Role::Client => Masking::Required,
            Role::Server => Masking::Forbidden,
        },
        extensions,
        limits: options.limits,
        verify_utf8: options.view.verify_utf8,
        inflate: options.view.inflate,
        leave_unfinished: 0,
        leave_payloads: u64::MAX,
        chunks: Some(Chunks {
            max: usize::MAX,
            min: 1,
            max_whole_frame: 0,
        }),
    }
}
