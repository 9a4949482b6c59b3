//! What each attack does, on whichever side of the gate.

use std::time::Duration;

use host_tests::wire::{CLOSE, LengthForm};
use host_tests::{Frame, wire};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::time::timeout;
use websocket_component::Role;

use crate::attack::Attack;
use crate::corpus::Corpus;
use crate::line::Line;
use crate::plan::Deadlines;

/// The attackers' echo server. The good connections have another one, so that delays are caused by the gate alone.
pub const ECHO: &str = "/echo";

/// The prefix of the gate's routes to hostile upstreams.
pub const PREFIX: &str = "/hostile";

/// Returns the request target that asks an upstream for an attack.
#[must_use]
pub fn target(attack: Attack, seed: u64) -> String {
    format!("{PREFIX}/{}/{seed}", attack.index())
}

/// How long a slow attacker waits from one byte to the next, where the number of bytes has no end.
const DRIP: Duration = Duration::from_millis(150);

/// How many bytes of its answer an upstream sends so before it leaves.
const DRIPS: usize = 8;

/// How long one that has sent its bytes waits for an answer, before it says that no more come.
const ANSWER: Duration = Duration::from_millis(20);

/// One of so many doesn't say so, but is silent.
const SILENT_ONES: u64 = 16;

/// Payloads of close frames that are wrong, or at the border (RFC 6455, sections 5.5.1 and 7.4).
const CLOSES: [&[u8]; 14] = [
    b"",
    b"\x03",
    b"\x00\x00",
    b"\x03\xe7",
    b"\x03\xe8\xff\xfe",
    b"\x03\xe8\xed\xa0\x80",
    b"\x03\xec",
    b"\x03\xed",
    b"\x03\xee",
    b"\x03\xf7",
    b"\x13\x88",
    b"\xff\xff",
    &[b'r'; 124],
    &[b'r'; 126],
];

/// Attacks the gate over a line that has just connected; an upstream has received the gate's request. After this, only
/// the outcome is awaited.
pub async fn perform(
    attack: Attack,
    line: &mut Line,
    seed: u64,
    corpus: &Corpus,
    deadlines: &Deadlines,
) {
    if attack.is_instead_of_handshake() || open(line, ECHO).await {
        // A flood goes on until the gate ends it. One that doesn't read may not see that, until it does.
        let done = act(attack, line, seed, corpus, deadlines);
        if timeout(deadlines.promised(), done).await.is_err() {
            line.knock();
        }
    }
}

/// Makes a valid handshake. Returns whether it was accepted.
pub async fn open(line: &mut Line, target: &str) -> bool {
    /// More than the gate's longest way to a status, as configured here.
    const OPENING: Duration = Duration::from_secs(30);
    match line.role {
        Role::Client => line.send(&Line::request(target)).await && line.head_within(OPENING).await,
        Role::Server => {
            let response = line.response();
            line.send(&response).await
        }
    }
}

async fn act(attack: Attack, line: &mut Line, seed: u64, corpus: &Corpus, deadlines: &Deadlines) {
    // Just often enough that the gate sends no keepalive ping.
    let seldom = deadlines.keepalive * 3 / 5;
    let role = line.role;
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    match attack {
        Attack::CorpusInstead | Attack::CorpusAfter => {
            line.send(corpus.file(seed)).await;
            say_no_more(line, seed).await;
        }
        Attack::RandomInstead | Attack::RandomAfter => {
            let mut bytes = vec![0; random.next_u32() as usize % 4096];
            random.fill_bytes(&mut bytes);
            line.send(&bytes).await;
            say_no_more(line, seed).await;
        }
        Attack::SlowHandshake => {
            let head = match role {
                Role::Client => Line::request(ECHO),
                Role::Server => line.response(),
            };
            line.drip(&head, DRIP).await;
        }
        // Their upstream is a hostile one too, and slow.
        Attack::LeavesEarly if role == Role::Client => {
            line.send(&Line::request(&target(attack, seed))).await;
            if random.next_u32().is_multiple_of(2) {
                line.send(&wire::bytes_of(&[Frame::text("too early")], role))
                    .await;
            }
            line.listen(ANSWER * (random.next_u32() % 10)).await;
            match random.next_u32() % 3 {
                0 => line.leave(),
                1 => line.reset(),
                _ => line.half_close().await,
            }
        }
        Attack::LeavesEarly => {
            let head = line.response();
            let beginning = head.get(..DRIPS).unwrap_or_default();
            line.drip(beginning, DRIP).await;
            line.leave();
        }
        Attack::SlowHeader => {
            let frame = Frame::binary("").by(role);
            let header = frame.bytes_with(LengthForm::SixtyFour, 1 << 20);
            line.drip(&header, seldom).await;
        }
        Attack::SlowPayload => {
            line.send(&Frame::binary("").by(role).header(1 << 20)).await;
            while line.drip(b"x", DRIP).await {}
        }
        Attack::SlowFragments => {
            line.send_frame(Frame::text("x").not_last()).await;
            let more = Frame::continuation("x").not_last();
            while line.send_frame(more.clone()).await && line.listen(DRIP).await {}
        }
        Attack::SlowClose if seed.is_multiple_of(2) => {
            let frame = Frame::new(CLOSE, [b'x'; 125]).by(role);
            line.drip(&frame.bytes(), seldom).await;
        }
        Attack::SlowClose => {
            line.send_frame(Frame::close(1000, "and then nothing"))
                .await;
        }
        Attack::PingFlood => {
            let pings = vec![Frame::ping([b'p'; 125]); 64];
            let pings = wire::bytes_of(&pings, role);
            while line.send(&pings).await {}
        }
        Attack::FragmentFlood => {
            line.send_frame(Frame::binary("").not_last()).await;
            let size = random.next_u32() as usize % 2;
            let fragments = vec![Frame::continuation(&b"x"[..size]).not_last(); 512];
            let fragments = wire::bytes_of(&fragments, role);
            while line.send(&fragments).await {}
        }
        Attack::ImpossibleLength => {
            let lengths = [(1 << 32) + 5, i64::MAX as u64, 1 << 63, u64::MAX];
            let length = lengths[random.next_u32() as usize % lengths.len()];
            line.send(&Frame::binary("").by(role).header(length)).await;
        }
        Attack::LengthAndSilence => {
            let header = Frame::binary("").by(role).header((16 << 20) - 1);
            line.send(&header).await;
        }
        Attack::NeverReads => match role {
            // The bystander does the sending.
            Role::Server => line.look_away().await,
            Role::Client => messages_without_end(line).await,
        },
        Attack::Silence => {}
        Attack::Leaves => line.leave(),
        Attack::Resets => line.reset(),
        Attack::ResetsInside => {
            line.send(&Frame::binary("").by(role).header(1000)).await;
            line.send(b"half of it").await;
            line.reset();
        }
        Attack::OddClose => {
            let payload = CLOSES[random.next_u32() as usize % CLOSES.len()];
            line.send_frame(Frame::new(CLOSE, payload)).await;
        }
        Attack::Trap => say(line, seed, "misbehave: trap").await,
        Attack::Spin => say(line, seed, "misbehave: spin").await,
        Attack::Hoard => say(line, seed, "misbehave: hoard").await,
    }
}

/// Sends messages, and reads none that come back, until the gate ends the connection.
pub async fn messages_without_end(line: &mut Line) {
    let message = Frame::binary(vec![b'm'; 64 << 10]).by(line.role).bytes();
    while line.send(&message).await {}
}

/// Sends a text, to a relay that is open or still opening.
async fn say(line: &mut Line, seed: u64, words: &str) {
    if seed.is_multiple_of(4) || line.listen(ANSWER).await {
        line.send_frame(Frame::text(words)).await;
    }
}

async fn say_no_more(line: &mut Line, seed: u64) {
    if line.listen(ANSWER).await && !seed.is_multiple_of(SILENT_ONES) {
        line.half_close().await;
    }
}
