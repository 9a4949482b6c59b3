//! Connects both sides once they are open, for a worker to carry.

use std::sync::Arc;
use std::task::{Context, Waker};

use websocket_host::driver::{Inspected, Line, PairDriver, Relay, Sides};
use websocket_host::inspector::{Forwarder, Inspector};
use websocket_host::protocol::{Instant, Negotiated};
use websocket_host::{CallError, Guests, Role, Seat};

use super::Opening;
use crate::endpoint::Endpoint;
use crate::gate::Gate;
use crate::net::channel::Channel;
use crate::refused::{Stop, cant_be_passed_on, entropy};
use crate::route::Mode;

/// The upstream's side of an open connection.
pub(super) enum FarSide {
    Relayed(Endpoint),
    Inspected {
        upstream: Line<Channel>,
        /// The input after the handshake, and the number of bytes before it.
        early: Vec<u8>,
        before: u64,
        inspector: Inspector,
        negotiated: Negotiated,
    },
}

impl Opening<'_> {
    /// Creates the upstream's side from what it has accepted.
    pub(super) fn far_side(
        &mut self,
        upstream: Endpoint,
        mode: Mode,
        negotiated: &Negotiated,
    ) -> Result<FarSide, Stop> {
        if mode == Mode::Terminate {
            return Ok(FarSide::Relayed(upstream));
        }
        let Endpoint { line, side, .. } = upstream;
        let (session, early, before) = side.into_parts();
        // The inspector reuses the memory that the session frees.
        let dropped = self.seat.lock().drop_session(session);
        dropped.map_err(CallError::from)?;
        Ok(FarSide::Inspected {
            upstream: line,
            early,
            before,
            inspector: self.inspector(negotiated)?,
            negotiated: negotiated.clone(),
        })
    }

    /// Connects the two open sides.
    pub(super) fn connect(self, far_side: FarSide) -> PairDriver<Channel> {
        let Self {
            gate,
            guests,
            mut seat,
            client,
            clock,
            ..
        } = self;
        match far_side {
            FarSide::Relayed(upstream) => {
                let sides = Sides {
                    client: client.side,
                    server: upstream.side,
                };
                let relay = Relay::new(seat, sides, &gate.relay);
                let lines = Sides {
                    client: client.line,
                    server: upstream.line,
                };
                PairDriver::new(relay, lines)
            }
            FarSide::Inspected {
                upstream,
                early,
                before,
                inspector,
                negotiated,
            } => {
                let (session, from_client, client_before) = client.side.into_parts();
                // If the guest has ended, the next call returns the error.
                let _ = seat.lock().drop_session(session);
                let forwarder = Forwarder::new(seat, inspector);
                let forwarder = forwarder.parking(another(gate, guests, negotiated));
                let before = Sides {
                    client: client_before,
                    server: before,
                };
                let inspected = Inspected::new(forwarder, before, gate.park_after, clock.now());
                let lines = Sides {
                    client: client.line,
                    server: upstream,
                };
                let mut driver = PairDriver::new(inspected, lines);
                // The worker writes what a transport doesn't take now.
                let cx = &mut Context::from_waker(Waker::noop());
                driver.give(Role::Client, from_client, clock.now(), cx);
                driver.give(Role::Server, early, clock.now(), cx);
                driver
            }
        }
    }

    /// Creates an inspector for what was negotiated.
    fn inspector(&mut self, negotiated: &Negotiated) -> Result<Inspector, Stop> {
        let (options, now) = (&self.gate.inspector, self.clock.now());
        let entropy = entropy()?;
        let made = Inspector::open(&mut self.seat.lock(), options, &entropy, negotiated, now);
        made.map_err(cant_be_passed_on)
    }
}

/// Takes another seat, and creates an inspector for a parked connection.
fn another(
    gate: &Gate,
    guests: &Guests,
    negotiated: Negotiated,
) -> impl Fn(Instant) -> Result<(Seat, Inspector), CallError> + Send + Sync + 'static {
    let (guests, options) = (guests.clone(), Arc::clone(&gate.inspector));
    move |now| {
        let mut seat = guests.seat()?;
        let mut entropy = [0; 32];
        // Without entropy, creating the inspector fails.
        let entropy = match getrandom::fill(&mut entropy) {
            Ok(()) => &entropy[..],
            Err(_) => &[],
        };
        let inspector = Inspector::open(&mut seat.lock(), &options, entropy, &negotiated, now)?;
        Ok((seat, inspector))
    }
}
