//! Loads a component, and checks that it is the engine.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use wasmtime::{Engine, Module};

use crate::error::SandboxError;
use crate::sandbox::abi::{self, Mismatch, Pre, SESSION};
use crate::sandbox::cache::Slot;
use crate::sandbox::call_error::one_line;
use crate::sandbox::config::{Cache, SandboxConfig};

/// Why a component could not be loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// This program was built without the bundled component.
    NotBundled,
    /// There is no such file.
    Missing(PathBuf),
    /// The file can't be read.
    Unreadable(PathBuf, io::Error),
    /// The bytes are not a component that wasmtime can compile: they are damaged or something else, or the program's
    /// engine lacks a feature such as SIMD.
    NotAComponent(String),
    /// The component has imports, and this sandbox provides none. Their names.
    Imports(Vec<String>),
    /// The component is a different one, or a different version. The names of its exports.
    OtherExports(Vec<String>),
    /// The component has the right exports, but with other types.
    OtherContract(String),
    /// The component could not be instantiated, or failed in the first call.
    Unusable(SandboxError),
    /// The program's engine lacks this setting.
    Setting(&'static str),
    /// wasmtime could not be set up.
    Engine(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBundled => f.write_str(
                "no component was bundled when this program was built: in the repository \
                 `cargo xtask component` builds it",
            ),
            Self::Missing(path) => write!(f, "there is no component at {}", path.display()),
            Self::Unreadable(path, error) => {
                write!(f, "can't read the component at {}: {error}", path.display())
            }
            Self::NotAComponent(why) => write!(f, "this is not a WebAssembly component: {why}"),
            Self::Imports(names) => write!(
                f,
                "the component imports {}, but this sandbox provides no imports",
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
            Self::Setting(name) => write!(
                f,
                "the engine lacks `{name}`, a setting of `wasmtime::Config`"
            ),
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

/// Reads a component from a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LoadError::Missing(path.to_owned()),
        _ => LoadError::Unreadable(path.to_owned(), error),
    })
}

/// Loads a component from its bytes. `beside` is the folder of its file, if it has one.
pub(crate) fn component(
    engine: &Engine,
    bytes: &[u8],
    config: &SandboxConfig,
    beside: Option<&Path>,
) -> Result<Pre, LoadError> {
    let folder = match &config.cache {
        Cache::Beside => beside,
        Cache::Folder(folder) => Some(folder.as_path()),
        Cache::Off => None,
    };
    let module = core_module(bytes)?;
    let slot = folder.map(|folder| Slot::new(folder, engine, module));
    let module = match slot.as_ref().and_then(|slot| slot.read(engine)) {
        Some(module) => module,
        None => {
            let compiled = Module::from_binary(engine, module)
                .map_err(|error| LoadError::NotAComponent(one_line(&error)))?;
            if let Some(slot) = &slot {
                slot.write(&compiled);
            }
            compiled
        }
    };
    Pre::new(engine, &module).map_err(|mismatch| match mismatch {
        Mismatch::Import(name) => LoadError::Imports(vec![name]),
        Mismatch::Export(why) => LoadError::OtherContract(why),
    })
}

/// Returns the core module of a component that imports nothing and exports the engine. It is the first module; the
/// others are adapters that the component tooling generates.
fn core_module(component: &[u8]) -> Result<&[u8], LoadError> {
    let parts = abi::parts(component).map_err(LoadError::NotAComponent)?;
    if !parts.imports.is_empty() {
        return Err(LoadError::Imports(parts.imports));
    }
    if !parts.exports.iter().any(|name| name == SESSION) {
        return Err(LoadError::OtherExports(parts.exports));
    }
    let module = parts.modules.first().copied();
    module.ok_or_else(|| LoadError::OtherContract("it has no core module".into()))
}
