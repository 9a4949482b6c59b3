//! From a component and an engine to a sandbox.

use std::path::Path;

use wasmtime::Engine;

use crate::sandbox::config::SandboxConfig;
use crate::sandbox::engine;
use crate::sandbox::load::{self, LoadError};
use crate::sandbox::places::Places;
use crate::sandbox::pool::Sandbox;

/// How a sandbox is made: [`Sandbox::builder`].
///
/// ```
/// # if websocket_component_wasm::COMPONENT.is_empty() { return Ok(()) }
/// use std::time::Duration;
///
/// use websocket_host::{Sandbox, wasmtime};
///
/// // The engine of a program that has other guests too.
/// let mut settings = wasmtime::Config::new();
/// settings.epoch_interruption(true);
/// let engine = wasmtime::Engine::new(&settings)?;
/// let ticker = engine.clone();
/// std::thread::spawn(move || loop {
///     std::thread::sleep(Duration::from_millis(10));
///     ticker.increment_epoch();
/// });
///
/// let sandbox = Sandbox::builder().engine(&engine).bundled()?;
/// let guest = sandbox.guest()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it makes a sandbox only when it is given a component"]
pub struct SandboxBuilder {
    config: SandboxConfig,
    engine: Option<Engine>,
    ticks: bool,
}

impl SandboxBuilder {
    /// Sets the limits of the guests, and where the compiled component is kept.
    pub fn config(mut self, config: SandboxConfig) -> Self {
        self.config = config;
        self
    }

    /// Runs the guests on an engine of the program's, in its pool if it has one.
    ///
    /// It needs [`epoch_interruption`](wasmtime::Config::epoch_interruption), and what wasmtime has by default. The
    /// program advances its epoch, at least each eighth of [`SandboxConfig::call_time`], unless
    /// [`ticks`](Self::ticks) is asked for: a call that lives to see a new epoch is asked how much processor time it has
    /// taken. Fuel doesn't count for the guests. [`SandboxConfig::guests`] is the most that the sandbox has at a time,
    /// whatever else there is in the pool.
    pub fn engine(mut self, engine: &Engine) -> Self {
        self.engine = Some(engine.clone());
        self
    }

    /// Has a thread advance the epoch of the program's [`engine`](Self::engine), as one does for an engine of the
    /// sandbox's own: for programs in which nothing else does. All guests of the engine see it.
    pub fn ticks(mut self) -> Self {
        self.ticks = true;
        self
    }

    /// Makes a sandbox of the component that this crate brings along, as [`Sandbox::bundled`] does.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load); [`LoadError::NotBundled`] if it was built without the component, which only
    /// the repository can.
    #[cfg(feature = "bundled")]
    pub fn bundled(self) -> Result<Sandbox, LoadError> {
        match websocket_component_wasm::COMPONENT {
            [] => Err(LoadError::NotBundled),
            component => self.from_bytes(component),
        }
    }

    /// Makes a sandbox of the component in the file at `path`, as [`Sandbox::load`] does.
    ///
    /// # Errors
    ///
    /// The file can't be read, holds no component or another one, or wasmtime can't be set up: see [`LoadError`]. Of an
    /// engine of the program's, [`LoadError::Setting`] names the setting that it lacks.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Sandbox, LoadError> {
        let path = path.as_ref();
        let bytes = load::read(path)?;
        self.make(&bytes, path.parent())
    }

    /// Makes a sandbox of a component's bytes, as [`Sandbox::from_bytes`] does.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn from_bytes(self, component: &[u8]) -> Result<Sandbox, LoadError> {
        self.make(component, None)
    }

    fn make(self, component: &[u8], beside: Option<&Path>) -> Result<Sandbox, LoadError> {
        let Self {
            config,
            engine,
            ticks,
        } = self;
        let is_ours = engine.is_none();
        let engine = match engine {
            Some(engine) => {
                engine::check(&engine)?;
                engine
            }
            None => engine::engine(&config)?,
        };
        if is_ours || ticks {
            engine::tick(&engine, config.call_time)?;
        }
        let pre = load::component(&engine, component, &config, beside)?;
        // Of an engine of its own, the pool has no more.
        let places = Places::new(if is_ours { u32::MAX } else { config.guests });
        Sandbox::new(pre, config, places)
    }
}

impl Sandbox {
    /// Loads the component that this crate brings along, and calls it once. [`Cache::Beside`](crate::Cache::Beside) has
    /// no place to be, and keeps nothing.
    ///
    /// ```
    /// # if websocket_component_wasm::COMPONENT.is_empty() { return Ok(()) }
    /// use websocket_host::{Sandbox, SandboxConfig};
    ///
    /// let sandbox = Sandbox::bundled(SandboxConfig::default())?;
    /// assert_eq!(sandbox.guest()?.memory(), 128 << 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load); [`LoadError::NotBundled`] if it was built without the component, which only
    /// the repository can.
    #[cfg(feature = "bundled")]
    pub fn bundled(config: SandboxConfig) -> Result<Self, LoadError> {
        Self::builder().config(config).bundled()
    }

    /// Loads the component in the file at `path`, compiled on disk if that can be trusted, and calls it once.
    ///
    /// # Errors
    ///
    /// The file can't be read, holds no component or another one, or wasmtime can't be set up: see [`LoadError`].
    pub fn load(path: impl AsRef<Path>, config: SandboxConfig) -> Result<Self, LoadError> {
        Self::builder().config(config).load(path)
    }

    /// Loads a component from its bytes. [`Cache::Beside`](crate::Cache::Beside) has no place to be, and keeps nothing.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn from_bytes(component: &[u8], config: SandboxConfig) -> Result<Self, LoadError> {
        Self::builder().config(config).from_bytes(component)
    }

    /// Makes a sandbox in other ways: on an engine of the program's.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }
}
