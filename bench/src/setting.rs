//! The machine and the versions of a run.

use std::fs;
use std::path::Path;

use host_tests::gate::root;
use host_tests::setting::{self, Setting};

/// The versions that were built in.
const LOCK: &str = include_str!("../../Cargo.lock");

const PEERS: [&str; 4] = ["tungstenite", "tokio-websockets", "fastwebsockets", "yawc"];

pub(crate) fn of(component: &Path) -> Setting {
    let peers = PEERS.map(|peer| format!("{peer} {}", version(peer)));
    let component = component.canonicalize();
    let component = component.as_deref().unwrap_or(Path::new("none"));
    let size = fs::metadata(component).map_or(0, |file| file.len());
    let shown = root().canonicalize().unwrap_or_default();
    let shown = component.strip_prefix(shown).unwrap_or(component);
    let load = setting::load();
    Setting::of("bench")
        .with("load", format!("{load} at the start (1-minute average)"))
        .with("compiler", env!("BENCH_RUSTC").to_owned())
        .with("component", format!("{}, {size} bytes", shown.display()))
        .with("wasmtime", version("wasmtime"))
        .with("peers", peers.join(", "))
}

/// Returns the version of a package in the lock file that the build used, if it is there.
pub(crate) fn version(package: &str) -> String {
    let entry = format!("name = \"{package}\"\nversion = \"");
    // The newest, where there are several versions of a crate.
    let rest = LOCK.rsplit_once(&entry).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{PEERS, version};

    #[test]
    fn the_peers_versions_are_known() {
        for peer in PEERS {
            assert!(version(peer).starts_with("0."), "{peer}");
        }
        assert_eq!(version("no-such-package"), "");
    }
}
