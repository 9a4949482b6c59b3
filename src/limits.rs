//! The limits and timeouts of a session.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::Rule;

/// The longest payload of a control frame (RFC 6455, section 5.5).
pub(crate) const MAX_CONTROL_PAYLOAD: usize = 125;

/// The limits of a session. The largest value of a field's type means that there
/// is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest head of a request or response, in bytes. Beyond it:
    /// [`Rule::RequestLineTooLong`](crate::Rule::RequestLineTooLong) in the first line of
    /// a request, else [`Rule::HeadTooLong`](crate::Rule::HeadTooLong). Default 65536.
    pub head: u32,
    /// The most header fields in a head. Beyond it:
    /// [`Rule::TooManyHeaders`](crate::Rule::TooManyHeaders). Default 256.
    pub headers: u32,
    /// The longest body of a response that refuses the handshake, in bytes. Beyond it the
    /// session fails without waiting for the rest; with 0 it fails at the head. Default
    /// 65536.
    pub refusal_body: u32,
    /// The longest payload of a received frame, in bytes. Beyond it, at the
    /// frame's header: [`Rule::FrameTooBig`](crate::Rule::FrameTooBig). Default
    /// 16 MiB.
    pub frame: u64,
    /// The longest received message, in bytes. Beyond it, at the header of the
    /// frame that would exceed it, or of a compressed message at the byte that does:
    /// [`Rule::MessageTooBig`](crate::Rule::MessageTooBig). Default 16 MiB.
    pub message: u64,
    /// The most bytes that are inflated in one call; each block of compressed data counts 1024
    /// more. The rest of the input is then to be passed again at once. From 1024. Default 1
    /// MiB.
    pub inflate_per_call: u32,
    /// The most frames in a received message. Beyond it:
    /// [`Rule::TooManyFragments`](crate::Rule::TooManyFragments). Default 65536.
    pub fragments: u32,
    /// The most bytes of frames that may be queued and not handed out yet; each frame counts
    /// [`Limits::FRAME_OVERHEAD`] more. A send beyond it is refused with
    /// [`Rule::QueueFull`](crate::Rule::QueueFull), and the session stays open: there is room
    /// again once output was handed out. If nothing is queued, a message of any length is
    /// accepted. Default 32 MiB.
    pub queued_output: u64,
    /// The most bytes of pongs that may be queued and not handed out yet. Beyond it:
    /// [`Rule::PingFlood`](crate::Rule::PingFlood). Default 65536.
    pub queued_pongs: u32,
}

impl Limits {
    /// The range of [`Limits::inflate_per_call`].
    pub const INFLATE_PER_CALL: RangeInclusive<u32> = 1024..=u32::MAX;

    /// What each queued frame counts toward [`Limits::queued_output`] in addition to its
    /// bytes: the memory for its bookkeeping.
    pub const FRAME_OVERHEAD: u64 = 64;

    /// Returns the limit that a rule is about, in bytes or as a count.
    pub(crate) fn limit_of(&self, rule: Rule) -> Option<u64> {
        match rule {
            Rule::RequestLineTooLong | Rule::HeadTooLong => Some(self.head.into()),
            Rule::TooManyHeaders => Some(self.headers.into()),
            Rule::FrameTooBig => Some(self.frame),
            Rule::MessageTooBig => Some(self.message),
            Rule::TooManyFragments => Some(self.fragments.into()),
            Rule::QueueFull => Some(self.queued_output),
            Rule::PingFlood => Some(self.queued_pongs.into()),
            Rule::ControlTooLong | Rule::ControlPayloadTooLong => Some(MAX_CONTROL_PAYLOAD as u64),
            _ => None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head: 65_536,
            headers: 256,
            refusal_body: 65_536,
            frame: 16 << 20,
            message: 16 << 20,
            inflate_per_call: 1 << 20,
            fragments: 65_536,
            queued_output: 32 << 20,
            queued_pongs: 65_536,
        }
    }
}

/// How many bytes of memory a buffer keeps that holds less or nothing, so that an idle session
/// is small.
pub(crate) const KEPT_CAPACITY: usize = 4096;

/// Returns a span in nanoseconds, if they fit.
pub(crate) fn nanos(span: Duration) -> Option<u64> {
    u64::try_from(span.as_nanos()).ok()
}

/// Frees memory of a list that has been much longer.
pub(crate) fn trim<T>(list: &mut Vec<T>) {
    let kept = KEPT_CAPACITY / size_of::<T>();
    if list.capacity() > kept.max(8 * list.len()) {
        list.shrink_to(2 * list.len());
    }
}

/// Frees memory of a queue that has been much longer.
pub(crate) fn trim_queue<T>(queue: &mut VecDeque<T>) {
    let kept = KEPT_CAPACITY / size_of::<T>();
    if queue.capacity() > kept.max(4 * queue.len()) {
        queue.shrink_to(2 * queue.len());
    }
}

/// The deadlines of a session. `None` turns one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the creation of the session until it is open. Beyond it:
    /// [`Rule::HandshakeTimeout`](crate::Rule::HandshakeTimeout), which a server answers with
    /// 408 if a part of the request has arrived as bytes. Default 10 s.
    pub handshake: Option<Duration>,
    /// How long a peer may send nothing at all. Beyond it:
    /// [`Rule::IdleTimeout`](crate::Rule::IdleTimeout). Default none, because
    /// keepalive finds dead peers.
    pub idle: Option<Duration>,
    /// From the first byte of a message, or of a control frame, to its last. Beyond it:
    /// [`Rule::MessageTimeout`](crate::Rule::MessageTimeout). Default 300 s.
    pub message: Option<Duration>,
    /// After how long without input a ping is sent. At least
    /// [`Timeouts::MIN_KEEPALIVE`]. Default 30 s.
    pub keepalive: Option<Duration>,
    /// How long a peer may send nothing at all after a ping was handed out. If more output was
    /// queued after the ping, the time starts again whenever some of it is handed out. Beyond
    /// it: [`Rule::PongTimeout`](crate::Rule::PongTimeout). Default 20 s.
    pub pong: Option<Duration>,
    /// How long a chunk of a message may wait for more of it, if it is shorter than
    /// 16 KiB and messages are delivered in chunks
    /// ([`Delivery::Streaming`](crate::Delivery::Streaming)). Default none: it is delivered
    /// at the end of the input.
    pub coalesce: Option<Duration>,
    /// How long output may stay queued while none of it is handed out. After that the session
    /// ends without a close frame. Beyond it:
    /// [`Rule::WriteTimeout`](crate::Rule::WriteTimeout). Default 30 s.
    pub write: Option<Duration>,
    /// How long a rule that the peer broke waits for the answers to what came before it. The
    /// session is as open as it was until then, or until the host sends a close frame: the
    /// peer gets that of the rule. [`Session::failure`](crate::Session::failure) tells the rule
    /// at once. For relays, whose answers come from elsewhere. Default none: the session fails
    /// at once, or in the next call if a message came in the same input.
    pub answer: Option<Duration>,
    /// How long a peer may take to answer a close frame, after its last byte was handed out.
    /// Beyond it: [`Rule::CloseTimeout`](crate::Rule::CloseTimeout). Also how long it may take
    /// to end its stream while the session is [`State::Draining`](crate::State::Draining).
    /// After that the session is closed, which is not a failure. Default 10 s.
    pub close: Option<Duration>,
}

impl Timeouts {
    /// The shortest interval of keepalive pings that is accepted.
    pub const MIN_KEEPALIVE: Duration = Duration::from_millis(1);
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            handshake: Some(Duration::from_secs(10)),
            idle: None,
            message: Some(Duration::from_secs(300)),
            keepalive: Some(Duration::from_secs(30)),
            pong: Some(Duration::from_secs(20)),
            coalesce: None,
            write: Some(Duration::from_secs(30)),
            answer: None,
            close: Some(Duration::from_secs(10)),
        }
    }
}
