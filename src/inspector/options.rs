//! The settings of an inspector.

use core::time::Duration;

use crate::{Limits, Role, Rule};

/// The settings of an inspector.
///
/// ```
/// use websocket_component::inspector::{Options, Payload};
///
/// let mut options = Options::default();
/// options.client.limits.message = 64 << 10;
/// options.client.view.payload = Payload::Chunks;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What the client sends.
    pub client: Direction,
    /// What the server sends.
    pub server: Direction,
    /// The timeouts of the handshake and of the whole connection.
    pub timeouts: Timeouts,
    /// What to do about extensions that the engine doesn't implement. Default
    /// [`UnknownExtensions::Reject`].
    pub unknown_extensions: UnknownExtensions,
    /// Whether extensions are removed from the request, so that none is negotiated. If the
    /// handshake is passed in header fields, the host removes the field. Default false.
    pub strip_extensions: bool,
    /// Whether to accept requests whose Host field is not a host and port, see
    /// [`Config::allow_malformed_host`](crate::Config::allow_malformed_host). Default true.
    pub allow_malformed_host: bool,
    /// The close code for the other side when one side breaks a rule. Default
    /// [`OtherCode::Gateway`].
    pub other_code: OtherCode,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            client: Direction::default(),
            server: Direction::default(),
            timeouts: Timeouts::default(),
            unknown_extensions: UnknownExtensions::default(),
            strip_extensions: false,
            allow_malformed_host: true,
            other_code: OtherCode::default(),
        }
    }
}

/// The settings of one direction, for what one side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Direction {
    /// The limits. [`Limits::queued_output`] applies to what is inserted into the direction;
    /// [`Limits::queued_pongs`] and [`Limits::refusal_body`] have no meaning here.
    pub limits: Limits,
    /// What is reported of it.
    pub view: View,
    /// The longest frame, in bytes with its header, that is held until all of it was verified.
    /// A longer one is forwarded as it is verified; if it breaks a rule then, the receiver's
    /// connection can only be reset, because nothing can be inserted inside a frame. This applies
    /// to text and compressed data: other payloads can't break a rule, and control frames are
    /// always held. Default 65536.
    pub hold_frame: u32,
    /// Whether messages are held until the host has decided on each
    /// ([`Inspector::decide`](super::Inspector::decide)). This requires
    /// [`Payload::Messages`], else [`Rule::ConfigOutOfRange`]; a message that is too long for
    /// it is forwarded without a decision. So is one that would have to be held with more than
    /// 65,536 bytes beside `up_to`, in headers, control frames or compressed data that inflates to
    /// little, unless [`Limits::message`] is at most `up_to`: then it breaks
    /// [`Rule::MessageTooBig`]. Default false.
    pub hold_messages: bool,
    /// How long the sender may send no byte at all. Beyond it:
    /// [`Rule::IdleTimeout`]. Default none.
    pub idle: Option<Duration>,
    /// How long the sender may send no message, or part of one, regardless of control frames.
    /// Beyond it: [`Rule::IdleTimeout`]. Default none.
    pub message_idle: Option<Duration>,
    /// From the first byte of a message, or of a control frame, to its last. Beyond it:
    /// [`Rule::MessageTimeout`]. Default 300 s.
    pub message: Option<Duration>,
    /// After how long without a byte from the sender a ping to it is inserted. The pong is not
    /// forwarded. Default none.
    pub keepalive: Option<Duration>,
    /// How long the sender may send nothing at all after an inserted ping. Beyond it:
    /// [`Rule::PongTimeout`]. Default 20 s.
    pub pong: Option<Duration>,
    /// How long the sender, as the receiver of the other direction, may accept no output after
    /// [`Inspector::output_blocked`](super::Inspector::output_blocked). Beyond it:
    /// [`Rule::WriteTimeout`], and its transport is reset. Default 30 s.
    pub write: Option<Duration>,
}

impl Default for Direction {
    fn default() -> Self {
        Direction {
            limits: Limits::default(),
            view: View::default(),
            hold_frame: 65_536,
            hold_messages: false,
            idle: None,
            message_idle: None,
            message: Some(Duration::from_secs(300)),
            keepalive: None,
            pong: Some(Duration::from_secs(20)),
            write: Some(Duration::from_secs(30)),
        }
    }
}

/// What is reported of one direction. Close frames always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// The header of each frame. Default false.
    pub frames: bool,
    /// Pings and pongs. Default false.
    pub control: bool,
    /// A summary of each message, once its last frame has passed. Default false.
    pub messages: bool,
    /// The payloads of messages. Default nothing.
    pub payload: Payload,
    /// Whether text is checked to be UTF-8. Default true.
    pub verify_utf8: bool,
    /// Whether compressed messages are inflated. If not, their payload isn't checked, and
    /// [`Limits::message`] applies to the compressed length. Default true.
    pub inflate: bool,
}

impl Default for View {
    fn default() -> Self {
        View {
            frames: false,
            control: false,
            messages: false,
            payload: Payload::Nothing,
            verify_utf8: true,
            inflate: true,
        }
    }
}

/// What is reported of the payloads of messages: unmasked, and inflated if they were compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// Nothing. A payload that needs no check needn't be passed at all.
    #[default]
    Nothing,
    /// Chunks of messages, as they arrive. Chunk boundaries are not frame boundaries, and a chunk
    /// of text may end inside a character.
    Chunks,
    /// Whole messages.
    Messages {
        /// The maximum length in bytes. A longer message is not reported; its summary says so.
        up_to: u32,
    },
}

/// What to do about an extension that the engine doesn't implement: any except
/// permessage-deflate, and that one, too, if the engine was built without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownExtensions {
    /// A response that accepts one breaks a rule.
    #[default]
    Reject,
    /// Only what extensions can't change is checked in frames; payloads are opaque.
    Opaque,
}

/// The close code for the other side when one side breaks a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherCode {
    /// 1014 (bad gateway) to a client, 1001 (going away) to a server.
    #[default]
    Gateway,
    /// The rule's code, as for the side that broke it.
    Same,
}

/// The timeouts of the connection. `None` turns one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the creation of the inspector until the response was received. Beyond it:
    /// [`Rule::HandshakeTimeout`]. Default 10 s.
    pub handshake: Option<Duration>,
    /// How long the connection may be open. After that both sides are closed, which breaks no
    /// rule. Default none.
    pub age: Option<Duration>,
    /// The code of the close frames then. Default 1001.
    pub age_code: u16,
    /// How long the close frame to a side that has broken a rule is deferred for the other side's
    /// answers to earlier messages. It is sent when the other side's close frame was received, or
    /// after this time. Default none: at once.
    pub answer: Option<Duration>,
    /// How long a side may take to finish the frame after which a close frame is inserted, to
    /// answer a close frame, and to end its stream afterwards. After that the rest of the
    /// connection is reset. Default 10 s.
    pub close: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            handshake: Some(Duration::from_secs(10)),
            age: None,
            age_code: 1001,
            answer: None,
            close: Some(Duration::from_secs(10)),
        }
    }
}

impl Options {
    pub(super) fn direction(&self, from: Role) -> &Direction {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    pub(super) fn check(&self) -> Result<(), Rule> {
        let is_allowed = crate::frame::close::is_allowed(self.timeouts.age_code);
        let fits = |direction: &Direction| {
            let shortest = crate::Timeouts::MIN_KEEPALIVE;
            let sees_messages = matches!(direction.view.payload, Payload::Messages { .. });
            (sees_messages || !direction.hold_messages)
                && direction
                    .keepalive
                    .is_none_or(|interval| interval >= shortest)
                && Limits::INFLATE_PER_CALL.contains(&direction.limits.inflate_per_call)
        };
        match is_allowed && fits(&self.client) && fits(&self.server) {
            true => Ok(()),
            false => Err(Rule::ConfigOutOfRange),
        }
    }
}
