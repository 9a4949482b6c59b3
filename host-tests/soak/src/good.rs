//! A good connection: it sends numbered messages at a fixed rate, and checks that each is echoed once, in order, byte
//! for byte.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use host_tests::peer::{Peer, Received};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use websocket_component::Message;

use crate::content::Content;

/// Far more than a gate that works can need for what is on its way.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many messages are on their way at once at first: each size of them twice.
const WARMING: usize = 100;

/// After how many messages there is a ping.
const PINGS: usize = 7;

/// Where a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not all connections are open.
    Opening,
    Calm,
    Attack,
    /// The attackers have gone.
    After,
    /// Nothing more is sent.
    Over,
}

/// The phases in which messages are sent.
pub const MEASURED: [Phase; 3] = [Phase::Calm, Phase::Attack, Phase::After];

/// What a connection found.
#[derive(Debug, Default)]
pub struct Found {
    /// How many messages were echoed correctly.
    pub echoes: u64,
    pub pongs: u64,
    /// From when a message was due to be sent until its echo was read, for each phase, each message.
    pub latencies: [Vec<Duration>; 3],
    /// What was wrong. The connection has stopped there.
    pub wrong: Option<String>,
}

impl Found {
    /// Adds what another connection found.
    pub fn add(&mut self, mut other: Found) {
        self.echoes += other.echoes;
        self.pongs += other.pongs;
        for (all, more) in self.latencies.iter_mut().zip(&mut other.latencies) {
            all.append(more);
        }
    }
}

/// A message in flight.
struct Sent {
    number: usize,
    due: Instant,
    phase: Phase,
}

struct Good {
    peer: Peer,
    connection: usize,
    messages: VecDeque<Sent>,
    pings: VecDeque<usize>,
    next: usize,
    found: Found,
}

/// Runs one until the round is over. `opened` is called when it is open and warm.
pub async fn run(
    gate: SocketAddr,
    connection: usize,
    interval: Duration,
    mut phase: watch::Receiver<Phase>,
    opened: impl FnOnce(),
) -> Found {
    let peer = match Peer::connect(gate).await {
        Ok(peer) => peer,
        Err(error) => {
            return Found {
                wrong: Some(format!("connection {connection} can't open: {error}")),
                ..Found::default()
            };
        }
    };
    let mut good = Good {
        peer,
        connection,
        messages: VecDeque::new(),
        pings: VecDeque::new(),
        next: 0,
        found: Found::default(),
    };
    let done = match good.warm().await {
        Ok(()) => {
            opened();
            good.work(interval, &mut phase).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        let during = *phase.borrow();
        good.found.wrong = Some(format!("connection {connection}, {during:?}: {error}"));
    }
    good.found
}

impl Good {
    /// Has many messages on their way at once. The gate's guests grow with what they carry and never shrink, and what
    /// an attack leaves behind is to be told from what good connections take.
    async fn warm(&mut self) -> io::Result<()> {
        for _ in 0..WARMING {
            self.send(Instant::now(), Phase::Opening)?;
        }
        let rest = timeout(PATIENCE, self.take_the_rest()).await;
        rest.map_err(|_| self.lost())?
    }

    async fn work(
        &mut self,
        interval: Duration,
        phase: &mut watch::Receiver<Phase>,
    ) -> io::Result<()> {
        // Whoever sends the phases outlives the connections.
        let _ = phase.wait_for(|phase| *phase != Phase::Opening).await;
        // Not all at the same moment.
        let offset = interval * (self.connection as u32 % 100) / 100;
        let mut due = Instant::now() + offset;
        loop {
            let now = *phase.borrow();
            if now == Phase::Over {
                break;
            }
            tokio::select! {
                () = sleep_until(due) => {
                    self.send(due, now)?;
                    due += interval;
                }
                received = self.peer.receive() => self.check(received?)?,
            }
        }
        let rest = timeout(PATIENCE, self.take_the_rest());
        rest.await.map_err(|_| self.lost())??;
        self.close().await
    }

    fn send(&mut self, due: Instant, phase: Phase) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        for message in Content::new(self.connection, number).messages() {
            self.peer.send(message)?;
        }
        self.messages.push_back(Sent { number, due, phase });
        if number.is_multiple_of(PINGS) {
            self.peer
                .send(Message::Ping(number.to_string().as_bytes()))?;
            self.pings.push_back(number);
        }
        Ok(())
    }

    fn check(&mut self, received: Received) -> io::Result<()> {
        let (is_text, bytes) = match received {
            Received::Text(text) => (true, text.into_bytes()),
            Received::Binary(bytes) => (false, bytes),
            Received::Pong(payload) => {
                let expected = self.pings.pop_front().map(|number| number.to_string());
                if expected.as_deref().map(str::as_bytes) != Some(&payload) {
                    return Err(wrong(format!("a pong {payload:?} instead of {expected:?}")));
                }
                self.found.pongs += 1;
                return Ok(());
            }
            Received::Close(code) => return Err(wrong(format!("closed with {code}"))),
        };
        let start = String::from_utf8_lossy(bytes.get(..20).unwrap_or(&bytes)).into_owned();
        let Some(sent) = self.messages.pop_front() else {
            return Err(wrong(format!("an echo of nothing: {start:?}")));
        };
        let content = Content::new(self.connection, sent.number);
        if (is_text, bytes) != (content.is_text, content.bytes) {
            let number = sent.number;
            return Err(wrong(format!("the echo of message {number} is {start:?}…")));
        }
        self.found.echoes += 1;
        let measured = MEASURED.iter().position(|phase| *phase == sent.phase);
        let latencies = measured.and_then(|index| self.found.latencies.get_mut(index));
        if let Some(latencies) = latencies {
            latencies.push(sent.due.elapsed());
        }
        Ok(())
    }

    async fn take_the_rest(&mut self) -> io::Result<()> {
        while !self.messages.is_empty() || !self.pings.is_empty() {
            let received = self.peer.receive().await?;
            self.check(received)?;
        }
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.peer.send(Message::CloseWith(1000, b"done"))?;
        match timeout(PATIENCE, self.peer.receive()).await {
            Ok(Ok(Received::Close(1000))) => Ok(()),
            other => Err(wrong(format!("closing is answered with {other:?}"))),
        }
    }

    fn lost(&self) -> io::Error {
        let (messages, pings) = (self.messages.len(), self.pings.len());
        wrong(format!("{messages} messages and {pings} pings are lost"))
    }
}

fn wrong(what: String) -> io::Error {
    io::Error::other(what)
}
