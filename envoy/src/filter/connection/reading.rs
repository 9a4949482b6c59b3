//! Passes input to the inspector, and handles the results.

use alloc::format;
use alloc::vec::Vec;
use core::mem;

use websocket_component::Role;
use websocket_component::inspector::{Inspector, Seen};

use super::Connection;
use crate::filter::Env;
use crate::filter::content::Verdict;
use crate::filter::line::Line;

/// How many messages of one read have their size recorded: recording the size of a small message costs more than
/// inspecting it.
const RECORDED: u64 = 2;

/// What to do about the inspector's events.
#[derive(Default)]
struct Todo {
    messages: u64,
    /// The decisions on held messages.
    verdicts: Vec<Verdict>,
    is_denied: bool,
}

impl Connection {
    /// Passes all buffered input of a side to the inspector.
    pub(super) fn read(&mut self, from: Role, env: &mut Env<'_>) {
        let Some(inspector) = &mut self.inspector else {
            return;
        };
        let line = &mut self.lines[from];
        let mut at = 0;
        let mut todo = Todo {
            is_denied: self.is_denied,
            ..Todo::default()
        };
        let mut bytes = mem::take(env.buffer);
        while let Some(mut skipped) = line.piece(from, &mut at, &mut bytes, env.host) {
            let (mut start, has_bytes) = (0, !bytes.is_empty());
            loop {
                let rest = bytes.get_mut(start..).unwrap_or_default();
                let Ok(step) = inspector.advance(from, skipped, rest, env.now) else {
                    // This would be a bug of the filter, so nothing may pass.
                    self.verdict.get_or_insert("internal error".into());
                    self.reset = Some(env.now);
                    return;
                };
                todo.note(from, step.seen(), env);
                let (consumed, more) = (step.consumed, step.more);
                line.seen(has_bytes, step.skippable, step.wanted);
                start += consumed;
                skipped = 0;
                todo.decide(from, inspector, env);
                if !more {
                    break;
                }
            }
            at += start;
            if start < bytes.len() {
                // The side sent frames before the handshake was complete; they can't be inspected.
                self.verdict.get_or_insert("early data".into());
                self.reset = Some(env.now);
                break;
            }
        }
        *env.buffer = bytes;
        inspector.trim();
        line.count(from, inspector, todo.messages, env);
        if todo.is_denied && !self.is_denied {
            self.is_denied = true;
            self.close(1008, "content", env);
        }
    }
}

impl Todo {
    /// Handles the inspector's events.
    fn note<'a>(&mut self, from: Role, seen: impl Iterator<Item = Seen<'a>>, env: &mut Env<'_>) {
        let mut shown: Option<&[u8]> = None;
        for seen in seen {
            match seen {
                Seen::Text {
                    payload,
                    last: true,
                }
                | Seen::Binary {
                    payload,
                    last: true,
                } => {
                    shown = Some(payload);
                }
                Seen::Message(summary) => {
                    self.messages += 1;
                    let length = summary.length.unwrap_or(summary.wire_length);
                    if self.messages <= RECORDED {
                        env.metrics.record_message(from, length, env.host);
                    }
                    let Some(content) = &env.settings.content else {
                        continue;
                    };
                    let payload = shown.take();
                    if summary.held {
                        let verdict =
                            payload.map_or(Verdict::Pass, |payload| content.judge(payload));
                        self.verdicts.push(verdict);
                    }
                }
                Seen::Close { code, .. } => {
                    env.metrics
                        .count_of(from, &format!("close.{code}"), 1, env.host);
                }
                Seen::RoundTrip(nanos) => {
                    env.metrics
                        .record_of(from, "round_trip_ms", nanos / 1_000_000, env.host);
                }
                _ => {}
            }
        }
    }

    /// Forwards messages up to the first denied one.
    fn decide(&mut self, from: Role, inspector: &mut Inspector, env: &Env<'_>) {
        for verdict in self.verdicts.drain(..) {
            self.is_denied |= verdict == Verdict::Denied;
            if !self.is_denied {
                _ = inspector.decide(from, true, env.now);
            }
        }
    }
}

impl Line {
    /// Counts what was received since the last call.
    fn count(&mut self, from: Role, inspector: &Inspector, messages: u64, env: &mut Env<'_>) {
        let traffic = inspector.traffic(from);
        let bytes = traffic.bytes - self.counted.bytes;
        env.metrics.count_traffic(from, messages, bytes);
        self.counted = traffic;
        if let Some(rate) = &mut self.rate {
            // Including headers and control frames, so that floods of them count.
            rate.take(messages, self.unread as u64, env.now);
        }
    }
}
