//! The life of a session as one table of transitions (RFC 6455, sections 4 and 7).
//!
//! Every change goes through [`Session::transition`], which looks it up in [`TABLE`].
//! `docs/states.md` shows the same table to authors of hosts.

use super::{Role, Session, State};

/// Where a session is in its life. [`State`] is what hosts see of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// The handshake is not complete.
    Connecting,
    /// Messages flow both ways.
    Open,
    /// The session's close frame was queued, and the peer's is awaited.
    CloseSent,
    /// The peer's close frame was received, and the host has not sent one yet.
    CloseReceived,
    /// The same, and the peer's stream has ended: it only reads.
    HalfClosed,
    /// There are close frames both ways, and the last bytes wait to be written.
    CloseExchanged,
    /// The last bytes wait: the close frame of a failure, or a response that refuses.
    Failing,
    /// The last bytes wait, and the peer's stream has ended.
    Ending,
    /// Nothing more is written, and the end of the peer's stream is awaited.
    Draining,
    /// Nothing more is read or written.
    Closed,
}

impl Life {
    /// What hosts see.
    pub(super) const fn state(self) -> State {
        match self {
            Life::Connecting => State::Connecting,
            Life::Open => State::Open,
            Life::CloseSent
            | Life::CloseReceived
            | Life::HalfClosed
            | Life::CloseExchanged
            | Life::Failing
            | Life::Ending => State::Closing,
            Life::Draining => State::Draining,
            Life::Closed => State::Closed,
        }
    }

    /// Whether frames may still come or be queued. Before that there is a handshake,
    /// after it input counts for nothing.
    #[inline]
    pub(super) const fn has_frames(self) -> bool {
        matches!(
            self,
            Life::Open | Life::CloseSent | Life::CloseReceived | Life::HalfClosed
        )
    }

    /// Whether no input counts any more, and nothing can be queued.
    #[inline]
    pub(super) const fn has_ended(self) -> bool {
        !self.has_frames() && !matches!(self, Life::Connecting)
    }

    /// Whether messages can be queued: no close frame was.
    #[inline]
    pub(super) const fn takes_messages(self) -> bool {
        self.has_frames() && !matches!(self, Life::CloseSent)
    }

    /// Whether only the last bytes keep it from the end.
    const fn writes_the_last(self) -> bool {
        matches!(self, Life::CloseExchanged | Life::Failing | Life::Ending)
    }
}

/// What moves a session from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The handshake is complete.
    Opened,
    /// A response that refuses the handshake was queued.
    Refused,
    /// The handshake failed, and there is nothing to answer.
    HandshakeFailed,
    /// A close frame was queued: the host's, or the answer to the peer's.
    CloseQueued,
    /// The peer's close frame was received.
    CloseReceived,
    /// The peer broke a rule that calls for a close frame.
    RuleBroken,
    /// The last byte that waited was handed out.
    OutputDrained,
    /// The peer's stream has ended.
    EndOfInput,
    /// `Timeouts::close` has passed.
    CloseTimeout,
    /// `Timeouts::write` has passed.
    WriteTimeout,
    /// The host gave up.
    Aborted,
}

/// In each of these states the cause leads to the next one, for the role if there is one.
struct Row {
    from: &'static [Life],
    cause: Cause,
    role: Option<Role>,
    to: Life,
    /// Where the RFC says so.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers and tests"))]
    section: &'static str,
}

const fn row(from: &'static [Life], cause: Cause, to: Life, section: &'static str) -> Row {
    Row {
        from,
        cause,
        role: None,
        to,
        section,
    }
}

impl Row {
    const fn of(self, role: Role) -> Row {
        Row {
            role: Some(role),
            ..self
        }
    }
}

#[rustfmt::skip]
static TABLE: &[Row] = {
    use Cause::{
        Aborted, CloseQueued, CloseTimeout, EndOfInput, HandshakeFailed, Opened, OutputDrained,
        Refused, RuleBroken, WriteTimeout,
    };
    use Life::{
        CloseExchanged, CloseReceived, CloseSent, Closed, Connecting, Draining, Ending, Failing,
        HalfClosed, Open,
    };
    &[
        row(&[Connecting], Opened, Open, "RFC 6455 4.1, 4.2.2"),
        row(&[Connecting], Refused, Failing, "RFC 6455 4.2.2"),
        row(&[Connecting], HandshakeFailed, Closed, "RFC 6455 4.1"),
        // Either side may begin, and the other answers.
        row(&[Open], CloseQueued, CloseSent, "RFC 6455 7.1.2"),
        row(&[Open], Cause::CloseReceived, CloseReceived, "RFC 6455 7.1.3"),
        row(&[CloseSent], Cause::CloseReceived, CloseExchanged, "RFC 6455 7.1.4"),
        row(&[CloseReceived], CloseQueued, CloseExchanged, "RFC 6455 5.5.1"),
        // The server closes the transport first. A client gives it the time to.
        row(&[CloseExchanged], OutputDrained, Closed, "RFC 6455 7.1.1").of(Role::Server),
        row(&[CloseExchanged], OutputDrained, Draining, "RFC 6455 7.1.1").of(Role::Client),
        // With input unread a transport may throw away what it has yet to send.
        row(&[Open, CloseSent], RuleBroken, Failing, "RFC 6455 7.1.7"),
        row(&[Failing], OutputDrained, Draining, "RFC 6455 7.1.1, RFC 9112 9.6"),
        // A peer that only reads still gets what it is owed.
        row(&[Open, CloseSent], EndOfInput, Closed, "RFC 6455 7.1.5"),
        row(&[CloseReceived], EndOfInput, HalfClosed, "RFC 6455 5.5.1"),
        row(&[HalfClosed], CloseQueued, Ending, "RFC 6455 5.5.1"),
        row(&[CloseExchanged, Failing], EndOfInput, Ending, "RFC 6455 7.1.1"),
        row(&[Ending], OutputDrained, Closed, "RFC 6455 7.1.1"),
        row(&[Draining], EndOfInput, Closed, "RFC 6455 7.1.1"),
        row(&[CloseSent, Draining], CloseTimeout, Closed, "RFC 6455 7.1.1"),
        // A peer that can't be told anything isn't.
        row(
            &[Connecting, Open, CloseSent, CloseReceived, HalfClosed, CloseExchanged, Failing, Ending],
            WriteTimeout,
            Closed,
            "RFC 6455 7.1.7",
        ),
        row(
            &[Open, CloseSent, CloseReceived, HalfClosed, CloseExchanged, Failing, Ending, Draining],
            Aborted,
            Closed,
            "RFC 6455 7.1.1",
        ),
    ]
};

/// The row for a cause in a state.
fn find(life: Life, cause: Cause, role: Role) -> Option<&'static Row> {
    TABLE.iter().find(|row| {
        row.cause == cause && row.from.contains(&life) && row.role.is_none_or(|of| of == role)
    })
}

impl Session {
    /// Goes on to the state that the cause leads to, and from there on if nothing waits to
    /// be written. A cause that can't be in this state changes nothing.
    pub(super) fn transition(&mut self, cause: Cause) {
        let Some(row) = find(self.life, cause, self.role) else {
            debug_assert!(false, "{cause:?} while {:?}", self.life);
            return;
        };
        self.life = row.to;
        if row.to == Life::Draining {
            self.deadlines.drain();
        }
        self.note_drained();
    }

    /// Notices that the last byte was handed out.
    #[inline]
    pub(super) fn note_drained(&mut self) {
        if self.life.writes_the_last() && self.sender.is_empty() {
            self.transition(Cause::OutputDrained);
        }
    }
}

#[cfg(test)]
mod docs;
#[cfg(test)]
mod tests;
