//! Builds a sandbox from a component and an engine.

use std::path::Path;

use wasmtime::Engine;

use crate::sandbox::config::SandboxConfig;
use crate::sandbox::engine;
use crate::sandbox::load::{self, LoadError};
use crate::sandbox::places::Places;
use crate::sandbox::pool::Sandbox;

/// A builder for a [`Sandbox`], from [`Sandbox::builder`].
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
    /// Sets the limits of the guests, and where the compiled component is cached.
    pub fn config(mut self, config: SandboxConfig) -> Self {
        self.config = config;
        self
    }

    /// Runs the guests on the program's own engine, in its pool if it has one.
    ///
    /// The engine needs [`epoch_interruption`](wasmtime::Config::epoch_interruption) and wasmtime's default features.
    /// The program has to advance its epoch at least every eighth of [`SandboxConfig::call_time`], unless
    /// [`ticks`](Self::ticks) is set: at each epoch, the processor time of running calls is checked. Guests are not
    /// limited by fuel. [`SandboxConfig::guests`] limits the guests of the sandbox, whatever else is in the pool.
    pub fn engine(mut self, engine: &Engine) -> Self {
        self.engine = Some(engine.clone());
        self
    }

    /// Starts a thread that advances the epoch of the program's [`engine`](Self::engine), for programs that don't do so
    /// themselves. It applies to everything on the engine.
    pub fn ticks(mut self) -> Self {
        self.ticks = true;
        self
    }

    /// Creates a sandbox from the bundled component, as [`Sandbox::bundled`] does.
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

    /// Creates a sandbox from the component in the file at `path`, as [`Sandbox::load`] does.
    ///
    /// # Errors
    ///
    /// The file can't be read or isn't the component, or wasmtime can't be set up: see [`LoadError`]. For the program's
    /// own engine, [`LoadError::Setting`] names a missing setting.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Sandbox, LoadError> {
        let path = path.as_ref();
        let bytes = load::read(path)?;
        self.make(&bytes, path.parent())
    }

    /// Creates a sandbox from a component's bytes, as [`Sandbox::from_bytes`] does.
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
        // The pool of the sandbox's own engine has the same limit.
        let places = Places::new(if is_ours { u32::MAX } else { config.guests });
        Sandbox::new(pre, config, places)
    }
}

impl Sandbox {
    /// Loads the bundled component, and calls it once. [`Cache::Beside`](crate::Cache::Beside) caches nothing here,
    /// since there is no file.
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

    /// Loads the component in the file at `path`, or its compiled form from a trusted cache, and calls it once.
    ///
    /// # Errors
    ///
    /// The file can't be read, holds no component or another one, or wasmtime can't be set up: see [`LoadError`].
    pub fn load(path: impl AsRef<Path>, config: SandboxConfig) -> Result<Self, LoadError> {
        Self::builder().config(config).load(path)
    }

    /// Loads a component from its bytes. [`Cache::Beside`](crate::Cache::Beside) caches nothing here.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn from_bytes(component: &[u8], config: SandboxConfig) -> Result<Self, LoadError> {
        Self::builder().config(config).from_bytes(component)
    }

    /// Returns a builder, for a sandbox on the program's own engine.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }
}
