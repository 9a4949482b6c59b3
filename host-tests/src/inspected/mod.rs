//! A proxy around an inspector: what two sides send, and what reaches the other, without sockets and clocks.
//!
//! It does what `docs/hosts.md` asks of a host, and checks what it promises one.

mod engine;

use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Edit, End, Options, Seen};
use websocket_component::{Failure, Instant, Role, Rule, State};

pub use engine::{Inspects, Native, Stepped};

/// The header of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub offset: u64,
    pub first: u8,
    pub masked: bool,
    pub header: u8,
    pub payload: u64,
}

/// A message whose last frame has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub text: bool,
    pub compressed: bool,
    pub frames: u32,
    pub wire_length: u64,
    pub length: Option<u64>,
    pub shown: bool,
    pub held: bool,
}

/// An event of the inspector, with owned bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saw {
    Request,
    Response,
    Opened,
    Frame(Frame),
    /// As bytes: a chunk may end inside a character.
    Text(Vec<u8>, bool),
    Binary(Vec<u8>, bool),
    Message(Summary),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    RoundTrip(u64),
    Close(u16, String),
}

/// What one side sends, and what of it reaches the other.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Everything that was sent.
    pub original: Vec<u8>,
    /// How much of that the inspector has consumed, or was skipped.
    taken: usize,
    /// How much of that was forwarded or dropped.
    gone: usize,
    /// What the receiver got.
    pub forwarded: Vec<u8>,
    edits: Vec<Edit>,
    /// How many bytes were inserted.
    pub inserted: usize,
    /// How many bytes were skipped.
    pub skipped: usize,
    skippable: u64,
    /// The most bytes that were held.
    pub most_held: usize,
}

/// An inspector between two sides.
pub struct Proxy<I = Native> {
    pub inspector: I,
    pub client: Sent,
    pub server: Sent,
    /// What was seen of which side.
    pub saw: Vec<(Role, Saw)>,
    /// Whether payload that needn't be passed is skipped.
    pub skips: bool,
    /// How many headers have passed as scalars.
    pub passed: usize,
    /// How many messages have.
    pub passed_whole: usize,
    pub now: Instant,
}

/// The entropy of all of them.
pub const ENTROPY: [u8; 32] = [7; 32];

impl<I: Inspects> Proxy<I> {
    /// With the handshake still to come, in bytes.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Proxy::of(I::new(&options).expect("options in range"))
    }

    /// Of a connection that is open.
    #[must_use]
    pub fn open(options: Options, negotiated: &Negotiated) -> Self {
        Proxy::of(I::open(&options, negotiated).expect("options in range"))
    }

    #[must_use]
    pub fn of(inspector: I) -> Self {
        Proxy {
            inspector,
            client: Sent::default(),
            server: Sent::default(),
            saw: Vec::new(),
            skips: false,
            passed: 0,
            passed_whole: 0,
            now: Instant::from_nanos(0),
        }
    }

    #[must_use]
    pub fn sent(&self, from: Role) -> &Sent {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    fn sent_mut(&mut self, from: Role) -> &mut Sent {
        match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// What has reached a side since the last call.
    pub fn reached(&mut self, to: Role) -> Vec<u8> {
        std::mem::take(&mut self.sent_mut(to.peer()).forwarded)
    }

    /// One side sends bytes.
    pub fn send(&mut self, from: Role, bytes: &[u8]) {
        self.sent_mut(from).original.extend_from_slice(bytes);
        self.pump();
    }

    /// One side sends them in pieces of this length.
    pub fn send_in(&mut self, from: Role, bytes: &[u8], length: usize) {
        for piece in bytes.chunks(length) {
            self.send(from, piece);
        }
    }

    /// Resumes with another inspector if the connection is idle. Returns whether it is.
    pub fn park(&mut self, options: &Options, negotiated: &Negotiated) -> bool {
        let Some(parked) = self.inspector.park() else {
            return false;
        };
        self.inspector = I::open(options, negotiated).expect("it was opened with the same");
        self.inspector.resume(&parked).expect("it is a new one");
        assert_eq!(self.inspector.park(), Some(parked), "not what was parked");
        true
    }

    /// One side ends its stream.
    pub fn end_of_input(&mut self, from: Role) {
        self.inspector.end_of_input(from, self.now);
        self.forward();
    }

    /// Time goes on, in steps from deadline to deadline.
    pub fn wait(&mut self, span: std::time::Duration) {
        let end = self.now.after(span);
        while let Some(at) = self.inspector.next_deadline().filter(|at| *at <= end) {
            assert!(
                at > self.now || self.inspector.state() != State::Open,
                "a deadline in the past"
            );
            self.now = at;
            self.inspector.handle_timeout(at);
            assert!(
                self.inspector.next_deadline().is_none_or(|next| next > at),
                "the same deadline again"
            );
            self.forward();
        }
        self.now = end;
    }

    /// Passes everything from both sides that the inspector consumes.
    pub fn pump(&mut self) {
        loop {
            let before = (self.client.taken, self.server.taken);
            let more = self.give(Role::Client) | self.give(Role::Server);
            if !more && before == (self.client.taken, self.server.taken) {
                break;
            }
        }
        self.note_held();
    }

    fn note_held(&mut self) {
        for sent in [&mut self.client, &mut self.server] {
            sent.most_held = sent.most_held.max(sent.original.len() - sent.gone);
        }
    }

    fn give(&mut self, from: Role) -> bool {
        let skips = self.skips;
        let now = self.now;
        let sent = self.sent_mut(from);
        let mut skipped = 0;
        if skips {
            let come = sent.original.len() - sent.taken;
            skipped = come.min(usize::try_from(sent.skippable).unwrap_or(usize::MAX));
        }
        sent.taken += skipped;
        sent.skipped += skipped;
        let input = sent.original[sent.taken..].to_vec();
        if skips
            && skipped == 0
            && let Some(length) = self.inspector.pass_message(from, &input, now)
        {
            self.sent_mut(from).taken += length;
            self.passed_whole += 1;
            self.forward();
            return false;
        }
        if skips && !input.is_empty() {
            let header = &input[..input.len().min(16)];
            let passed = self
                .inspector
                .pass_header(from, skipped as u64, header, now);
            if let Some((length, payload)) = passed {
                let sent = self.sent_mut(from);
                sent.taken += length;
                sent.skippable = payload;
                self.passed += 1;
                self.forward();
                return false;
            }
        }
        let step = self
            .inspector
            .advance(from, skipped as u64, &input, now)
            .expect("no more than may be skipped");
        let (consumed, skippable, more) = (step.consumed, step.skippable, step.more);
        self.saw.extend(step.saw.into_iter().map(|saw| (from, saw)));
        let sent = self.sent_mut(from);
        sent.taken += consumed;
        sent.skippable = skippable;
        self.forward();
        more
    }

    /// Forwards what may be forwarded.
    pub fn forward(&mut self) {
        for from in [Role::Client, Role::Server] {
            let to = usize::try_from(self.inspector.forward_to(from)).expect("a position");
            let edits = self.inspector.take_edits(from);
            let sent = self.sent_mut(from);
            sent.edits.extend(edits);
            sent.go_on(to);
        }
    }

    /// The rule that was broken, and by whom.
    #[must_use]
    pub fn broken(&self) -> Option<(Role, Rule)> {
        self.inspector
            .failure()
            .map(|(from, failure)| (from, failure.rule))
    }

    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.inspector.failure().map(|(_, failure)| failure)
    }

    #[must_use]
    pub fn ends(&self) -> (End, End) {
        (
            self.inspector.end(Role::Server),
            self.inspector.end(Role::Client),
        )
    }
}

impl Sent {
    /// Returns the edits after the received bytes.
    #[must_use]
    pub fn edits_to_come(&self) -> &[Edit] {
        &self.edits
    }

    /// Returns how many of the original bytes were forwarded or dropped.
    #[must_use]
    pub fn gone(&self) -> usize {
        self.gone
    }

    fn go_on(&mut self, to: usize) {
        let come = self.original.len();
        for edit in std::mem::take(&mut self.edits) {
            let at = usize::try_from(edit.at).expect("a position");
            assert!(
                at >= self.gone,
                "an edit behind what has gone on: {edit:?}, {}",
                self.gone
            );
            assert!(
                edit.at + edit.skip <= to as u64,
                "an edit that may not be done yet"
            );
            if at > come {
                self.edits.push(edit);
                continue;
            }
            self.forwarded
                .extend_from_slice(&self.original[self.gone..at]);
            self.forwarded.extend_from_slice(&edit.insert);
            self.inserted += edit.insert.len();
            self.gone = at + usize::try_from(edit.skip).expect("a length");
        }
        let end = to.min(come);
        if self.edits.is_empty() && end > self.gone {
            self.forwarded
                .extend_from_slice(&self.original[self.gone..end]);
            self.gone = end;
        }
    }
}

fn owned(seen: Seen<'_>) -> Saw {
    match seen {
        Seen::Request => Saw::Request,
        Seen::Response => Saw::Response,
        Seen::Opened => Saw::Opened,
        Seen::Frame(frame) => Saw::Frame(Frame {
            offset: frame.offset,
            first: frame.first,
            masked: frame.masked,
            header: frame.header,
            payload: frame.payload,
        }),
        Seen::Text { payload, last } => Saw::Text(payload.to_vec(), last),
        Seen::Binary { payload, last } => Saw::Binary(payload.to_vec(), last),
        Seen::Message(summary) => Saw::Message(Summary {
            text: summary.text,
            compressed: summary.compressed,
            frames: summary.frames,
            wire_length: summary.wire_length,
            length: summary.length,
            shown: summary.shown,
            held: summary.held,
        }),
        Seen::Ping { payload } => Saw::Ping(payload.to_vec()),
        Seen::Pong { payload } => Saw::Pong(payload.to_vec()),
        Seen::RoundTrip(nanos) => Saw::RoundTrip(nanos),
        Seen::Close { code, reason } => Saw::Close(code, String::from_utf8_lossy(reason).into()),
        other => panic!("{other:?}"),
    }
}
