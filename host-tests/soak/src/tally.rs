//! The outcomes of attacks.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::attack::Attack;
use crate::line::Outcome;

/// Who reports the outcome of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// An attacker that is a client of the gate.
    Client,
    /// An attacker that the gate connects to.
    Upstream,
    /// The client that the gate connects to such an upstream for.
    Bystander,
}

impl Witness {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Bystander => "its client",
        }
    }
}

/// How one connection ended.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub attack: Attack,
    pub witness: Witness,
    pub outcome: Outcome,
    /// From the first byte to the last.
    pub kept: Duration,
}

/// How the connections of one kind ended.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub outcomes: BTreeMap<Outcome, u64>,
    pub longest: Duration,
}

impl Row {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.outcomes.values().sum()
    }
}

/// All of them, by kind.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub rows: BTreeMap<(Attack, Witness), Row>,
}

impl Tally {
    pub fn add(&mut self, record: Record) {
        let row = self
            .rows
            .entry((record.attack, record.witness))
            .or_default();
        *row.outcomes.entry(record.outcome).or_default() += 1;
        row.longest = row.longest.max(record.kept);
    }

    /// How many connections attackers made, or were made to them.
    #[must_use]
    pub fn hostile(&self) -> u64 {
        let attackers = self
            .rows
            .iter()
            .filter(|((_, who), _)| *who != Witness::Bystander);
        attackers.map(|(_, row)| row.count()).sum()
    }

    /// How many attacks of these kinds were told of by these witnesses.
    #[must_use]
    pub fn count(&self, attacks: &[Attack], witnesses: &[Witness]) -> u64 {
        let told = self.rows.iter();
        told.filter(|((attack, who), _)| attacks.contains(attack) && witnesses.contains(who))
            .map(|(_, row)| row.count())
            .sum()
    }

    /// How many guests failed, as clients of the gate saw it.
    #[must_use]
    pub fn faults(&self) -> u64 {
        let seen = self.rows.iter().filter(|((attack, who), _)| {
            Attack::OF_GUEST.contains(attack) && *who != Witness::Upstream
        });
        let outcomes = seen.flat_map(|(_, row)| &row.outcomes);
        outcomes
            .filter(|(outcome, _)| matches!(outcome, Outcome::Closed(1011) | Outcome::Refused(500)))
            .map(|(_, count)| *count)
            .sum()
    }

    /// Returns unexpected outcomes as text.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for ((attack, who), row) in &self.rows {
            for (outcome, count) in &row.outcomes {
                if !is_allowed(*attack, *who, *outcome) {
                    let (name, who) = (attack.name(), who.name());
                    wrong.push(format!("{name} ({who}): {count} × {outcome}"));
                }
            }
        }
        wrong
    }
}

/// Whether an attack may end so. What is not named may end in any way, as long as it ends.
fn is_allowed(attack: Attack, who: Witness, outcome: Outcome) -> bool {
    match (attack, outcome) {
        (_, Outcome::Stayed) => false,
        // A peer that a busy machine kept from opening in time had no occasion to attack.
        (_, Outcome::Refused(408 | 504)) => true,
        (Attack::Trap | Attack::Spin | Attack::Hoard, Outcome::Closed(code)) => code == 1011,
        // The words of an upstream can come before the client was accepted.
        (Attack::Trap | Attack::Spin | Attack::Hoard, _) => match who {
            Witness::Client => false,
            Witness::Upstream => outcome == Outcome::Cut,
            Witness::Bystander => outcome == Outcome::Refused(500),
        },
        (Attack::ImpossibleLength, Outcome::Closed(code)) if who != Witness::Bystander => {
            matches!(code, 1002 | 1009)
        }
        (Attack::SlowHandshake, _) => who == Witness::Upstream && outcome == Outcome::Cut,
        _ => true,
    }
}
