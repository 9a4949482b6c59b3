//! A connection at rest, which needs no inspector until something happens.

use super::{Inspector, Sides, Traffic};
use crate::{Instant, Role, Rule, State};

/// What is left of a connection at rest: with it, another inspector goes on where this one was.
///
/// A proxy with many idle connections keeps this for each of them instead of an inspector, and
/// the sandbox that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The last reading of the clock.
    pub at: Instant,
    /// When the connection was opened.
    pub opened: Instant,
    /// What each side has sent.
    pub sides: Sides<ParkedSide>,
}

/// What one side has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParkedSide {
    /// The position behind the last frame, up to which all has gone on.
    pub position: u64,
    /// How much that was.
    pub traffic: Traffic,
    /// When something came last.
    pub idle_since: Instant,
    /// When something of a message came last.
    pub message_idle_since: Instant,
}

impl Inspector {
    /// Returns what is left of the connection, if it is at rest: it is open, each side is between
    /// two messages, all of it has gone on, nothing is to be inserted, no pong is due, the host
    /// reads both sides and both take what goes on to them.
    ///
    /// There is always more to a connection whose compressed messages refer to earlier ones
    /// (`context takeover`, RFC 7692, section 7.1.1), if they are inflated.
    ///
    /// The inspector can be dropped then, and with it the heads ([`Inspector::request`]). What
    /// it was opened with, and its [`Inspector::next_deadline`], stay with the host, which opens
    /// another one with the same options when something comes or the deadline is there, and has
    /// it [resume](Inspector::resume).
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

    /// Goes on with a connection that another inspector has [parked](Inspector::park), whose
    /// clock counts from the same time. For an inspector that was opened just now, with the
    /// options and what was negotiated there.
    ///
    /// # Errors
    ///
    /// [`Rule::HandshakeOutOfOrder`]: it was not opened, or has been given bytes.
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
