//! Pings that wait for their pongs (RFC 6455, sections 5.5.2 and 5.5.3).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::clock::Instant;
use super::queue::Origin;
use super::send::Sender;
use super::{Config, PongPolicy, Session};
use crate::Rule;
use crate::frame::header::Opcode;

/// More pings than this don't wait: the oldest is forgotten, as if answered.
const MOST_WAITING: usize = 64;

#[derive(Default)]
pub(super) struct Pings {
    waiting: VecDeque<(Vec<u8>, Instant)>,
    /// Counts keepalive pings, so that each has a payload of its own.
    keepalives: u64,
    round_trip: Option<Duration>,
}

impl Pings {
    pub(super) fn queued(&mut self, payload: &[u8], now: Instant) {
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((payload.to_vec(), now));
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.waiting.front().map(|(_, queued)| *queued)
    }

    /// The time since the ping that this pong answers. "Only the most recently
    /// processed Ping frame" may be answered: the pings before it are, too.
    pub(super) fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let index = self.waiting.iter().position(|(ping, _)| ping == payload)?;
        let (_, queued) = self.waiting.drain(..=index).next_back()?;
        self.round_trip = Some(now.since(queued));
        self.round_trip
    }
}

/// Queues the pong that a ping calls for.
pub(super) fn answer(payload: &[u8], sender: &mut Sender, config: &Config) -> Result<(), Rule> {
    match config.pongs {
        PongPolicy::Manual => return Ok(()),
        PongPolicy::Latest => sender.drop_last_pong(),
        PongPolicy::Each => {}
    }
    sender.control(Opcode::Pong, payload, Origin::Pong)?;
    if sender.pongs() > config.limits.queued_pongs as usize {
        return Err(Rule::PingFlood);
    }
    Ok(())
}

impl Session {
    /// The round-trip time of the last ping that was answered.
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.pings.round_trip
    }

    pub(super) fn send_keepalive(&mut self) {
        // A ping that can't even be written is not joined by more of them.
        if !self.sender.is_empty() && self.pings.oldest().is_some() {
            return;
        }
        let payload = self.pings.keepalives.to_be_bytes();
        self.pings.keepalives = self.pings.keepalives.wrapping_add(1);
        let now = self.deadlines.now();
        if let Ok(()) = self.sender.control(Opcode::Ping, &payload, Origin::Session) {
            self.pings.queued(&payload, now);
        }
    }
}
