//! Where the inspector of a connection is: in a guest, or nowhere while the connection is at rest.

use std::fmt;

use super::contract::Parked;
use super::{Inspector, Traffic};
use crate::Role;
use crate::bindings::exports::websocket::protocol::types::Instant;
use crate::error::{CallError, SandboxError};
use crate::guest::Guest;

/// Makes another guest with an inspector in it.
type Make = dyn Fn(Instant) -> Result<(Guest, Inspector), CallError> + Send + Sync;

/// An inspector, or what is left of the connection without one.
pub(super) struct Seat {
    place: Place,
    /// None if the connection stays with its guest.
    make: Option<Box<Make>>,
}

enum Place {
    Guest(Box<Guest>, Inspector),
    Parked(Box<Parked>),
}

impl Seat {
    pub(super) fn new(guest: Guest, inspector: Inspector) -> Self {
        Self {
            place: Place::Guest(Box::new(guest), inspector),
            make: None,
        }
    }

    pub(super) fn set_make(&mut self, make: Box<Make>) {
        self.make = Some(make);
    }

    pub(super) fn is_parked(&self) -> bool {
        matches!(self.place, Place::Parked(_))
    }

    /// Returns the guest and the inspector, and makes them first if the connection was parked.
    pub(super) fn wake(&mut self, now: Instant) -> Result<(&mut Guest, &Inspector), CallError> {
        if let (Place::Parked(parked), Some(make)) = (&self.place, &self.make) {
            let (mut guest, inspector) = make(now)?;
            inspector.resume(&mut guest, parked)?;
            self.place = Place::Guest(Box::new(guest), inspector);
        }
        match &mut self.place {
            Place::Guest(guest, inspector) => Ok((guest, inspector)),
            Place::Parked(_) => Err(SandboxError::broken("nothing makes it another guest").into()),
        }
    }

    /// Drops the guest, if the connection is at rest and another one can be made. Returns whether it is parked.
    pub(super) fn park(&mut self) -> Result<bool, SandboxError> {
        if self.make.is_some()
            && let Place::Guest(guest, inspector) = &mut self.place
            && let Some(parked) = inspector.park(guest)?
        {
            self.place = Place::Parked(Box::new(parked));
        }
        Ok(self.is_parked())
    }

    /// Ends the guest, if there is one, because it is broken.
    pub(super) fn end_with(&mut self, reason: SandboxError) -> SandboxError {
        match &mut self.place {
            Place::Guest(guest, _) => guest.end_with(reason),
            Place::Parked(_) => reason,
        }
    }

    pub(super) fn traffic(&mut self, from: Role) -> Result<Traffic, SandboxError> {
        match &mut self.place {
            Place::Guest(guest, inspector) => inspector.traffic(guest, from),
            Place::Parked(parked) => Ok(match from {
                Role::Client => parked.client.traffic,
                Role::Server => parked.server.traffic,
            }),
        }
    }

    /// Returns the code of the close frame that a side has sent, and of the one that it gets.
    pub(super) fn close_codes(
        &mut self,
        side: Role,
    ) -> Result<(Option<u16>, Option<u16>), SandboxError> {
        match &mut self.place {
            Place::Guest(guest, inspector) => {
                let sent = inspector.close_code(guest, side)?;
                Ok((sent, inspector.close_sent(guest, side)?))
            }
            // Nobody has closed.
            Place::Parked(_) => Ok((None, None)),
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Guest(guest, _) => f.debug_tuple("Guest").field(guest).finish(),
            Place::Parked(parked) => f.debug_tuple("Parked").field(parked).finish(),
        }
    }
}
