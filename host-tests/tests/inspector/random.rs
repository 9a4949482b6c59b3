//! Random events at random times, the same in every run: each side receives whole frames in a valid order, and every
//! connection ends.

use std::time::Duration;

use host_tests::ROLES;
use host_tests::inspected::{Inspects, Native, Proxy};
use host_tests::wire::{Frame, frame_length};
use websocket_component::Role::{self, Server};
use websocket_component::State;
use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{End, Options, Payload};

const SECOND: Duration = Duration::from_secs(1);
/// How many runs there are of each kind.
const RUNS: u64 = 1500;

/// Pseudo-random numbers (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % limit
    }

    fn is_one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// What is varied.
#[derive(Clone, Copy, Debug)]
struct Kind {
    holds: bool,
    has_fragments: bool,
    has_long_frames: bool,
    skips: bool,
}

/// One side, with what it still has to send.
#[derive(Default)]
struct Sender {
    queue: Vec<u8>,
    in_message: bool,
    has_ended: bool,
    /// What has reached it.
    received: Vec<u8>,
}

impl Sender {
    fn next_frame(&mut self, from: Role, kind: Kind, numbers: &mut Numbers) -> Frame {
        let payload = vec![b'a'; numbers.below(200) as usize];
        let is_last = !kind.has_fragments || numbers.is_one_in(2);
        // The pong to a ping that was inserted, and reached it first.
        let ping = match &self.received[..] {
            [0x89, 8, payload @ ..] => payload.get(..8),
            _ => None,
        };
        let frame = match numbers.below(10) {
            0 => Frame::ping("ping"),
            1 => Frame::pong("pong"),
            2 if numbers.is_one_in(6) => Frame::close(1000, ""),
            3 if numbers.is_one_in(8) => Frame::new(3, ""),
            4 if ping.is_some() => Frame::pong(ping.unwrap_or_default()),
            number => {
                let frame = match number % 2 {
                    _ if self.in_message => Frame::continuation(payload),
                    0 => Frame::text(payload),
                    _ => Frame::binary(payload),
                };
                self.in_message = !is_last;
                if is_last { frame } else { frame.not_last() }
            }
        };
        frame.by(from)
    }
}

fn options(kind: Kind, numbers: &mut Numbers) -> Options {
    let mut options = Options::default();
    for direction in [&mut options.client, &mut options.server] {
        direction.hold_messages = kind.holds;
        direction.view.payload = match kind.holds {
            true => Payload::Messages { up_to: 1000 },
            false if numbers.is_one_in(4) => Payload::Chunks,
            false => Payload::Nothing,
        };
        direction.keepalive = numbers.is_one_in(3).then_some(SECOND * 5);
        direction.idle = numbers.is_one_in(3).then_some(SECOND * 30);
        if kind.has_long_frames {
            direction.hold_frame = 20;
        }
    }
    options.timeouts.age = numbers.is_one_in(4).then_some(SECOND * 40);
    options.timeouts.answer = numbers.is_one_in(3).then_some(SECOND);
    options
}

/// One connection from its opening to its end. Returns what reached each side, and how it ended.
fn run(seed: u64, kind: Kind) -> ([Vec<u8>; 2], String) {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let options = options(kind, &mut numbers);
    let mut proxy = Proxy::<Native>::open(options, &Negotiated::default());
    proxy.skips = kind.skips;
    let mut sides: [Sender; 2] = Default::default();
    for _ in 0..numbers.below(60) + 5 {
        let index = numbers.below(2) as usize;
        act(&mut proxy, &mut sides, ROLES[index], kind, &mut numbers);
        proxy.forward();
        receive(&mut proxy, &mut sides);
    }
    for (side, sender) in ROLES.into_iter().zip(&sides) {
        check(&sender.received, proxy.inspector.end(side.peer()));
    }
    for side in ROLES {
        let now = proxy.now;
        proxy.inspector.end_of_input(side, now);
        proxy.forward();
    }
    proxy.wait(SECOND * 25);
    assert_eq!(proxy.inspector.state(), State::Closed, "{:?}", proxy.ends());
    receive(&mut proxy, &mut sides);
    for (side, sender) in ROLES.into_iter().zip(&sides) {
        check(&sender.received, proxy.inspector.end(side.peer()));
    }
    let told = format!("{:?} {:?}", proxy.ends(), proxy.failure());
    (sides.map(|side| side.received), told)
}

fn act(
    proxy: &mut Proxy<Native>,
    sides: &mut [Sender; 2],
    from: Role,
    kind: Kind,
    numbers: &mut Numbers,
) {
    let (now, to) = (proxy.now, from.peer());
    let sender = &mut sides[usize::from(from == Server)];
    // A refusal is reported elsewhere.
    match numbers.below(20) {
        0..=9 if !sender.has_ended => {
            if sender.queue.is_empty() {
                sender.queue = sender.next_frame(from, kind, numbers).bytes();
            }
            let all = sender.queue.len();
            let count = match numbers.is_one_in(2) {
                true => all,
                false => numbers.below(all as u64) as usize + 1,
            };
            let piece: Vec<u8> = sender.queue.drain(..count).collect();
            proxy.send(from, &piece);
        }
        10 | 11 => _ = proxy.inspector.ping(to, now),
        12 | 13 => _ = proxy.inspector.insert(to, b"inserted", true, now),
        14 if numbers.is_one_in(5) => _ = proxy.inspector.close(1001, "", now),
        15 if numbers.is_one_in(3) => {
            sender.has_ended = true;
            proxy.inspector.end_of_input(from, now);
        }
        16 => proxy.wait(SECOND * (numbers.below(8) as u32)),
        17..=19 if kind.holds => {
            let goes_on = numbers.is_one_in(2);
            _ = proxy.inspector.decide(from, goes_on, now);
        }
        _ => {}
    }
}

fn receive(proxy: &mut Proxy<Native>, sides: &mut [Sender; 2]) {
    for (side, sender) in ROLES.into_iter().zip(sides) {
        sender.received.extend(proxy.reached(side));
    }
}

/// Checks the bytes that reached a side frame by frame, without the engine's code.
fn check(bytes: &[u8], end: End) {
    let mut rest = bytes;
    let (mut in_message, mut is_closed) = (false, false);
    while !rest.is_empty() {
        assert!(!is_closed, "bytes behind a close frame");
        let Some(length) = frame_length(rest) else {
            assert_ne!(end, End::Shutdown, "shut down inside a frame");
            return;
        };
        let is_last = rest[0] & 0x80 != 0;
        match rest[0] & 0x0f {
            0 => {
                assert!(in_message, "a continuation of nothing");
                in_message = !is_last;
            }
            1 | 2 => {
                assert!(!in_message, "a message inside a message");
                in_message = !is_last;
            }
            8 => is_closed = true,
            9 | 10 => {}
            opcode => panic!("opcode {opcode}"),
        }
        rest = &rest[length..];
    }
}

fn hold(kind: Kind) {
    for seed in 0..RUNS {
        let held = std::panic::catch_unwind(|| run(seed, kind));
        assert!(held.is_ok(), "run {seed} of {kind:?}");
    }
}

const PLAIN: Kind = Kind {
    holds: false,
    has_fragments: true,
    has_long_frames: false,
    skips: false,
};

#[test]
fn frames_stay_whole_and_in_order() {
    hold(PLAIN);
}

#[test]
fn frames_stay_whole_and_in_order_if_they_go_on_in_part() {
    hold(Kind {
        has_long_frames: true,
        ..PLAIN
    });
}

#[test]
fn frames_stay_whole_and_in_order_if_messages_are_held() {
    for has_fragments in [false, true] {
        hold(Kind {
            holds: true,
            has_fragments,
            ..PLAIN
        });
    }
}

#[test]
fn what_is_skipped_makes_no_difference() {
    for seed in 0..RUNS {
        let skipping = Kind {
            skips: true,
            ..PLAIN
        };
        assert!(run(seed, PLAIN) == run(seed, skipping), "run {seed}");
    }
}
