//! The loaded component and the pool that its guests come from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use wasmtime::Store;

use crate::abi::Pre;
use crate::config::SandboxConfig;
use crate::error::SandboxError;
use crate::guest::Guest;
use crate::limiter::Limiter;
use crate::load::{self, LoadError};
use crate::protocol::GlobalProperties;

/// A loaded component, from which guests are created. Cheap to clone; the clones share one pool.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

struct Shared {
    pre: Arc<Pre>,
    limits: SandboxConfig,
    global_properties: GlobalProperties,
}

impl Sandbox {
    /// Loads the component in the file at `path`, compiled on disk if that can be trusted, and calls it once.
    ///
    /// # Errors
    ///
    /// The file can't be read, holds no component or another one, or wasmtime can't be set up: see [`LoadError`].
    pub fn load(path: impl AsRef<Path>, config: SandboxConfig) -> Result<Self, LoadError> {
        let path = path.as_ref();
        Self::from_loaded(load::file(path, &config)?, config)
    }

    /// Loads a component from its bytes. [`Cache::Beside`](crate::Cache::Beside) has no place to be, and keeps nothing.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn from_bytes(component: &[u8], config: SandboxConfig) -> Result<Self, LoadError> {
        Self::from_loaded(load::bytes(component, &config)?, config)
    }

    fn from_loaded(pre: Pre, config: SandboxConfig) -> Result<Self, LoadError> {
        let pre = Arc::new(pre);
        let mut guest = Guest::new(&pre, store(&pre, &config)).map_err(LoadError::Unusable)?;
        let global_properties = guest.global_properties().map_err(LoadError::Unusable)?;
        Ok(Self {
            shared: Arc::new(Shared {
                pre,
                limits: config,
                global_properties,
            }),
        })
    }

    /// Creates a guest: one store and one instance, without a session yet.
    ///
    /// # Errors
    ///
    /// [`SandboxError::PoolExhausted`] if as many as [`SandboxConfig::guests`] are in use, or what kept the guest from
    /// starting.
    pub fn guest(&self) -> Result<Guest, SandboxError> {
        let Shared { pre, limits, .. } = &*self.shared;
        Guest::new(pre, store(pre, limits))
    }

    /// Returns values that hold for every session.
    #[must_use]
    pub fn global_properties(&self) -> &GlobalProperties {
        &self.shared.global_properties
    }

    /// Returns the sandbox's configuration.
    #[must_use]
    pub fn config(&self) -> &SandboxConfig {
        &self.shared.limits
    }

    /// Returns how many guests are in use.
    #[must_use]
    pub fn guests(&self) -> u64 {
        let engine = self.shared.pre.engine();
        engine
            .pooling_allocator_metrics()
            .map_or(0, |pool| pool.core_instances())
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("config", &self.shared.limits)
            .field("guests", &self.guests())
            .finish()
    }
}

/// A store with the limits of one guest.
fn store(pre: &Pre, limits: &SandboxConfig) -> Store<Limiter> {
    let limiter = Limiter::new(limits.memory, limits.table_elements, limits.call_time);
    let mut store = Store::new(pre.engine(), limiter);
    store.limiter(|limiter| limiter);
    store.epoch_deadline_callback(|mut store| Ok(store.data_mut().call_time.tick()));
    store
}
