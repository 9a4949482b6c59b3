//! The inspector of a connection: in a guest, or parked while the connection is idle.

use std::fmt;

use super::contract::Parked;
use super::{Inspector, Traffic};
use crate::Role;
use crate::bindings::exports::websocket::protocol::types::Instant;
use crate::error::SandboxError;
use crate::sandbox::{CallError, Guest, Seat};

/// Takes another seat in a guest, and creates an inspector there.
type Make = dyn Fn(Instant) -> Result<(Seat, Inspector), CallError> + Send + Sync;

/// An inspector in a guest, or its parked state.
pub(super) struct Inspection {
    place: Place,
    /// `None` if the connection can't be parked.
    make: Option<Box<Make>>,
}

enum Place {
    Guest(Seat, Inspector),
    Parked(Box<Parked>),
}

impl Inspection {
    pub(super) fn new(seat: Seat, inspector: Inspector) -> Self {
        Self {
            place: Place::Guest(seat, inspector),
            make: None,
        }
    }

    pub(super) fn set_make(&mut self, make: Box<Make>) {
        self.make = Some(make);
    }

    pub(super) fn is_parked(&self) -> bool {
        matches!(self.place, Place::Parked(_))
    }

    /// Creates a guest and an inspector if the connection was parked.
    pub(super) fn wake(&mut self, now: Instant) -> Result<(), CallError> {
        if let Place::Parked(parked) = &self.place {
            let Some(make) = &self.make else {
                return Err(SandboxError::broken("it has no way to get another guest").into());
            };
            let (mut seat, inspector) = make(now)?;
            inspector.resume(&mut seat.lock(), parked)?;
            self.place = Place::Guest(seat, inspector);
        }
        Ok(())
    }

    /// Calls the inspector, which is created first if the connection was parked.
    #[inline]
    pub(super) fn ask<R, E>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Guest, &Inspector) -> Result<R, E>,
    ) -> Result<R, CallError>
    where
        CallError: From<E>,
    {
        self.wake(now)?;
        match &mut self.place {
            Place::Guest(seat, inspector) => Ok(call(&mut seat.lock(), inspector)?),
            Place::Parked(_) => Err(SandboxError::broken("its guest is gone").into()),
        }
    }

    /// Drops the guest if the connection is idle and another guest can be created. Returns whether it is parked.
    pub(super) fn park(&mut self) -> Result<bool, SandboxError> {
        if self.make.is_some()
            && let Place::Guest(seat, inspector) = &mut self.place
        {
            let parked = inspector.park(&mut seat.lock())?;
            if let Some(parked) = parked {
                self.place = Place::Parked(Box::new(parked));
            }
        }
        Ok(self.is_parked())
    }

    /// Ends the guest, if there is one, because it broke the contract.
    pub(super) fn end_with(&mut self, reason: SandboxError) -> SandboxError {
        match &mut self.place {
            Place::Guest(seat, _) => seat.lock().end_with(reason),
            Place::Parked(_) => reason,
        }
    }

    /// Returns why the guest has ended, if there is one and it has.
    pub(super) fn fault(&mut self) -> Option<SandboxError> {
        match &mut self.place {
            Place::Guest(seat, _) => seat.lock().fault().cloned(),
            Place::Parked(_) => None,
        }
    }

    pub(super) fn traffic(&mut self, from: Role) -> Result<Traffic, SandboxError> {
        match &mut self.place {
            Place::Guest(seat, inspector) => inspector.traffic(&mut seat.lock(), from),
            Place::Parked(parked) => Ok(match from {
                Role::Client => parked.client.traffic,
                Role::Server => parked.server.traffic,
            }),
        }
    }

    /// Returns the codes of the close frame that a side has sent, and of the one that was sent to it.
    pub(super) fn close_codes(
        &mut self,
        side: Role,
    ) -> Result<(Option<u16>, Option<u16>), SandboxError> {
        match &mut self.place {
            Place::Guest(seat, inspector) => {
                let guest = &mut *seat.lock();
                let sent = inspector.close_code(guest, side)?;
                Ok((sent, inspector.close_sent(guest, side)?))
            }
            // A parked connection is open: there were no close frames.
            Place::Parked(_) => Ok((None, None)),
        }
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Guest(seat, _) => f.debug_tuple("Guest").field(seat).finish(),
            Place::Parked(parked) => f.debug_tuple("Parked").field(parked).finish(),
        }
    }
}
