//! Random conversations: the bytes of a peer.

use host_tests::deflate::{self, Peer};
use host_tests::heads;
use host_tests::wire::{
    BINARY, CLOSE, CONTINUATION, Frame, LengthForm, PING, RSV1, RSV3, TEXT, bytes_of,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use websocket_component::{Config, Delivery, Role};

/// Longer messages are over the limit.
const MESSAGE_LIMIT: u64 = 80_000;
/// Longer frames are over the limit.
const FRAME_LIMIT: u64 = 70_000;

/// What a peer sends, and to which role.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) role: Role,
    /// None: the session starts open.
    pub(super) handshake: Option<Opening>,
    /// The negotiated parameters of permessage-deflate, if it starts open.
    pub(super) deflate: Option<&'static str>,
    pub(super) frames: Vec<u8>,
    pub(super) config: Config,
    /// The lengths of the chunks, which repeat.
    pub(super) cuts: Vec<usize>,
    /// How many bytes an exchange of the cut run takes.
    pub(super) capacity: u32,
}

/// The peer's side of a handshake in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Sound,
    /// To a client: after an interim response.
    Interim,
    /// A field is missing.
    Incomplete,
    /// Another HTTP, or none.
    Malformed,
    /// An ordinary response, or a request with another version.
    Unwilling,
}

impl Opening {
    /// The head of a peer, whose other side has sent this key if it is a client.
    pub(super) fn head(self, role: Role, key: &str) -> Vec<u8> {
        match (role, self) {
            (Role::Server, Opening::Sound | Opening::Interim) => heads::request(),
            (Role::Server, Opening::Incomplete) => heads::request_without("Sec-WebSocket-Key"),
            (Role::Server, Opening::Unwilling) => {
                heads::request_with(&[("Sec-WebSocket-Version", "8")])
            }
            (Role::Client, Opening::Sound) => heads::response_to(key),
            (Role::Client, Opening::Interim) => {
                let interim = heads::head("HTTP/1.1 103 Early Hints", &[("Link", "</a>")]);
                [interim, heads::response_to(key)].concat()
            }
            (Role::Client, Opening::Incomplete) => {
                let fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
                heads::head("HTTP/1.1 101 Switching Protocols", &fields)
            }
            (Role::Client, Opening::Unwilling) => heads::head("HTTP/1.1 404 Not Found", &[]),
            (Role::Server, Opening::Malformed) => heads::head("GET /\u{7f} HTTP/1.1", &[]),
            (Role::Client, Opening::Malformed) => heads::head("HTTP/1.0 101 x", &[]),
        }
    }
}

pub(super) fn conversations() -> impl Strategy<Value = Conversation> {
    (
        select(&host_tests::ROLES[..]),
        openings(),
        vec(groups(), 0..6),
        prop::option::weighted(0.6, (any::<Index>(), violations())),
        configs(),
        prop_oneof![
            Just(vec![1]),
            vec(1..60usize, 1..6),
            vec(1..3000usize, 1..4)
        ],
        select(&[1, 50, 1000, 1 << 20][..]),
        prop::option::of(select(&ANSWERS[..])),
    )
        .prop_map(
            |(role, handshake, mut groups, violation, config, cuts, capacity, deflate)| {
                if let Some((at, violation)) = violation {
                    groups.insert(at.index(groups.len() + 1), violation);
                }
                let deflate = deflate.filter(|_| handshake.is_none());
                let mut compression = deflate.map(Compression::agreed);
                let said = groups
                    .into_iter()
                    .map(|group| group.bytes(role.peer(), compression.as_mut()));
                Conversation {
                    role,
                    handshake,
                    deflate,
                    frames: said.flatten().collect(),
                    config,
                    cuts,
                    capacity,
                }
            },
        )
}

/// The negotiated parameters for compressed messages.
const ANSWERS: [&str; 3] = [
    "",
    "server_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=9; client_max_window_bits=9",
];

/// The peer's side of permessage-deflate.
struct Compression {
    window_bits: u8,
    takeover: bool,
    peer: Peer,
}

impl Compression {
    fn agreed(answer: &str) -> Self {
        let window_bits = if answer.contains("window") { 9 } else { 15 };
        Compression {
            window_bits,
            takeover: !answer.contains("takeover"),
            peer: Peer::with_window(window_bits),
        }
    }

    fn compresses(&mut self, message: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.peer = Peer::with_window(self.window_bits);
        }
        self.peer.compresses(message)
    }
}

fn openings() -> impl Strategy<Value = Option<Opening>> {
    prop_oneof![
        4 => Just(None),
        4 => Just(Some(Opening::Sound)),
        1 => select(&[
            Opening::Interim,
            Opening::Incomplete,
            Opening::Malformed,
            Opening::Unwilling,
        ][..]).prop_map(Some),
    ]
}

fn configs() -> impl Strategy<Value = Config> {
    (
        any::<[bool; 6]>(),
        select(&[256, 300, 65_536][..]),
        select(&[0, 10, 200, 1000][..]),
    )
        .prop_map(
            |(
                [pieces, shown, quiet, unanswered, unchecked, slow],
                receive_buffer,
                max_whole_frame,
            )| {
                let mut config = deflate::config();
                if slow {
                    config.limits.inflate_per_call = 1024;
                }
                config.receive_buffer = receive_buffer;
                config.max_whole_frame = max_whole_frame;
                config.send_buffer = receive_buffer;
                if pieces {
                    config.delivery = Delivery::Streaming;
                }
                config.report_control_frames = shown;
                config.close_on_failure = !quiet;
                config.reply_to_close = !unanswered;
                config.verify_utf8 = !unchecked;
                config.limits.frame = FRAME_LIMIT;
                config.limits.message = MESSAGE_LIMIT;
                config.limits.fragments = 6;
                config
            },
        )
}

/// A unit that a peer sends.
#[derive(Clone, Debug)]
enum Group {
    Frames(Vec<Frame>),
    Message(Message),
    /// A frame with a length in this form.
    Odd(Frame, LengthForm, u64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// With the mask of the other role.
    WronglyMasked(Frame),
}

impl Group {
    fn bytes(self, role: Role, compression: Option<&mut Compression>) -> Vec<u8> {
        match self {
            Group::Frames(frames) => bytes_of(&frames, role),
            Group::Message(message) => bytes_of(&message.frames(compression), role),
            Group::Odd(frame, form, length) => frame.by(role).bytes_with(form, length),
            Group::Bytes(bytes) => bytes,
            Group::WronglyMasked(frame) => frame.by(role.peer()).bytes(),
        }
    }
}

fn groups() -> impl Strategy<Value = Group> {
    prop_oneof![
        6 => messages().prop_map(Group::Message),
        2 => controls().prop_map(|control| Group::Frames(vec![control])),
        1 => closes().prop_map(|close| Group::Frames(vec![close])),
    ]
}

/// A message in fragments that are split at any byte, with control frames between them.
#[derive(Clone, Debug)]
struct Message {
    opcode: u8,
    payload: Vec<u8>,
    /// Whether it is compressed, if that was negotiated.
    compressed: bool,
    /// A byte of the compressed data that is changed.
    damage: Option<(Index, u8)>,
    seams: Vec<(Index, Option<Frame>)>,
}

impl Message {
    fn frames(self, compression: Option<&mut Compression>) -> Vec<Frame> {
        let mut payload = self.payload;
        let mut mark = 0;
        if let (Some(compression), true) = (compression, self.compressed) {
            payload = compression.compresses(&payload);
            mark = RSV1;
            if let Some((at, byte)) = self.damage {
                let at = at.index(payload.len());
                payload[at] = byte;
            }
        }
        let mut seams: Vec<_> = self
            .seams
            .into_iter()
            .map(|(at, control)| (at.index(payload.len() + 1), control))
            .collect();
        seams.sort_by_key(|(at, _)| *at);
        let mut frames = Vec::new();
        let (mut from, mut opcode) = (0, self.opcode);
        for (at, control) in seams {
            let frame = Frame::new(opcode, &payload[from..at]);
            frames.push(frame.reserved(mark).not_last());
            frames.extend(control);
            (from, opcode, mark) = (at, CONTINUATION, 0);
        }
        frames.push(Frame::new(opcode, &payload[from..]).reserved(mark));
        frames
    }
}

fn messages() -> impl Strategy<Value = Message> {
    let payloads = prop_oneof![
        4 => "\\PC{0,40}".prop_map(|text| (TEXT, text.into_bytes())),
        4 => vec(any::<u8>(), 0..300).prop_map(|bytes| (BINARY, bytes)),
        1 => (100..90_000usize).prop_map(|length| (BINARY, vec![0x5a; length])),
    ];
    let seams = vec((any::<Index>(), prop::option::of(controls())), 0..5);
    let damage = prop::option::weighted(0.1, any::<(Index, u8)>());
    (payloads, any::<bool>(), damage, seams).prop_map(
        |((opcode, payload), compressed, damage, seams)| Message {
            opcode,
            payload,
            compressed,
            damage,
            seams,
        },
    )
}

fn controls() -> impl Strategy<Value = Frame> {
    (any::<bool>(), vec(any::<u8>(), 0..=125)).prop_map(|(ping, payload)| {
        if ping {
            Frame::ping(payload)
        } else {
            Frame::pong(payload)
        }
    })
}

fn closes() -> impl Strategy<Value = Frame> {
    prop_oneof![
        Just(Frame::close_without_code()),
        (select(&[1000, 1001, 1011, 3000, 4999][..]), "\\PC{0,30}")
            .prop_map(|(code, reason)| Frame::close(code, reason)),
    ]
}

/// Something that breaks a rule, at least in most places.
fn violations() -> impl Strategy<Value = Group> {
    use LengthForm::{Sixteen, SixtyFour};
    let odd = |frame: Frame, form, length| Just(Group::Odd(frame, form, length));
    let one = |frame: Frame| Just(Group::Frames(vec![frame]));
    prop_oneof![
        one(Frame::text("x").reserved(RSV1)),
        one(Frame::ping("x").reserved(RSV3)),
        one(Frame::new(0x3, "x")),
        one(Frame::new(0xf, "")),
        one(Frame::ping("x").not_last()),
        one(Frame::ping([0; 126])),
        one(Frame::new(CLOSE, [3])),
        one(Frame::close(1005, "x")),
        one(Frame::close(1000, b"\xff")),
        one(Frame::continuation("x")),
        one(Frame::text("x").not_last()),
        Just(Group::WronglyMasked(Frame::text("x"))),
        odd(Frame::binary([1; 100]), Sixteen, 100),
        odd(Frame::binary([1; 200]), SixtyFour, 200),
        odd(Frame::binary([1; 9]), SixtyFour, 1 << 63 | 9),
        odd(Frame::binary([1; 9]), SixtyFour, (1 << 32) + 5),
        odd(Frame::binary([1; 500]), SixtyFour, FRAME_LIMIT + 1),
        (vec(any::<u8>(), 1..8), "\\PC{0,20}").prop_map(|(junk, text)| {
            let text = [text.as_bytes(), &junk, text.as_bytes()].concat();
            Group::Frames(vec![Frame::text(text)])
        }),
        Just(Group::Frames(vec![
            Frame::binary(vec![2; 50_000]).not_last(),
            Frame::new(PING, "between"),
            Frame::continuation(vec![3; 50_000]),
        ])),
        Just(Group::Frames(
            std::iter::once(Frame::text("").not_last())
                .chain((0..7).map(|_| Frame::continuation("f").not_last()))
                .collect()
        )),
        vec(any::<u8>(), 1..40).prop_map(Group::Bytes),
    ]
}
