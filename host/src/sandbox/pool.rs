//! The loaded component and its pool of guests.

use std::fmt;
use std::sync::Arc;

use wasmtime::Store;

use crate::error::SandboxError;
use crate::protocol::GlobalProperties;
use crate::sandbox::abi::Pre;
use crate::sandbox::config::SandboxConfig;
use crate::sandbox::engine;
use crate::sandbox::guest::Guest;
use crate::sandbox::limiter::Limiter;
use crate::sandbox::load::LoadError;
use crate::sandbox::places::Places;

/// A loaded component, from which guests are created. Cheap to clone; the clones share one pool.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

struct Shared {
    guests: Guests,
    global_properties: GlobalProperties,
}

/// What guests are created from.
struct Guests {
    pre: Arc<Pre>,
    limits: SandboxConfig,
    places: Arc<Places>,
    counts_fuel: bool,
}

impl Sandbox {
    pub(crate) fn new(
        pre: Pre,
        limits: SandboxConfig,
        places: Arc<Places>,
    ) -> Result<Self, LoadError> {
        let guests = Guests {
            counts_fuel: engine::counts_fuel(pre.engine()),
            pre: Arc::new(pre),
            limits,
            places,
        };
        let mut guest = guests.guest().map_err(LoadError::Unusable)?;
        let global_properties = guest.global_properties().map_err(LoadError::Unusable)?;
        Ok(Self {
            shared: Arc::new(Shared {
                guests,
                global_properties,
            }),
        })
    }

    /// Creates a guest: a store and an instance, without a session yet.
    ///
    /// # Errors
    ///
    /// [`SandboxError::PoolExhausted`] if [`SandboxConfig::guests`] are in use, or why the guest could not start.
    pub fn guest(&self) -> Result<Guest, SandboxError> {
        self.shared.guests.guest()
    }

    /// Returns properties that are the same for every session.
    #[must_use]
    pub fn global_properties(&self) -> &GlobalProperties {
        &self.shared.global_properties
    }

    /// Returns the sandbox's configuration.
    #[must_use]
    pub fn config(&self) -> &SandboxConfig {
        &self.shared.guests.limits
    }

    /// Returns how many guests are in use.
    #[must_use]
    pub fn guests(&self) -> u32 {
        self.shared.guests.places.taken()
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("config", &self.shared.guests.limits)
            .field("guests", &self.guests())
            .finish()
    }
}

impl Guests {
    /// Creates a guest, in a store with its limits.
    fn guest(&self) -> Result<Guest, SandboxError> {
        let place = self.places.take().ok_or(SandboxError::PoolExhausted)?;
        let mut store = Store::new(self.pre.engine(), Limiter::new(&self.limits, place));
        if self.counts_fuel {
            engine::allow_all_fuel(&mut store);
        }
        store.limiter(|limiter| limiter);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().call_time.tick()));
        Guest::new(&self.pre, store)
    }
}
