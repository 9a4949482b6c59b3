//! Assigns connections to guests: one in each, or several that share one.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use crate::error::SandboxError;
use crate::sandbox::guest::Guest;
use crate::sandbox::pool::Sandbox;

/// Assigns connections to guests. Cheap to clone; the clones share the guests.
///
/// With one connection in each, a failed guest (a trap, too much memory or time) ends only that connection. With more,
/// it ends all connections in the guest, each with its own close frame, and they share its memory limit: lower the
/// limits of each connection, or raise [`SandboxConfig::memory`](crate::SandboxConfig::memory). In return a connection
/// takes less memory. Calls into a guest run one at a time: a thread waits for another thread's call.
///
/// ```no_run
/// use std::num::NonZero;
/// use websocket_host::inspector::{Forwarder, Inspector, Options};
/// use websocket_host::protocol::Negotiated;
/// use websocket_host::{Guests, Sandbox, SandboxConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let entropy = [7; 32];
/// let sandbox = Sandbox::bundled(SandboxConfig::default())?;
/// let guests = Guests::new(sandbox, NonZero::new(100).unwrap());
/// // For each connection:
/// let mut seat = guests.seat()?;
/// let (options, negotiated) = (Options::default(), Negotiated::default());
/// let inspector = Inspector::open(&mut seat.lock(), &options, &entropy, &negotiated, 0)?;
/// let forwarder = Forwarder::new(seat, inspector);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Guests {
    sandbox: Sandbox,
    each: usize,
    /// Guests that may have free seats.
    shared: Arc<Mutex<Vec<Weak<Mutex<Guest>>>>>,
}

impl Guests {
    /// Puts up to `each` connections into a guest.
    #[must_use]
    pub fn new(sandbox: Sandbox, each: std::num::NonZero<u32>) -> Self {
        Self {
            sandbox,
            each: usize::try_from(each.get()).unwrap_or(usize::MAX),
            shared: Arc::default(),
        }
    }

    /// Returns a seat for one connection, in a guest that has room, or in a new one.
    ///
    /// # Errors
    ///
    /// As for [`Sandbox::guest`].
    pub fn seat(&self) -> Result<Seat, SandboxError> {
        if self.each == 1 {
            return Ok(self.sandbox.guest()?.into());
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|guest| guest.strong_count() > 0);
        let has_room = |guest: &Weak<_>| guest.strong_count() < self.each;
        for guest in shared.iter().filter(|guest| has_room(guest)) {
            if let Some(guest) = guest.upgrade()
                && !has_ended(&guest)
            {
                return Ok(Seat(Kind::Shared(guest)));
            }
        }
        let mut guest = self.sandbox.guest()?;
        guest.collect_orphans();
        let guest = Arc::new(Mutex::new(guest));
        shared.push(Arc::downgrade(&guest));
        Ok(Seat(Kind::Shared(guest)))
    }

    /// Returns the maximum number of connections in a guest.
    #[must_use]
    pub fn each(&self) -> usize {
        self.each
    }
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guests")
            .field("sandbox", &self.sandbox)
            .field("each", &self.each)
            .finish_non_exhaustive()
    }
}

/// A connection's seat in a guest, which it may share with other connections.
#[derive(Debug)]
pub struct Seat(Kind);

#[derive(Debug)]
enum Kind {
    Own(Box<Guest>),
    Shared(Arc<Mutex<Guest>>),
}

impl From<Guest> for Seat {
    fn from(guest: Guest) -> Self {
        Self(Kind::Own(Box::new(guest)))
    }
}

impl Seat {
    /// Whether the guest may have other connections.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0, Kind::Shared(_))
    }

    /// Locks the guest for calls; other connections in it wait meanwhile.
    pub fn lock(&mut self) -> SeatGuard<'_> {
        SeatGuard(match &mut self.0 {
            Kind::Own(guest) => Locked::Own(guest),
            Kind::Shared(guest) => Locked::Shared(locked(guest)),
        })
    }
}

/// Whether the guest has ended. If it is locked, this isn't known, and counts as no.
fn has_ended(guest: &Mutex<Guest>) -> bool {
    match guest.try_lock() {
        Ok(guest) => guest.fault().is_some(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Poisoned(_)) => true,
    }
}

/// Locks the guest. If a call panicked, the guest may be in any state, so it is ended.
fn locked(guest: &Mutex<Guest>) -> MutexGuard<'_, Guest> {
    guest.lock().unwrap_or_else(|poisoned| {
        let mut guest = poisoned.into_inner();
        if guest.fault().is_none() {
            guest.end_with(SandboxError::broken("a call into it panicked"));
        }
        guest
    })
}

/// The locked guest of a [`Seat`].
#[derive(Debug)]
pub struct SeatGuard<'a>(Locked<'a>);

#[derive(Debug)]
enum Locked<'a> {
    Own(&'a mut Guest),
    Shared(MutexGuard<'a, Guest>),
}

impl Deref for SeatGuard<'_> {
    type Target = Guest;

    #[inline]
    fn deref(&self) -> &Guest {
        match &self.0 {
            Locked::Own(guest) => guest,
            Locked::Shared(guest) => guest,
        }
    }
}

impl DerefMut for SeatGuard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Guest {
        match &mut self.0 {
            Locked::Own(guest) => guest,
            Locked::Shared(guest) => guest,
        }
    }
}
