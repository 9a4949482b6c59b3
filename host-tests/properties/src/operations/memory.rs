//! How much memory a session takes, call by call, and how much it may.

use websocket_component::{Config, Limits, Session};

use crate::memory::MAX_INFLATED;

/// A session that is called only in measurements.
pub(super) struct Metered {
    session: Option<Box<Session>>,
    /// What it takes now.
    held: i64,
    /// The most that it took in the last call.
    peak: u64,
    /// How much it was allowed to take before that call.
    before: u64,
}

impl Metered {
    pub(super) fn new(make: impl FnOnce() -> Session) -> Metered {
        let mut metered = Metered {
            session: None,
            held: 0,
            peak: 0,
            before: 0,
        };
        let mut session = None;
        metered.measure(|| session = Some(Box::new(make())));
        metered.session = session;
        metered
    }

    fn measure(&mut self, run: impl FnOnce()) {
        let taken = allocation_counter::measure(run);
        self.peak = self.held().saturating_add(taken.bytes_max);
        self.held += taken.bytes_current;
    }

    /// What it takes.
    fn held(&self) -> u64 {
        u64::try_from(self.held).expect("no more is given back than was taken")
    }

    pub(super) fn call<T>(&mut self, call: impl FnOnce(&mut Session) -> T) -> T {
        let mut session = self.session.take().expect("it is here between calls");
        let mut result = None;
        self.measure(|| result = Some(call(&mut session)));
        self.session = Some(session);
        result.expect("it was called")
    }

    /// Asks for something that takes no memory.
    pub(super) fn ask(&self) -> &Session {
        self.session.as_ref().expect("it is here between calls")
    }

    /// The host gets a buffer that the session has allocated.
    pub(super) fn gave(&mut self, capacity: usize) {
        self.held -= i64::try_from(capacity).expect("in memory");
    }

    /// The session gets a buffer that the host has allocated.
    pub(super) fn got(&mut self, capacity: usize) {
        self.held += i64::try_from(capacity).expect("in memory");
    }

    pub(super) fn is_within(&mut self, bound: &Bound) {
        let (held, rest) = (self.held(), bound.rest());
        assert!(held <= rest, "{held} bytes held, {rest} allowed: {bound:?}");
        let (peak, call) = (self.peak, bound.call(self.before));
        self.before = rest;
        assert!(
            peak <= call,
            "{peak} bytes in a call, {call} allowed: {bound:?}"
        );
    }

    /// The session ends.
    pub(super) fn drop(mut self) {
        let session = self.session.take();
        self.measure(|| drop(session));
        assert_eq!(self.held, 0, "bytes that were not given back");
    }
}

/// What a session takes that has heard and said nothing: its own boxes, and the pings that it remembers.
const BASE: u64 = 48 << 10;
/// Segments of the two queues that are partly drained, with room for more.
const SEGMENTS: u64 = 2 * (68 << 10);
/// A window and a decoder, a window and an encoder (RFC 7692).
const DEFLATE: u64 = 700 << 10;
/// A head: its bytes, and the fields of it.
const HEADS: u64 = 32 << 10;

/// What memory depends on.
#[derive(Debug)]
pub(super) struct Bound {
    limits: Limits,
    receive_buffer: u64,
    piece: u64,
    compresses: bool,
    handshake: bool,
    /// Bytes that have come since the last message ended, or before.
    pub(super) received: u64,
    /// Bytes of messages that the last input has ended, which stay until the next one.
    pub(super) delivered: u64,
    /// Bytes that the last call was given.
    pub(super) given: u64,
    /// Bytes that wait to be handed out, now or before the last call.
    pub(super) waiting: u64,
    /// Frames of the host's among them.
    pub(super) frames: u64,
    /// Sends that were accepted and not told as done.
    pub(super) sends: u64,
    /// The longest message that the host has sent.
    pub(super) longest: u64,
}

impl Bound {
    pub(super) fn new(config: &Config, compresses: bool, handshake: bool) -> Bound {
        Bound {
            limits: config.limits,
            receive_buffer: config.receive_buffer.into(),
            piece: config.receive_buffer.max(config.max_whole_frame).into(),
            compresses,
            handshake,
            received: 0,
            delivered: 0,
            given: 0,
            waiting: 0,
            frames: 0,
            sends: 0,
            longest: 0,
        }
    }

    /// The most bytes that may wait to be handed out, with the overhead of the host's frames. Compressed, data may become a
    /// little longer.
    fn queued(&self) -> u64 {
        let alone = self.longest + 14 + 2 * Limits::FRAME_OVERHEAD;
        let sent = self.limits.queued_output.max(alone);
        let grown = u64::from(self.compresses) * (sent / 16);
        // The last pong may be over the limit; a keepalive ping and a close of the session's own don't count.
        let own = u64::from(self.limits.queued_pongs) + 3 * 131;
        sent.saturating_add(grown).saturating_add(own)
    }

    /// Between calls.
    fn rest(&self) -> u64 {
        let queued = self.waiting + self.frames * Limits::FRAME_OVERHEAD;
        assert!(
            queued <= self.queued(),
            "{queued} bytes are queued: {self:?}"
        );
        let inflated = if self.compresses { MAX_INFLATED } else { 1 };
        // A message in progress is in a buffer that doubles. What the last call has delivered stays until the next.
        let longest = self.limits.message.max(self.piece);
        let message = (self.received * inflated).min(longest);
        let ended = (self.delivered * inflated).min(longest);
        let delivered = match self.compresses {
            true => {
                (self.given * inflated).min(u64::from(self.limits.inflate_per_call) + self.piece)
            }
            false => self.given,
        };
        let actions = 3 * self.given.min(self.receive_buffer);
        // A frame has an entry of its own. Pongs are at least two bytes long.
        let bookkeeping =
            128 * self.sends + 32 * self.waiting.min(u64::from(self.limits.queued_pongs) + 131);
        let own = u64::from(self.compresses) * DEFLATE + u64::from(self.handshake) * HEADS;
        BASE + SEGMENTS
            + own
            + 2 * self.waiting
            + 2 * self.longest
            + bookkeeping
            + 4 * (message + ended + delivered)
            + actions
    }

    /// In a call: buffers that grow are there twice, and what the call gives back is there at first.
    fn call(&self, before: u64) -> u64 {
        let rest = self.rest();
        rest + rest.max(before) + 4 * self.given
    }
}
