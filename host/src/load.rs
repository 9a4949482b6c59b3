//! From a file to a component that is known to be the engine.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::WebsocketPre;
use crate::cache::Slot;
use crate::config::{Cache, SandboxConfig};
use crate::engine;
use crate::error::{SandboxError, one_line};
use crate::limiter::Limiter;

/// The export that makes a component the engine.
const SESSION: &str = "websocket:protocol/session@0.2.0";

/// What clears the results of the batched call away, under the two names that component tooling knows.
const POST_RETURN: [&str; 4] = [
    "cabi_post_websocket:protocol/session@0.2.0#[method]websocket-session.exchange",
    "cabi_post_websocket:protocol/session@0.2.0#[method]websocket-session.relay",
    "cm32p2|websocket:protocol/session@0.2|[method]websocket-session.exchange_post",
    "cm32p2|websocket:protocol/session@0.2|[method]websocket-session.relay_post",
];

/// Why a component could not be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    Missing(PathBuf),
    /// The file can't be read.
    Unreadable(PathBuf, io::Error),
    /// The bytes are not a component: damaged, or something else.
    NotAComponent(String),
    /// The component wants something of its host, and this sandbox gives nothing. The names of its imports.
    Imports(Vec<String>),
    /// The component is another one, or one of another version. The names of its exports.
    OtherExports(Vec<String>),
    /// The component has the right exports but not of the right types.
    OtherContract(String),
    /// The component could not be started, or failed the first call.
    Unusable(SandboxError),
    /// wasmtime could not be set up.
    Engine(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "there is no component at {}", path.display()),
            Self::Unreadable(path, error) => {
                write!(f, "can't read the component at {}: {error}", path.display())
            }
            Self::NotAComponent(why) => write!(f, "this is not a WebAssembly component: {why}"),
            Self::Imports(names) => write!(
                f,
                "the component imports {}, and one in this sandbox may import nothing",
                names.join(", ")
            ),
            Self::OtherExports(names) if names.is_empty() => {
                write!(f, "the component exports nothing, not {SESSION}")
            }
            Self::OtherExports(names) => {
                write!(
                    f,
                    "the component exports {}, not {SESSION}",
                    names.join(", ")
                )
            }
            Self::OtherContract(why) => {
                write!(
                    f,
                    "the component's {SESSION} is not the one this program was built for: {why}"
                )
            }
            Self::Unusable(error) => write!(f, "the component doesn't run: {error}"),
            Self::Engine(why) => write!(f, "can't set up wasmtime: {why}"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            Self::Unusable(error) => Some(error),
            _ => None,
        }
    }
}

/// A component that has passed the checks.
pub(crate) struct Loaded {
    pub(crate) instances: WebsocketPre<Limiter>,
    /// Whether the results of the batched call stay where they are until the next call.
    pub(crate) reads_in_place: bool,
}

/// Loads the component in a file.
pub(crate) fn file(path: &Path, config: &SandboxConfig) -> Result<Loaded, LoadError> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LoadError::Missing(path.to_owned()),
        _ => LoadError::Unreadable(path.to_owned(), error),
    })?;
    load(&bytes, config, path.parent())
}

/// Loads a component from its bytes.
pub(crate) fn bytes(component: &[u8], config: &SandboxConfig) -> Result<Loaded, LoadError> {
    load(component, config, None)
}

fn load(bytes: &[u8], config: &SandboxConfig, beside: Option<&Path>) -> Result<Loaded, LoadError> {
    let engine = engine::engine(config).map_err(|error| LoadError::Engine(one_line(&error)))?;
    let folder = match &config.cache {
        Cache::Beside => beside,
        Cache::Folder(folder) => Some(folder.as_path()),
        Cache::Off => None,
    };
    let slot = folder.map(|folder| Slot::new(folder, &engine, bytes));
    let component = match slot.as_ref().and_then(|slot| slot.read(&engine)) {
        Some(component) => component,
        None => {
            let compiled = Component::from_binary(&engine, bytes)
                .map_err(|error| LoadError::NotAComponent(one_line(&error)))?;
            if let Some(slot) = &slot {
                slot.write(&compiled);
            }
            compiled
        }
    };
    check(&engine, &component)?;
    let instances = Linker::new(&engine)
        .instantiate_pre(&component)
        .and_then(WebsocketPre::new)
        .map_err(|error| LoadError::OtherContract(one_line(&error)))?;
    Ok(Loaded {
        instances,
        reads_in_place: !POST_RETURN.iter().any(|name| contains(bytes, name)),
    })
}

/// That the component imports nothing and exports the engine.
fn check(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let imports: Vec<_> = ty
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    if !imports.is_empty() {
        return Err(LoadError::Imports(imports));
    }
    if component.get_export_index(None, SESSION).is_none() {
        let exports = ty.exports(engine).map(|(name, _)| name.to_owned());
        return Err(LoadError::OtherExports(exports.collect()));
    }
    Ok(())
}

fn contains(bytes: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    bytes.windows(name.len()).any(|window| window == name)
}
