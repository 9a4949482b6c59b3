//! Inspects a WebSocket connection that a proxy forwards unchanged.
//!
//! A proxy passes an [`Inspector`] what it reads from either side. The inspector checks every
//! rule of the handshake, of frames, messages, UTF-8, close codes and permessage-deflate
//! (RFC 6455, RFC 7692, RFC 8441), enforces limits and timeouts, and says how many of the
//! original bytes may be forwarded. It never changes them. At frame boundaries it can insert and
//! drop frames: a close frame to either side after a broken rule or a timeout, pings, whose pongs
//! are not forwarded, and messages of the proxy.
//!
//! ```
//! use websocket_component::handshake::Negotiated;
//! use websocket_component::inspector::{End, Inspector, Options};
//! use websocket_component::{Instant, Role, Rule};
//!
//! # fn main() -> Result<(), Rule> {
//! let now = Instant::from_nanos(0);
//! let entropy = [7; 32]; // unpredictable bytes of the system in a real host
//! let mut inspector = Inspector::open(Options::default(), &entropy, &Negotiated::default(), now)?;
//!
//! // The header of 1 MiB of binary data: the payload may go on unseen.
//! let mut header = *b"\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00";
//! let step = inspector.advance(Role::Server, 0, &mut header, now)?;
//! assert_eq!((step.consumed, step.skippable), (10, 1 << 20));
//! assert_eq!(inspector.forward_to(Role::Server), 10 + (1 << 20));
//!
//! // It did. Then the server breaks a rule: a frame with a mask.
//! inspector.advance(Role::Server, 1 << 20, &mut [0x82, 0x81], now)?;
//! let (from, failure) = inspector.failure().unwrap();
//! assert_eq!((from, failure.rule), (Role::Server, Rule::FrameMasked));
//! assert_eq!(failure.offset, Some(10 + (1 << 20)));
//! // The client gets a close frame behind the last good byte, and then the end.
//! let edit = inspector.take_edits(Role::Server).next().unwrap();
//! assert_eq!(edit.at, 10 + (1 << 20));
//! assert_eq!(edit.insert, b"\x88\x14\x03\xf6the server is gone");
//! assert_eq!(inspector.end(Role::Server), End::Shutdown);
//! # Ok(())
//! # }
//! ```
//!
//! # Positions
//!
//! Bytes are counted in each direction, named by the side that sends it, from 0 at the first
//! byte of the connection; if the handshake is passed in header fields, from the first byte of
//! the first frame. The host buffers what it has read and must not forward yet: everything
//! after [`Inspector::forward_to`], which is at most a header, a frame of
//! [`Direction::hold_frame`] bytes, or the messages that wait for
//! [`Inspector::decide`].
//!
//! How the input is split, and how the two directions interleave, affects neither what is
//! reported and forwarded, nor which rule is broken where.

mod clocks;
mod ending;
mod flow;
mod forwarding;
mod handshake;
mod insertion;
mod options;
mod parked;
mod pings;
mod seen;
mod sides;

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::frame::header::MAX_LENGTH;
use crate::frame::mask::KeySource;
use crate::handshake::{Memory, Negotiated, RequestHead, ResponseHead};
use crate::{Failure, Instant, Role, Rule};

pub use forwarding::{Edit, End};
pub use options::{Direction, Options, OtherCode, Payload, Timeouts, UnknownExtensions, View};
pub use parked::{Parked, ParkedSide};
pub use seen::{Frame, Seen, Step, Summary, Traffic};
pub use sides::Sides;

use clocks::Clocks;
use ending::Ending;
use flow::Flow;
use handshake::{Handshake, Heads};
use seen::Records;

/// Checks a connection between a client and a server: [the module](self) has an overview.
pub struct Inspector {
    options: Options,
    keys: KeySource,
    handshake: Handshake,
    /// Whether the heads are passed as bytes, so that the inspector can respond to the client
    /// instead of the server.
    is_in_bytes: bool,
    /// The heads, until the first frame: they are rarely needed after that.
    heads: Option<Box<Heads>>,
    negotiated: Option<Negotiated>,
    /// The direction from each side.
    flows: Sides<Flow>,
    clocks: Clocks,
    ending: Ending,
    records: Records,
}

impl Inspector {
    /// Creates an inspector of a connection before its handshake, which is passed as bytes, or to
    /// [`Inspector::request_headers`] and [`Inspector::response_headers`].
    ///
    /// `entropy` is at least 32 unpredictable bytes, from which the masks of inserted frames and
    /// the payloads of pings are made.
    ///
    /// # Errors
    ///
    /// [`Rule::ConfigOutOfRange`], [`Rule::EntropyTooShort`].
    pub fn new(options: Options, entropy: &[u8], now: Instant) -> Result<Inspector, Rule> {
        options.check()?;
        Ok(Inspector {
            keys: KeySource::new(entropy)?,
            handshake: Handshake::new(&options),
            is_in_bytes: false,
            heads: None,
            negotiated: None,
            flows: Sides {
                client: Flow::new(Role::Client, &options.client),
                server: Flow::new(Role::Server, &options.server),
            },
            clocks: Clocks::new(now),
            ending: Ending::default(),
            records: Records::default(),
            options,
        })
    }

    /// Creates an inspector of a connection whose handshake was checked elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Inspector::new`], and [`Rule::DeflateAnswerInvalid`] or
    /// [`Rule::ExtensionUnknown`] for what was negotiated.
    pub fn open(
        options: Options,
        entropy: &[u8],
        negotiated: &Negotiated,
        now: Instant,
    ) -> Result<Inspector, Rule> {
        let mut inspector = Inspector::new(options, entropy, now)?;
        inspector.opened(negotiated.clone())?;
        Ok(inspector)
    }

    /// Processes what `from` has sent: `skipped` bytes that were forwarded without being passed,
    /// at most [`Step::skippable`] of the last step in this direction, and then `input`. Both may
    /// be empty: the call then only passes the time, as [`Inspector::handle_timeout`] does.
    ///
    /// **Pass a copy of what you forward**: payloads that are checked are unmasked in `input`
    /// itself. Afterwards use [`Inspector::forward_to`], [`Inspector::take_edits`] and
    /// [`Inspector::end`] for both directions.
    ///
    /// # Errors
    ///
    /// [`Rule::SkippedTooMuch`], which changes nothing. If `from` breaks a rule, the call doesn't
    /// fail: see [`Inspector::failure`].
    pub fn advance<'a>(
        &'a mut self,
        from: Role,
        skipped: u64,
        input: &'a mut [u8],
        now: Instant,
    ) -> Result<Step<'a>, Rule> {
        self.flows[from].skip(skipped)?;
        self.records.clear();
        self.clocks.read(now);
        if skipped > 0 || !input.is_empty() {
            self.clocks.input(from);
        }
        let consumed = match self.handshake {
            Handshake::Complete => self.read_frames(from, input),
            _ => self.read_head(from, input),
        };
        self.handle_due();
        self.settle();
        let is_open = matches!(self.handshake, Handshake::Complete);
        let flow = &self.flows[from];
        Ok(Step {
            consumed,
            skippable: flow.skippable(),
            wanted: flow.wanted(),
            more: flow.has_more() || (is_open && consumed < input.len()),
            records: &self.records.list,
            input,
            copies: &self.records.copies,
            stream: flow.stream(),
        })
    }

    /// A fast path of [`Inspector::advance`] for the frame header at the start of `header`, if the
    /// payload needn't be checked and there is nothing to report. Returns the lengths of the header
    /// and of the payload: both may be forwarded. The payload is then [`Step::skippable`].
    ///
    /// `skipped` must be all that was left of the previous payload; `header` may have more bytes
    /// than the header. Otherwise, and for verified text, compressed data, control frames, and if
    /// anything is to be reported or inserted, returns `None` and changes nothing: call
    /// [`Inspector::advance`] instead.
    ///
    /// ```
    /// use websocket_component::handshake::Negotiated;
    /// use websocket_component::inspector::{Inspector, Options};
    /// use websocket_component::{Instant, Role, Rule};
    ///
    /// # fn main() -> Result<(), Rule> {
    /// let now = Instant::from_nanos(0);
    /// let (options, negotiated) = (Options::default(), Negotiated::default());
    /// let mut inspector = Inspector::open(options, &[7; 32], &negotiated, now)?;
    /// let mut pass = |skipped, header| inspector.pass_header(Role::Server, skipped, header, now);
    /// assert_eq!(pass(0, b"\x82\x7e\x10\x00"), Some((4, 4096)));
    /// assert_eq!(pass(4096, b"\x82\x7d"), Some((2, 125)));
    /// // Text is looked at.
    /// assert_eq!(pass(125, b"\x81\x7d"), None);
    /// assert_eq!(inspector.forward_to(Role::Server), 4 + 4096 + 2 + 125);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pass_header(
        &mut self,
        from: Role,
        skipped: u64,
        header: &[u8],
        now: Instant,
    ) -> Option<(usize, u64)> {
        let (length, payload) = self.flows[from].unseen_frame(skipped, header)?;
        if !matches!(self.handshake, Handshake::Complete) || self.is_due_at(now) {
            return None;
        }
        let mut bytes = [0; MAX_LENGTH];
        let bytes = bytes.get_mut(..length)?;
        bytes.copy_from_slice(header.get(..length)?);
        self.records.clear();
        self.clocks.read(now);
        self.clocks.input(from);
        self.flows[from].skip(skipped).ok()?;
        self.read_frames(from, bytes);
        self.note_message(from);
        Some((length, payload))
    }

    /// A fast path of [`Inspector::advance`] for a complete message in one frame, by its header
    /// alone: `header` begins with it, and may have more bytes. Returns the lengths of the header
    /// and of the payload: both may be forwarded.
    ///
    /// It applies to binary data that needn't be checked, up to 64 KiB, between two messages, if
    /// there is nothing to report or to insert. Otherwise returns `None` and changes nothing: call
    /// [`Inspector::advance`] instead.
    ///
    /// ```
    /// use websocket_component::handshake::Negotiated;
    /// use websocket_component::inspector::{Inspector, Options};
    /// use websocket_component::{Instant, Role, Rule};
    ///
    /// # fn main() -> Result<(), Rule> {
    /// let now = Instant::from_nanos(0);
    /// let (options, negotiated) = (Options::default(), Negotiated::default());
    /// let mut inspector = Inspector::open(options, &[7; 32], &negotiated, now)?;
    /// let mut pass = |header| inspector.pass_message(Role::Server, header, now);
    /// assert_eq!(pass(b"\x82\x7d"), Some((2, 125)));
    /// // Text is looked at.
    /// assert_eq!(pass(b"\x81\x7d"), None);
    /// assert_eq!(inspector.forward_to(Role::Server), 2 + 125);
    /// assert_eq!(inspector.traffic(Role::Server).messages, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pass_message(
        &mut self,
        from: Role,
        header: &[u8],
        now: Instant,
    ) -> Option<(usize, usize)> {
        if !matches!(self.handshake, Handshake::Complete) || self.is_due_at(now) {
            return None;
        }
        let passed = self.flows[from].pass_message(header)?;
        self.heads = None;
        self.records.clear();
        self.clocks.read(now);
        self.clocks.input(from);
        self.note_message(from);
        Some(passed)
    }

    /// Reads frames. Returns how many bytes were consumed.
    fn read_frames(&mut self, from: Role, input: &mut [u8]) -> usize {
        if self.heads.is_some() && !input.is_empty() {
            self.heads = None;
        }
        let now = self.clocks.now();
        match self.flows[from].read(input, &mut self.records, now) {
            Ok(consumed) => consumed,
            Err(failure) => {
                self.fail(from, failure, How::AtOnce);
                input.len()
            }
        }
    }

    /// Reports that `from` sends no more bytes, after skipped ones were reported. If it has not
    /// sent a close frame, or the handshake is not complete, that breaks
    /// [`Rule::ConnectionLost`].
    pub fn end_of_input(&mut self, from: Role, now: Instant) {
        self.records.clear();
        self.clocks.read(now);
        self.input_ended(from);
        self.settle();
    }

    /// Handles the timeouts that have passed at `now`. Call it at
    /// [`Inspector::next_deadline`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.records.clear();
        self.clocks.read(now);
        self.handle_due();
        self.settle();
    }

    /// Frees the results of the last step, as the next call does in any case: for hosts that
    /// account for the memory of connections that may become idle.
    pub fn trim(&mut self) {
        self.records.clear();
        self.flows.client.forget_shown();
        self.flows.server.forget_shown();
    }

    /// Returns the position up to which the bytes from `from` may be forwarded, including those
    /// that edits drop. It never decreases.
    pub fn forward_to(&self, from: Role) -> u64 {
        self.flows[from].forwarding.to()
    }

    /// Returns the edits up to [`Inspector::forward_to`] that were not returned before, in order.
    /// Earlier ones stay valid.
    pub fn take_edits(&mut self, from: Role) -> impl Iterator<Item = Edit> + '_ {
        self.flows[from].forwarding.take_edits()
    }

    /// Returns how to end the transport to the receiver of what `from` sends, once everything up
    /// to [`Inspector::forward_to`] was written.
    ///
    /// After both close frames, the transport to the client is ended at once, and the one to the
    /// server once the server has ended its stream (RFC 6455, section 7.1.1).
    pub fn end(&self, from: Role) -> End {
        self.flows[from].forwarding.end()
    }

    /// Returns whether nothing from `from` after [`Inspector::forward_to`] will be forwarded any
    /// more, so that the host needn't buffer it.
    pub fn is_final(&self, from: Role) -> bool {
        self.flows[from].is_final()
    }

    /// Returns whether [`Inspector::forward_to`] is a frame boundary in what `from` has sent, and no
    /// close frame was forwarded. A host whose sandbox has failed can still close the connection
    /// there itself.
    pub fn is_at_boundary(&self, from: Role) -> bool {
        matches!(self.handshake, Handshake::Complete) && self.flows[from].is_at_boundary()
    }

    /// Returns the first rule that was broken, and by whom.
    pub fn failure(&self) -> Option<(Role, Failure)> {
        self.ending.failure
    }

    /// Returns the code of the close frame that a side has sent: 1005 for one without a code.
    pub fn close_code(&self, from: Role) -> Option<u16> {
        self.flows[from].close_code()
    }

    /// Returns the code of the close frame that was sent to a side: the other side's or an
    /// inserted one; 1005 for one without a code. `None` until it may be forwarded.
    pub fn close_sent(&self, to: Role) -> Option<u16> {
        self.flows[to.peer()].has_told()
    }

    /// Returns the traffic from a side.
    pub fn traffic(&self, from: Role) -> Traffic {
        self.flows[from].traffic
    }

    /// Returns the head of a request in bytes, once it was received, until the first frame is read.
    pub fn request(&self) -> Option<&RequestHead> {
        self.heads.as_ref()?.request.as_ref()
    }

    /// Returns the head of a response in bytes, once it was received, until the first frame is read.
    /// If there were several (RFC 9110, section 15.2), this is the last one.
    pub fn response(&self) -> Option<&ResponseHead> {
        self.heads.as_ref()?.response.as_ref()
    }

    /// Returns what was negotiated, once the handshake is complete.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// Returns how many bytes of memory the inspector uses, including itself, but not what the host
    /// buffers.
    pub fn memory(&self) -> usize {
        size_of::<Inspector>()
            + self.flows.client.memory()
            + self.flows.server.memory()
            + self.handshake.memory()
            + self.heads.as_ref().map_or(0, |heads| heads.memory())
            + self.negotiated.memory()
            + self.records.memory()
    }

    /// The handshake is complete.
    ///
    /// Fails with [`Rule::DeflateAnswerInvalid`] or [`Rule::ExtensionUnknown`].
    fn opened(&mut self, negotiated: Negotiated) -> Result<(), Rule> {
        let [client, server] = handshake::extensions(&negotiated, &self.options)?;
        self.flows.client.begin(client);
        self.flows.server.begin(server);
        self.negotiated = Some(negotiated);
        self.handshake = Handshake::Complete;
        self.clocks.open();
        Ok(())
    }
}

/// How a rule was broken.
enum How {
    /// By invalid bytes, by the end of the stream, or by accepting no output: nothing more from
    /// this side is forwarded.
    AtOnce,
    /// By silence: a frame in progress may still be completed.
    Silence,
    /// In the handshake. The response that the client gets.
    InHandshake(Vec<u8>),
}
