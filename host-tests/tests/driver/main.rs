//! A driven connection on virtual time, over transports that read and write any number of bytes, stall, half-close and
//! are lost: nothing is lost or duplicated, buffers stay small, and it ends.

#![cfg(feature = "component")]

mod transport;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Waker};
use std::time::Duration;

use host_tests::gate::component;
use host_tests::wire::{self, Frame};
use proptest::collection::vec;
use proptest::prelude::*;
use websocket_component::Role;
use websocket_host::driver::{
    Inspected, Line, Pair, PairDriver, Progress, Relay, RelayOptions, Side, Sides,
};
use websocket_host::inspector::{Forwarder, Inspector, Options};
use websocket_host::protocol::{Config, Delivery, Instant, Negotiated};
use websocket_host::{Sandbox, SandboxConfig};

use transport::{End, Peer, Scripted};

const SECOND: Instant = 1_000_000_000;
const ENTROPY: [u8; 32] = [7; 32];
/// The longest frame that is held until it is complete.
const WHOLE: u32 = 16 << 10;

static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::load(component(), SandboxConfig::default()).expect("a component"));

#[derive(Clone, Copy, Debug)]
enum Kind {
    Inspected,
    Relayed,
}

/// An open connection of either kind, over transports of a test.
struct Driven {
    driver: PairDriver<Scripted>,
    peers: Sides<Rc<RefCell<Peer>>>,
    now: Instant,
    is_over: bool,
}

fn inspected() -> Inspected {
    let mut options = Options::default();
    for direction in [&mut options.client, &mut options.server] {
        direction.hold_frame = WHOLE;
        direction.write = Some(Duration::from_secs(30));
    }
    let make = move |now| {
        let mut guest = SANDBOX.guest()?;
        let inspector =
            Inspector::open(&mut guest, &options, &ENTROPY, &Negotiated::default(), now)?;
        Ok((guest, inspector))
    };
    let (guest, inspector) = make(0).expect("a guest");
    let forwarder = Forwarder::new(guest, inspector).parking(make);
    Inspected::new(forwarder, Sides::default(), Some(Duration::from_secs(5)), 0)
}

fn relay() -> Relay {
    let mut config = Config::default();
    config.delivery = Delivery::Streaming;
    config.max_whole_frame = WHOLE;
    config.reply_to_close = false;
    config.timeouts.write = Some(Duration::from_secs(30));
    config.timeouts.coalesce = Some(Duration::from_millis(20));
    let mut guest = SANDBOX.guest().expect("a guest");
    let negotiated = Negotiated::default();
    let client = guest.open_server(&config, &negotiated, 0).expect("open");
    let server = guest
        .open_client(&config, &ENTROPY, &negotiated, 0)
        .expect("open");
    let sides = Sides {
        client: Side::new(client),
        server: Side::new(server),
    };
    let options = RelayOptions {
        whole_frame: WHOLE,
        coalesce: Duration::from_millis(20),
        close_timeout: Duration::from_secs(10),
    };
    Relay::new(guest, sides, &options)
}

impl Driven {
    fn new(kind: Kind, is_buffered: bool) -> Self {
        match kind {
            Kind::Inspected => Self::over(inspected(), is_buffered),
            Kind::Relayed => Self::over(relay(), is_buffered),
        }
    }

    fn over(pair: impl Pair + 'static, is_buffered: bool) -> Self {
        let peer = || {
            Rc::new(RefCell::new(Peer {
                most: 1,
                is_buffered,
                ..Peer::default()
            }))
        };
        let peers = Sides {
            client: peer(),
            server: peer(),
        };
        let lines = Sides {
            client: Line::new(Scripted(Rc::clone(&peers.client))),
            server: Line::new(Scripted(Rc::clone(&peers.server))),
        };
        Self {
            driver: PairDriver::new(pair, lines),
            peers,
            now: 0,
            is_over: false,
        }
    }

    /// Polls until it would block, which has to happen.
    fn poll(&mut self) {
        let cx = &mut Context::from_waker(Waker::noop());
        for _ in 0..100_000 {
            match self.driver.poll(cx, self.now) {
                Progress::More => {}
                Progress::Waiting => return,
                Progress::Over => {
                    self.is_over = true;
                    return;
                }
            }
        }
        panic!("it is never done");
    }

    /// Runs these steps, in which the sides send their bytes. Returns the unsent rest.
    fn run<'a>(&mut self, steps: Vec<Step>, mut rest: Sides<&'a [u8]>) -> Sides<&'a [u8]> {
        for step in steps {
            match step {
                Step::Send(side, count, most) => {
                    let (part, left) = rest[side].split_at(count.min(rest[side].len()));
                    rest[side] = left;
                    let peer = &mut *self.peers[side].borrow_mut();
                    peer.sent.extend(part);
                    peer.most = most;
                }
                Step::Take(side, count) => self.peers[side].borrow_mut().room += count,
                Step::Wait(time) => self.wait(time),
            }
            self.poll();
        }
        rest
    }

    /// Advances the time, and handles each deadline when it passes.
    fn wait(&mut self, time: Instant) {
        let until = self.now + time;
        for _ in 0..10_000 {
            match self.driver.next_deadline() {
                Some(due) if due <= until && !self.is_over => {
                    self.now = self.now.max(due);
                    self.poll();
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("its deadlines don't pass");
    }

    /// From now on the transports never block.
    fn open_up(&mut self) {
        for side in [Role::Client, Role::Server] {
            let peer = &mut *self.peers[side].borrow_mut();
            peer.room = usize::MAX;
            peer.most = usize::MAX;
        }
        self.poll();
    }
}

/// Messages of one side, some of several frames, with control frames driver.
fn messages(from: Role) -> impl Strategy<Value = Vec<u8>> {
    let length =
        prop_oneof![4 => 0..200_usize, 2 => 4000..20_000_usize, 1 => 60_000..140_000_usize];
    let message = (length, 0..10_u8, any::<u8>()).prop_map(|(length, kind, fill)| {
        let payload = vec![b'a' + fill % 26; length];
        match kind {
            0 => vec![Frame::ping("ping")],
            1 => vec![
                Frame::text(&payload).not_last(),
                Frame::pong("between"),
                Frame::continuation("z"),
            ],
            2..5 => vec![Frame::text(payload)],
            _ => vec![Frame::binary(payload)],
        }
    });
    vec(message, 0..10).prop_map(move |messages| {
        let frames = messages.into_iter().flatten();
        frames.flat_map(|frame| frame.by(from).bytes()).collect()
    })
}

/// What a transport does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The peer sends this many more bytes, and a read returns at most the second number of them.
    Send(Role, usize, usize),
    /// The transport has room for this many more bytes of output.
    Take(Role, usize),
    Wait(Instant),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = || prop_oneof![Just(Role::Client), Just(Role::Server)];
    let count = || prop_oneof![1..20_usize, 1..5000_usize, 50_000..200_000_usize];
    let step = prop_oneof![
        4 => (side(), count(), count()).prop_map(|(side, count, most)| Step::Send(side, count, most)),
        4 => (side(), count()).prop_map(|(side, count)| Step::Take(side, count)),
        1 => (0..3 * SECOND).prop_map(Step::Wait),
    ];
    vec(step, 0..40)
}

/// The data messages in bytes of whole frames.
fn data(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut messages: Vec<(u8, Vec<u8>)> = Vec::new();
    for frame in wire::read_frames(bytes) {
        match frame.first & 0x0f {
            wire::CONTINUATION => {
                let last = messages.last_mut().expect("a message is continued");
                last.1.extend(frame.payload);
            }
            opcode if opcode < wire::CLOSE => messages.push((opcode, frame.payload)),
            _ => {}
        }
    }
    messages
}

/// Whether the last frame is a close frame.
fn ends_with_close(bytes: &[u8]) -> bool {
    let frames = wire::read_frames(bytes);
    frames
        .last()
        .is_some_and(|frame| frame.first & 0x0f == wire::CLOSE)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_side_sends_reaches_the_other_however_the_transports_stall(
        kind in prop_oneof![Just(Kind::Inspected), Just(Kind::Relayed)],
        is_buffered in any::<bool>(),
        client in messages(Role::Client),
        server in messages(Role::Server),
        steps in steps(),
    ) {
        let mut driven = Driven::new(kind, is_buffered);
        let rest = driven.run(steps, Sides { client: &client[..], server: &server[..] });
        for side in [Role::Client, Role::Server] {
            driven.peers[side].borrow_mut().sent.extend(rest[side]);
        }
        driven.open_up();
        driven.wait(SECOND);
        for (from, sent) in [(Role::Client, &client), (Role::Server, &server)] {
            let received = driven.peers[from.peer()].borrow().received.clone();
            match kind {
                Kind::Inspected => prop_assert!(received == *sent, "{} bytes of {}", received.len(), sent.len()),
                Kind::Relayed => prop_assert!(data(&received) == data(sent)),
            }
        }
        // Both sides end when one of them closes.
        let close = Frame::close(4000, "bye").by(Role::Client).bytes();
        driven.peers.client.borrow_mut().sent.extend(close);
        driven.poll();
        let answer = Frame::close(4000, "").bytes();
        driven.peers.server.borrow_mut().sent.extend(answer);
        driven.poll();
        for side in [Role::Client, Role::Server] {
            driven.peers[side].borrow_mut().end = Some(End::Shut);
        }
        driven.poll();
        driven.wait(20 * SECOND);
        prop_assert!(driven.is_over);
        for side in [Role::Client, Role::Server] {
            let peer = driven.peers[side].borrow();
            prop_assert!(peer.was_shut && !peer.was_reset);
            prop_assert!(ends_with_close(&peer.received));
        }
        let outcome = driven.driver.take_outcome().expect("an outcome");
        prop_assert!(outcome.fault.is_none());
        prop_assert_eq!(outcome.sides.client.close_received, Some(4000));
        prop_assert_eq!(outcome.sides.server.close_sent, Some(4000));
    }

    #[test]
    fn a_connection_ends_whatever_becomes_of_its_transports(
        kind in prop_oneof![Just(Kind::Inspected), Just(Kind::Relayed)],
        client in messages(Role::Client),
        server in messages(Role::Server),
        steps in steps(),
        client_end in prop_oneof![Just(None), Just(Some(End::Shut)), Just(Some(End::Lost))],
        server_end in prop_oneof![Just(End::Shut), Just(End::Lost)],
    ) {
        let mut driven = Driven::new(kind, false);
        driven.run(steps, Sides { client: &client[..], server: &server[..] });
        for (side, end) in [(Role::Client, client_end), (Role::Server, Some(server_end))] {
            driven.peers[side].borrow_mut().end = end;
        }
        driven.poll();
        // A side may accept nothing, or never close: each has its timeout.
        driven.wait(200 * SECOND);
        prop_assert!(driven.is_over);
        let outcome = driven.driver.take_outcome().expect("an outcome");
        prop_assert!(outcome.fault.is_none(), "{:?}", outcome.fault);
        prop_assert!(outcome.cause.is_some());
    }
}
