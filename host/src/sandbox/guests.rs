//! How many connections a guest has: one of its own each, or several that share it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use crate::error::SandboxError;
use crate::sandbox::guest::Guest;
use crate::sandbox::pool::Sandbox;

/// Gives connections their guests. Cheap to clone; the clones give out seats in the same guests.
///
/// With one connection in each, what ends a guest (a trap, too much memory or time) ends that connection and no other.
/// With more, it ends all that are in the guest, each with a close frame of its own, and they share the memory that a
/// guest may have: lower the limits of each, or raise [`SandboxConfig::memory`](crate::SandboxConfig::memory). A connection
/// takes less memory. Calls into a guest run one at a time, and a thread that wants to call it waits for another's.
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
    /// Those in which there may be seats.
    shared: Arc<Mutex<Vec<Weak<Mutex<Guest>>>>>,
}

impl Guests {
    /// Gives each guest up to `each` connections.
    #[must_use]
    pub fn new(sandbox: Sandbox, each: std::num::NonZero<u32>) -> Self {
        Self {
            sandbox,
            each: usize::try_from(each.get()).unwrap_or(usize::MAX),
            shared: Arc::default(),
        }
    }

    /// Returns a place for one connection, in a guest that has one, or in another that is made.
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

    /// Returns how many connections a guest has at most.
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

/// A connection's place in a guest: its own, or one that it shares with others.
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
    /// Whether other connections may be in the guest.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.0, Kind::Shared(_))
    }

    /// Returns the guest, for some calls: meanwhile the other connections in it wait.
    pub fn lock(&mut self) -> SeatGuard<'_> {
        SeatGuard(match &mut self.0 {
            Kind::Own(guest) => Locked::Own(guest),
            Kind::Shared(guest) => Locked::Shared(locked(guest)),
        })
    }
}

/// Whether it has ended, as far as that can be told without waiting for a call into it.
fn has_ended(guest: &Mutex<Guest>) -> bool {
    match guest.try_lock() {
        Ok(guest) => guest.fault().is_some(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Poisoned(_)) => true,
    }
}

/// A call that panicked may have left the guest in any state.
fn locked(guest: &Mutex<Guest>) -> MutexGuard<'_, Guest> {
    guest.lock().unwrap_or_else(|poisoned| {
        let mut guest = poisoned.into_inner();
        if guest.fault().is_none() {
            guest.end_with(SandboxError::broken("a call into it panicked"));
        }
        guest
    })
}

/// A [`Seat`]'s guest, which others can't call.
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
