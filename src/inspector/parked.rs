//! The state of an idle connection, which needs no inspector until something happens.

use super::{Inspector, Sides, Traffic};
use crate::{Instant, Role, Rule, State};

/// The state of an idle connection, from which another inspector can resume.
///
/// A proxy with many idle connections keeps this for each of them, instead of an inspector and
/// the sandbox that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The last reading of the clock.
    pub at: Instant,
    /// When the connection was opened.
    pub opened: Instant,
    /// The state of each side.
    pub sides: Sides<ParkedSide>,
}

/// The state of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkedSide {
    /// The position after the last frame, up to which everything was forwarded.
    pub position: u64,
    /// The traffic so far.
    pub traffic: Traffic,
    /// When the last byte was received.
    pub idle_since: Instant,
    /// When the last byte of a message was received.
    pub message_idle_since: Instant,
}

impl Inspector {
    /// Returns the state of the connection if it is idle: it is open, between messages in both
    /// directions, everything was forwarded, nothing is to be inserted, no pong is outstanding, the
    /// host reads both sides, and neither is blocked.
    ///
    /// A connection with context takeover (RFC 7692, section 7.1.1) is never idle in this sense, if
    /// its messages are inflated.
    ///
    /// The inspector can then be dropped, and with it the heads ([`Inspector::request`]). The host
    /// keeps the options, what was negotiated, and [`Inspector::next_deadline`]. When input arrives
    /// or the deadline passes, it opens another inspector with the same options, and calls
    /// [`Inspector::resume`].
    ///
    /// ```
    /// use websocket_component::handshake::Negotiated;
    /// use websocket_component::inspector::{Inspector, Options};
    /// use websocket_component::{Instant, Role, Rule};
    ///
    /// # fn main() -> Result<(), Rule> {
    /// let (options, negotiated) = (Options::default(), Negotiated::default());
    /// let at = |seconds: u64| Instant::from_nanos(seconds * 1_000_000_000);
    /// let mut inspector = Inspector::open(options, &[7; 32], &negotiated, at(0))?;
    /// inspector.advance(Role::Server, 0, &mut b"\x81\x05Hello".to_vec(), at(1))?;
    /// let parked = inspector.park().expect("nothing is left to do");
    /// drop(inspector);
    ///
    /// // Later:
    /// let mut inspector = Inspector::open(options, &[8; 32], &negotiated, at(60))?;
    /// inspector.resume(&parked)?;
    /// assert_eq!(inspector.traffic(Role::Server).messages, 1);
    /// assert_eq!(inspector.forward_to(Role::Server), 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn park(&self) -> Option<Parked> {
        let opened = self.clocks.at_rest()?;
        let rests = self.state() == State::Open
            && self.flows.client.is_at_rest()
            && self.flows.server.is_at_rest();
        rests.then(|| Parked {
            at: self.clocks.now(),
            opened,
            sides: Sides {
                client: self.parked_side(Role::Client),
                server: self.parked_side(Role::Server),
            },
        })
    }

    fn parked_side(&self, from: Role) -> ParkedSide {
        let (idle_since, message_idle_since) = self.clocks.idle_since(from);
        ParkedSide {
            position: self.flows[from].forwarding.to(),
            traffic: self.flows[from].traffic,
            idle_since,
            message_idle_since,
        }
    }

    /// Resumes a connection that another inspector has [parked](Inspector::park), with the same
    /// clock. This one must have been opened just now, with the same options and what was
    /// negotiated.
    ///
    /// # Errors
    ///
    /// [`Rule::HandshakeOutOfOrder`]: it was not opened, or has had input.
    pub fn resume(&mut self, parked: &Parked) -> Result<(), Rule> {
        let is_new = self
            .park()
            .is_some_and(|own| own.sides.client.position == 0 && own.sides.server.position == 0);
        if !is_new {
            return Err(Rule::HandshakeOutOfOrder);
        }
        self.clocks.resume_at(parked);
        for from in Role::BOTH {
            let ParkedSide {
                position, traffic, ..
            } = parked.sides[from];
            self.flows[from].resume(position, traffic);
        }
        Ok(())
    }
}
