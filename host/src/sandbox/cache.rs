//! The cache of the compiled component on disk, so that a program starts in about a millisecond instead of hundreds.
//!
//! A cached file is machine code, and running it means trusting it. So it is used only if it belongs to the user of
//! this process or to root, is not writable by others, and has the right digest, so that a damaged file isn't run.
//! Otherwise the component is compiled, without an error.

use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

const DIGEST: usize = 32;

/// The file for one core module and one set of compiler settings.
pub(crate) struct Slot {
    path: PathBuf,
}

impl Slot {
    pub(crate) fn new(folder: &Path, engine: &Engine, module: &[u8]) -> Self {
        let mut key = Sha256::new();
        let mut compatibility = Bytes(Vec::new());
        engine
            .precompile_compatibility_hash()
            .hash(&mut compatibility);
        key.update(Sha256::digest(&compatibility.0));
        key.update(module);
        let key: String = key.finalize()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            path: folder.join(format!("websocket-{key}.cwasm")),
        }
    }

    /// Reads the compiled module, if it exists and can be trusted.
    pub(crate) fn read(&self, engine: &Engine) -> Option<Module> {
        let mut file = File::open(&self.path).ok()?;
        if !trusted(&file) {
            return None;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let (digest, code) = bytes.split_at_checked(DIGEST)?;
        if Sha256::digest(code)[..] != *digest {
            return None;
        }
        // SAFETY: the code must be wasmtime's own. The file is written by `write` alone, whole, and belongs to a user
        // who could as well replace this program; the digest rules out damage, and wasmtime checks that the code was
        // made by this version and with these settings.
        #[expect(unsafe_code, reason = "there is no other way to load compiled code")]
        unsafe { Module::deserialize(engine, code) }.ok()
    }

    /// Writes the compiled module. If that fails, the module is compiled again next time.
    pub(crate) fn write(&self, module: &Module) {
        if let Ok(code) = module.serialize() {
            let _ = self.replace(&code);
        }
    }

    /// Replaces the file atomically: another process sees the old one, or none, or this one.
    fn replace(&self, code: &[u8]) -> io::Result<()> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let partial = self
            .path
            .with_extension(format!("{}-{count}.partial", process::id()));
        let result = create(&partial).and_then(|mut file| {
            file.write_all(&Sha256::digest(code))?;
            file.write_all(code)?;
            drop(file);
            fs::rename(&partial, &self.path)
        });
        if result.is_err() {
            let _ = fs::remove_file(&partial);
        }
        result
    }
}

/// A hasher that collects its input.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(unix)]
fn trusted(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;

    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let user = rustix::process::geteuid().as_raw();
    file.metadata().is_ok_and(|file| {
        file.is_file()
            && (file.uid() == user || file.uid() == 0)
            && file.mode() & WRITABLE_BY_OTHERS == 0
    })
}

#[cfg(not(unix))]
fn trusted(_: &File) -> bool {
    false
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
}

#[cfg(not(unix))]
fn create(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
