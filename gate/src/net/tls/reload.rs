//! Values that are loaded from files, and reloaded when the files change.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use crate::signals::Hangups;

/// How often files are checked for changes.
const INTERVAL: Duration = Duration::from_secs(1);

/// A value that was loaded from files.
pub(crate) struct Reloadable<T> {
    what: &'static str,
    files: Vec<PathBuf>,
    load: Box<dyn Fn() -> Result<T, String> + Send + Sync>,
    current: RwLock<T>,
    seen: Mutex<Seen>,
}

/// The modification times and lengths of files.
type Stamps = Vec<Option<(SystemTime, u64)>>;

#[derive(Debug)]
struct Seen {
    loaded: Stamps,
    last: Stamps,
}

impl<T: Clone> Reloadable<T> {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// Those of `load`.
    pub(crate) fn load(
        what: &'static str,
        files: Vec<PathBuf>,
        load: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let stamps = stamps(&files);
        Ok(Self {
            what,
            current: RwLock::new(load()?),
            files,
            load: Box::new(load),
            seen: Mutex::new(Seen {
                last: stamps.clone(),
                loaded: stamps,
            }),
        })
    }

    /// Returns the current value.
    pub(crate) fn current(&self) -> T {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reload(&self) {
        match (self.load)() {
            Ok(new) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
                info!("{}: reloaded", self.what);
            }
            Err(why) => error!(
                "{}: can't be reloaded, the old ones stay in use: {why}",
                self.what
            ),
        }
    }
}

/// Something that can be reloaded.
pub(crate) trait Reload: Send + Sync {
    /// Reloads the files if they have changed, but not since the last check: all of several files were replaced then.
    /// With `now`, reloads them in any case.
    fn look(&self, now: bool);
}

impl<T: Clone + Send + Sync> Reload for Reloadable<T> {
    fn look(&self, now: bool) {
        let stamps = stamps(&self.files);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_settled = seen.last == stamps && seen.loaded != stamps;
        seen.last.clone_from(&stamps);
        if now || is_settled {
            seen.loaded = stamps;
            self.reload();
        }
    }
}

impl<T> fmt::Debug for Reloadable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloadable")
            .field("what", &self.what)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

fn stamps(files: &[PathBuf]) -> Stamps {
    let stamp = |path: &PathBuf| {
        let found = fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    files.iter().map(stamp).collect()
}

/// Reloads files when they change, and at a SIGHUP.
pub(crate) async fn keep_up_to_date(all: &[&dyn Reload], mut hangups: Hangups) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = tokio::select! {
            _ = ticks.tick() => false,
            () = hangups.next() => true,
        };
        if now && all.is_empty() {
            info!("SIGHUP: nothing to reload");
        }
        all.iter().for_each(|each| each.look(now));
    }
}
