//! Which sends have to be told as done, and how.

use std::collections::VecDeque;

use websocket_component::{Message, PongPolicy, Sent};

use super::wire::Frame;
use crate::said::{PING_MARK, PONG_MARK};

/// The sends of one host that were accepted.
///
/// A send is complete if its frame was handed out to the last byte, and told in that order; else it is cancelled, and only
/// when the session has ended. So what is left at the end is lost.
#[derive(Default)]
pub(super) struct Sends {
    data: VecDeque<u64>,
    controls: VecDeque<u64>,
    close: Option<u64>,
    /// Those whose last bytes were handed out and which the session has yet to tell.
    complete: VecDeque<u64>,
    /// What was told: the context, and whether it was complete.
    pub(super) told: Vec<(u64, bool)>,
}

impl Sends {
    pub(super) fn accepted(&mut self, message: &Message<'_>, context: u64) {
        match message {
            Message::Ping(_) | Message::Pong(_) => self.controls.push_back(context),
            Message::Close | Message::CloseWith(..) => self.close = Some(context),
            _ => self.data.push_back(context),
        }
    }

    /// Takes a frame that was handed out to its last byte.
    pub(super) fn handed_out(&mut self, frame: Frame, pongs: PongPolicy) {
        let context = match frame {
            Frame::Data => Some(self.data.pop_front().expect("data that nobody sent")),
            Frame::Ping { first } if first == Some(PING_MARK) => {
                Some(self.controls.pop_front().expect("a ping that nobody sent"))
            }
            Frame::Pong { first } if first == Some(PONG_MARK) || pongs == PongPolicy::Manual => {
                Some(self.controls.pop_front().expect("a pong that nobody sent"))
            }
            // The session's own, unless the host has closed.
            Frame::Close => self.close.take(),
            Frame::Ping { .. } | Frame::Pong { .. } => None,
        };
        self.complete.extend(context);
    }

    /// Checks a send that the session reports as done; only a session that has ended may cancel one.
    pub(super) fn done(&mut self, sent: Sent, has_ended: bool) {
        let context = sent.context.expect("one was given");
        if sent.complete {
            let expected = self.complete.pop_front();
            assert_eq!(expected, Some(context), "a send that is complete");
        } else {
            assert!(has_ended, "send {context} was cancelled in an open session");
            assert!(self.cancel(context), "send {context} was cancelled");
        }
        self.told.push((context, sent.complete));
    }

    fn cancel(&mut self, context: u64) -> bool {
        if self.close == Some(context) {
            self.close = None;
            return true;
        }
        [&mut self.controls, &mut self.data]
            .into_iter()
            .any(|waiting| {
                let index = waiting.iter().position(|other| *other == context);
                index.is_some_and(|index| waiting.remove(index).is_some())
            })
    }

    /// The session tells of no more sends for now.
    pub(super) fn all_told(&self) {
        assert!(self.complete.is_empty(), "not told: {:?}", self.complete);
    }

    /// How many wait to be handed out.
    pub(super) fn waiting(&self) -> usize {
        let close = usize::from(self.close.is_some());
        self.data.len() + self.controls.len() + close
    }

    /// How many were accepted and not told.
    pub(super) fn open(&self) -> usize {
        self.waiting() + self.complete.len()
    }
}
