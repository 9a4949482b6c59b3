//! Guests that misbehave among others that don't, with a build of the component that does so on request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use host_tests::gate::{Gate, misbehaving_component};
use host_tests::peer::{Peer, Received, echo_server};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use websocket_component::Message;

use crate::alone;

const CONNECTIONS: usize = 100;

/// How many messages each connection exchanges before one guest misbehaves, and after it.
const MESSAGES: usize = 200;

/// How many messages are in flight.
const WINDOW: usize = 8;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_guest_that_traps_ends_alone() -> io::Result<()> {
    ends_alone("misbehave: trap")
}

#[test]
fn a_guest_that_spins_ends_alone() -> io::Result<()> {
    ends_alone("misbehave: spin")
}

#[test]
fn a_guest_that_hoards_memory_ends_alone() -> io::Result<()> {
    ends_alone("misbehave: hoard")
}

/// One of many busy connections sends `words`. It ends; the others lose and reorder nothing, before or after.
fn ends_alone(words: &'static str) -> io::Result<()> {
    let _alone = alone();
    let runtime = Runtime::new()?;
    let upstream = echo_server(&runtime)?;
    let gate = Gate::before(upstream, &misbehaving_component(), &["--log", "error"])?;

    let ended = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (1..CONNECTIONS)
        .map(|number| runtime.spawn(busy(gate.address, number, Arc::clone(&ended))))
        .collect();
    runtime.block_on(async {
        let close = timeout(PATIENCE, misbehaves(gate.address, words)).await;
        assert_eq!(close.expect("a guest that misbehaves ends")?, 1011);
        ended.store(true, Ordering::Relaxed);
        let mut messages = 0;
        for other in others {
            let other = timeout(PATIENCE, other).await;
            messages += other.expect("every echo comes")??;
        }
        assert!(messages >= 2 * MESSAGES * (CONNECTIONS - 1));
        eprintln!("{messages} messages of the others came back in order");
        io::Result::Ok(())
    })?;

    let log = gate.process.log();
    assert_eq!(log.lines().count(), 1, "{log}");
    // Its slot can be used again.
    runtime.block_on(async {
        let mut peer = Peer::connect(gate.address).await?;
        peer.send(Message::Text("hello"))?;
        assert_eq!(peer.receive().await?, Received::Text("hello".into()));
        Ok(())
    })
}

/// Exchanges messages, then sends the words. Returns the code that the connection is closed with.
async fn misbehaves(gate: SocketAddr, words: &str) -> io::Result<u16> {
    let mut peer = Peer::connect(gate).await?;
    let mut exchange = Exchange::new(0);
    exchange.run(&mut peer, |seen| seen < MESSAGES).await?;
    peer.send(Message::Text(words))?;
    loop {
        if let Received::Close(code) = peer.receive().await? {
            return Ok(code);
        }
    }
}

/// Exchanges messages until the other connection has ended, and as many again. Returns how many.
async fn busy(gate: SocketAddr, number: usize, ended: Arc<AtomicBool>) -> io::Result<usize> {
    let mut peer = Peer::connect(gate).await?;
    let mut exchange = Exchange::new(number);
    let going_on = |seen| seen < MESSAGES || !ended.load(Ordering::Relaxed);
    let seen = exchange.run(&mut peer, going_on).await?;
    exchange.run(&mut peer, |now| now < seen + MESSAGES).await
}

/// Numbered messages of all sizes, and their echoes.
struct Exchange {
    connection: usize,
    sent: usize,
    seen: usize,
}

impl Exchange {
    fn new(connection: usize) -> Exchange {
        let (sent, seen) = (0, 0);
        Exchange {
            connection,
            sent,
            seen,
        }
    }

    /// Continues as long as more are wanted, then receives those in flight. Returns the number of echoes.
    async fn run(&mut self, peer: &mut Peer, more: impl Fn(usize) -> bool) -> io::Result<usize> {
        loop {
            while more(self.seen) && self.sent < self.seen + WINDOW {
                peer.send(Message::Text(&self.message(self.sent)))?;
                self.sent += 1;
            }
            if self.seen == self.sent {
                return Ok(self.seen);
            }
            let received = peer.receive().await?;
            assert_eq!(received, Received::Text(self.message(self.seen)));
            self.seen += 1;
        }
    }

    fn message(&self, number: usize) -> String {
        let padding = ".".repeat((number * 37 + self.connection * 101) % 3000);
        format!("{} {number} {padding}", self.connection)
    }
}
