//! The attackers: clients of the gate, and upstreams that it is sent to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use websocket_component::Role;

use crate::act::{messages_without_end, open, perform, target};
use crate::attack::Attack;
use crate::corpus::Corpus;
use crate::line::{Line, Outcome};
use crate::plan::{Deadlines, Plan};
use crate::tally::{Record, Witness};

/// The state that all attackers share.
#[derive(Clone, Debug)]
pub struct Crowd {
    pub corpus: Arc<Corpus>,
    pub deadlines: Deadlines,
    pub records: UnboundedSender<Record>,
}

impl Crowd {
    fn tell(&self, attack: Attack, witness: Witness, (outcome, kept): (Outcome, Duration)) {
        // The receiver is gone when the round is over.
        let _ = self.records.send(Record {
            attack,
            witness,
            outcome,
            kept,
        });
    }

    /// Serves hostile upstreams, until it is dropped.
    pub async fn serve(self, listener: TcpListener) {
        let mut upstreams = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => _ = upstreams.spawn(self.clone().upstream(stream)),
                    // Probably too many open files; wait until some are closed.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                },
                Some(_) = upstreams.join_next() => {}
            }
        }
    }

    /// One of them. The target of the request says what it does.
    async fn upstream(self, stream: TcpStream) {
        let mut line = Line::accepted(stream);
        if !line.head_within(self.deadlines.longest()).await {
            return;
        }
        let target = line.head().and_then(|head| head.split(' ').nth(1));
        let Some((attack, seed)) = target.and_then(parse) else {
            return;
        };
        perform(attack, &mut line, seed, &self.corpus, &self.deadlines).await;
        let outcome = line.outcome(self.deadlines.longest()).await;
        self.tell(attack, Witness::Upstream, outcome);
    }

    /// Attacks until it is told to stop, and then until all attacks have ended.
    ///
    /// # Errors
    ///
    /// They don't end.
    pub async fn attack(
        self,
        gate: SocketAddr,
        attacks: &'static [Attack],
        plan: Plan,
        stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let mut attackers = JoinSet::new();
        for number in 0..plan.attackers {
            let (crowd, stop) = (self.clone(), stop.clone());
            let seed = plan.seed.wrapping_add((number as u64) << 32);
            attackers.spawn(crowd.attacker(gate, attacks, number, seed, plan.rest, stop));
        }
        if attacks.contains(&Attack::CorpusAfter) {
            for _ in 0..plan.readers_of_corpus {
                attackers.spawn(self.clone().reader_of_corpus(gate, stop.clone()));
            }
        }
        let all = async { while attackers.join_next().await.is_some() {} };
        // An attack lasts as long as its deadline, and then as long as hearing of its end does.
        let longest = plan.attack + 3 * self.deadlines.longest();
        let ended = timeout(longest, all).await;
        ended.map_err(|_| io::Error::other("the attackers don't come to an end"))
    }

    async fn attacker(
        self,
        gate: SocketAddr,
        attacks: &'static [Attack],
        number: usize,
        seed: u64,
        rest: Duration,
        stop: watch::Receiver<bool>,
    ) {
        let kinds = attacks
            .iter()
            .flat_map(|attack| [(*attack, Role::Client), (*attack, Role::Server)]);
        let kinds = kinds.cycle().skip(number % (2 * attacks.len().max(1)));
        for ((attack, role), seed) in kinds.zip(seed..) {
            if *stop.borrow() {
                break;
            }
            for _ in 0..attack.burst() {
                match role {
                    Role::Client => self.client(gate, attack, seed).await,
                    Role::Server => self.bystander(gate, attack, seed).await,
                }
            }
            sleep(rest).await;
        }
    }

    /// Sends each file once, in place of a handshake and after one.
    async fn reader_of_corpus(self, gate: SocketAddr, stop: watch::Receiver<bool>) {
        while !*stop.borrow()
            && let Some(number) = self.corpus.take()
        {
            self.client(gate, Attack::CorpusInstead, number).await;
            self.client(gate, Attack::CorpusAfter, number).await;
        }
    }

    async fn client(&self, gate: SocketAddr, attack: Attack, seed: u64) {
        let Ok(mut line) = Line::connect(gate).await else {
            return self.tell(attack, Witness::Client, (Outcome::Cut, Duration::ZERO));
        };
        perform(attack, &mut line, seed, &self.corpus, &self.deadlines).await;
        let outcome = line.outcome(self.deadlines.longest()).await;
        self.tell(attack, Witness::Client, outcome);
    }

    /// A well-behaved client with a hostile upstream.
    async fn bystander(&self, gate: SocketAddr, attack: Attack, seed: u64) {
        let Ok(line) = Line::connect(gate).await else {
            return self.tell(attack, Witness::Bystander, (Outcome::Cut, Duration::ZERO));
        };
        let mut line = line.politely();
        let longest = self.deadlines.longest();
        let opened = open(&mut line, &target(attack, seed)).await;
        if opened && attack == Attack::NeverReads {
            let _ = timeout(longest, messages_without_end(&mut line)).await;
        }
        let outcome = line.outcome(longest).await;
        self.tell(attack, Witness::Bystander, outcome);
    }
}

/// Parses a target after the route's prefix.
fn parse(target: &str) -> Option<(Attack, u64)> {
    let (index, seed) = target.strip_prefix('/')?.split_once('/')?;
    let attack = Attack::from_index(index.parse().ok()?)?;
    Some((attack, seed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::PREFIX;

    #[test]
    fn an_upstream_understands_what_it_is_asked_for() {
        for attack in Attack::OF_WIRE.into_iter().chain(Attack::OF_GUEST) {
            let target = target(attack, u64::MAX);
            let path = target.strip_prefix(PREFIX).unwrap();
            assert_eq!(parse(path), Some((attack, u64::MAX)));
        }
        assert_eq!(parse("/chat"), None);
    }
}
