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

/// Of more pings than this the oldest is forgotten: its pong gives no round-trip time.
const MAX_REMEMBERED: usize = 64;

/// Pings that were sent, for their round-trip times. Whether the peer lives is not decided
/// here: whatever it sends shows that.
#[derive(Default)]
pub(super) struct Pings {
    remembered: VecDeque<Ping>,
    /// How many were queued, ever.
    queued: u64,
    /// How many of them were handed out.
    handed_out: u64,
    /// Counts keepalive pings, so that each has a payload of its own.
    keepalives: u64,
    round_trip: Option<Duration>,
}

struct Ping {
    /// How many were queued before it.
    number: u64,
    payload: Vec<u8>,
    /// When its last byte was handed out.
    sent: Option<Instant>,
}

impl Pings {
    /// A ping was queued.
    pub(super) fn queued(&mut self, payload: &[u8]) {
        if self.remembered.len() == MAX_REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back(Ping {
            number: self.queued,
            payload: payload.to_vec(),
            sent: None,
        });
        self.queued += 1;
    }

    /// Notes how many pings were handed out so far. Returns whether any was just now.
    pub(super) fn handed_out(&mut self, count: u64, now: Instant) -> bool {
        if count == self.handed_out {
            return false;
        }
        self.handed_out = count;
        for ping in &mut self.remembered {
            if ping.number < count {
                ping.sent.get_or_insert(now);
            }
        }
        true
    }

    /// Whether a ping waits to be handed out.
    fn is_queued(&self) -> bool {
        self.handed_out < self.queued
    }

    /// The time since the ping that this pong answers was handed out. "Only the most
    /// recently processed Ping frame" may be answered: of equal pings it is the latest, and
    /// those before it are answered, too.
    pub(super) fn answered(&mut self, payload: &[u8], now: Instant) -> Option<Duration> {
        let answers = |ping: &Ping| ping.sent.is_some() && ping.payload == payload;
        let index = self.remembered.iter().rposition(answers)?;
        let sent = self.remembered.drain(..=index).next_back()?.sent?;
        self.round_trip = Some(now.since(sent));
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
    /// Returns the round-trip time of the last ping that was answered.
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.pings.round_trip
    }

    pub(super) fn send_keepalive(&mut self) {
        // A ping that can't even be written is not joined by more of them.
        if self.pings.is_queued() {
            return;
        }
        let payload = self.pings.keepalives.to_be_bytes();
        self.pings.keepalives = self.pings.keepalives.wrapping_add(1);
        if let Ok(()) = self.sender.control(Opcode::Ping, &payload, Origin::Ping) {
            self.pings.queued(&payload);
        }
    }
}
