//! The settings of a session.

use core::ops::RangeInclusive;
use core::time::Duration;

use crate::frame::header::Masking;
use crate::limits;
use crate::stream::{Chunks, Extensions, Settings};
use crate::{Deflate, Limits, Rule, Timeouts};

/// Which side of the connection a session is (RFC 6455, section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It requests the connection, and masks what it sends.
    Client,
    /// It accepts the connection, and requires masks.
    Server,
}

impl Role {
    /// Both sides.
    pub const BOTH: [Role; 2] = [Role::Client, Role::Server];

    /// Returns the role of the other side.
    #[must_use]
    pub const fn peer(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }
}

/// How messages are delivered: whole, or in chunks as their bytes arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// A message is delivered once it is complete.
    #[default]
    Messages,
    /// What has arrived of a message is delivered at the end of each input, unless
    /// [`Timeouts::coalesce`] or [`Config::max_whole_frame`] holds it back. Chunk boundaries
    /// are not frame boundaries, and a chunk of text may end inside a character.
    Streaming,
}

/// How pings are answered (RFC 6455, section 5.5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PongPolicy {
    /// A pong for each ping, in order.
    #[default]
    Each,
    /// Only the latest ping that has not been answered yet.
    Latest,
    /// None: the host sees the pings and sends pongs itself.
    Manual,
}

/// The settings of a session.
///
/// ```
/// use websocket_component::Config;
///
/// let config = Config::with(|config| {
///     config.limits.message = 1 << 20;
///     config.timeouts.keepalive = None;
/// });
/// # assert_eq!((config.limits.message, config.timeouts.keepalive), (1 << 20, None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The most bytes asked for in one receive action, and the longest chunk that
    /// is delivered unless `max_whole_frame` is larger. From 256. Default 65536.
    pub receive_buffer: u32,
    /// The longest frame payload that streaming ([`Delivery::Streaming`]) delivers in one
    /// chunk, once it is complete. Longer frames are delivered as their bytes arrive, and so
    /// is a compressed frame that inflates to more than the longest chunk. At most one chunk
    /// is buffered, for no longer than [`Timeouts::message`].
    ///
    /// This is for relays to peers that can't reassemble fragments. Default 0: chunks are
    /// delivered at once.
    pub max_whole_frame: u32,
    /// The longest message, its header included, that is left in the input while it is
    /// incomplete: the host passes it again, with more bytes after it. So it is delivered
    /// without a copy. Default 0: what has arrived is consumed.
    ///
    /// This applies to messages in one frame. Longer, fragmented and compressed ones are
    /// assembled by the session, and it has no effect with [`Delivery::Streaming`]. A header
    /// is checked as soon as it arrives, and the text of such a message once it is complete.
    ///
    /// ```
    /// use websocket_component::{Config, Event, Instant, Session};
    ///
    /// # fn main() -> Result<(), websocket_component::Rule> {
    /// let now = Instant::from_nanos(0);
    /// let mut config = Config::default();
    /// config.leave_unfinished = 1 << 20;
    /// let mut client = Session::open_client(config, &[7; 32], Default::default(), now)?;
    /// let mut buffer = b"\x82\x05Hel".to_vec();
    ///
    /// let mut events = client.input(&mut buffer, now);
    /// assert_eq!(events.next(), None);
    /// assert_eq!((events.consumed(), events.awaited()), (0, Some(7)));
    ///
    /// buffer.extend_from_slice(b"lo");
    /// let mut events = client.input(&mut buffer, now);
    /// assert_eq!(events.next(), Some(Event::Binary { payload: b"Hello", last: true }));
    /// # Ok(())
    /// # }
    /// ```
    pub leave_unfinished: u32,
    /// From how many bytes of payload on a frame is left in the input, so that the host reads
    /// the payload itself ([`Session::begin_payload`]). This applies only to frames that
    /// `begin_payload` would take, which the host has to call when input was left. Default none.
    ///
    /// [`Session::begin_payload`]: crate::Session::begin_payload
    pub leave_payloads: Option<u64>,
    /// The most bytes handed out in one send action. From 16. Default 65536.
    pub send_buffer: u32,
    /// Whether payloads are masked (RFC 6455, section 5.3). Without it a client
    /// uses the key 0 and a server accepts frames without a mask: for trusted
    /// transports only. Default true.
    pub masking: bool,
    /// Whether received and sent text is checked to be UTF-8. Default true.
    pub verify_utf8: bool,
    /// Whether messages are delivered whole or in chunks. Default messages.
    pub delivery: Delivery,
    /// How pings are answered. Default each.
    pub pongs: PongPolicy,
    /// Whether pings and pongs are reported as events. Default false.
    pub report_control_frames: bool,
    /// Whether a received close frame is answered. If not, the host sends a close frame
    /// itself, and no deadline applies to it. Default true.
    pub reply_to_close: bool,
    /// Whether a close frame with the rule's code is sent when the peer broke a
    /// rule. Default true.
    pub close_on_failure: bool,
    /// Whether a server reports requests that break a rule of the handshake to the host
    /// instead of refusing them itself, those of HTTP/1.0 included. Default false.
    pub expose_invalid_requests: bool,
    /// Whether a server accepts requests whose Host field is not a host and port, such
    /// as `::1:8080`. [`RequestHead::authority`] is empty then, and
    /// [`RequestHead::tolerated`] says why. A missing or repeated Host field is refused
    /// in any case. Default true.
    ///
    /// [`RequestHead::authority`]: crate::handshake::RequestHead::authority
    /// [`RequestHead::tolerated`]: crate::handshake::RequestHead::tolerated
    pub allow_malformed_host: bool,
    /// Whether a 101 of HTTP/1.0 opens a client's connection, which RFC 6455, section 4.1,
    /// forbids and some servers send. A refusal may be of HTTP/1.0 anyway. Default false.
    pub allow_http10_response: bool,
    /// permessage-deflate (RFC 7692): how it is offered, accepted and used. A session whose
    /// host implements extensions itself doesn't use it. Default none.
    pub deflate: Option<Deflate>,
    /// The limits.
    pub limits: Limits,
    /// The timeouts.
    pub timeouts: Timeouts,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            receive_buffer: 65_536,
            max_whole_frame: 0,
            leave_unfinished: 0,
            leave_payloads: None,
            send_buffer: 65_536,
            masking: true,
            verify_utf8: true,
            delivery: Delivery::Messages,
            pongs: PongPolicy::Each,
            report_control_frames: false,
            reply_to_close: true,
            close_on_failure: true,
            expose_invalid_requests: false,
            allow_malformed_host: true,
            allow_http10_response: false,
            deflate: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Config {
    /// The range of [`Config::receive_buffer`].
    pub const RECEIVE_BUFFER: RangeInclusive<u32> = 256..=u32::MAX;
    /// The range of [`Config::send_buffer`].
    pub const SEND_BUFFER: RangeInclusive<u32> = 16..=u32::MAX;

    /// Returns the default settings with these changes.
    pub fn with(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    /// A chunk of this many bytes doesn't wait for more to coalesce with.
    const COALESCE_THRESHOLD: u32 = 16 << 10;

    /// How a session of this role reads what the peer sends.
    pub(super) fn stream(&self, role: Role, extensions: Extensions) -> Settings {
        Settings {
            masking: match role {
                Role::Client => Masking::Forbidden,
                Role::Server if self.masking => Masking::Required,
                Role::Server => Masking::Either,
            },
            extensions,
            limits: self.limits,
            verify_utf8: self.verify_utf8,
            inflate: true,
            leave_unfinished: match self.delivery {
                Delivery::Messages => self.leave_unfinished as usize,
                // A host that takes chunks wants no byte to wait.
                Delivery::Streaming => 0,
            },
            leave_payloads: self.leave_payloads.unwrap_or(u64::MAX),
            chunks: (self.delivery == Delivery::Streaming).then(|| Chunks {
                max: self.receive_buffer.max(self.max_whole_frame) as usize,
                min: match self.timeouts.coalesce {
                    None => 1,
                    Some(_) => Config::COALESCE_THRESHOLD.min(self.receive_buffer) as usize,
                },
                max_whole_frame: self.max_whole_frame.into(),
            }),
        }
    }

    /// Returns the limit that a rule is about, in the unit of its setting.
    pub(super) fn limit_of(&self, rule: Rule) -> Option<u64> {
        let nanos = |span: Option<Duration>| span.and_then(limits::nanos);
        match rule {
            Rule::HandshakeTimeout => nanos(self.timeouts.handshake),
            Rule::IdleTimeout => nanos(self.timeouts.idle),
            Rule::MessageTimeout => nanos(self.timeouts.message),
            Rule::PongTimeout => nanos(self.timeouts.pong),
            Rule::WriteTimeout => nanos(self.timeouts.write),
            Rule::CloseTimeout => nanos(self.timeouts.close),
            _ => self.limits.limit_of(rule),
        }
    }

    pub(super) fn check(&self) -> Result<(), Rule> {
        let keepalive = self.timeouts.keepalive;
        let in_range = Config::RECEIVE_BUFFER.contains(&self.receive_buffer)
            && Config::SEND_BUFFER.contains(&self.send_buffer)
            && Limits::INFLATE_PER_CALL.contains(&self.limits.inflate_per_call)
            && keepalive.is_none_or(|interval| interval >= Timeouts::MIN_KEEPALIVE);
        if !in_range {
            return Err(Rule::ConfigOutOfRange);
        }
        self.deflate.as_ref().map_or(Ok(()), Deflate::check)
    }
}
