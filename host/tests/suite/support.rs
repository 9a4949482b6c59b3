//! The components, and sandboxes of them.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::DuplexStream;
use websocket_host::stream::WebSocketStream;
use websocket_host::{Sandbox, SandboxConfig};

pub(crate) const URL: &str = "ws://example.com/chat";

/// The component, which has to be built before.
pub(crate) fn component() -> PathBuf {
    let built = || folder().join("websocket.wasm");
    existing(
        env::var_os("WEBSOCKET_COMPONENT").map_or_else(built, PathBuf::from),
        "",
    )
}

/// The component that traps, spins or exhausts memory when a text says so.
pub(crate) fn misbehaving_component() -> PathBuf {
    let path = folder().join("websocket-misbehave.wasm");
    let built = env::var_os("WEBSOCKET_COMPONENT_MISBEHAVE").map_or(path, PathBuf::from);
    existing(built, " --misbehave")
}

/// The component without permessage-deflate.
pub(crate) fn component_without_deflate() -> PathBuf {
    let path = folder().join("websocket-without-deflate.wasm");
    let built = env::var_os("WEBSOCKET_COMPONENT_WITHOUT_DEFLATE").map_or(path, PathBuf::from);
    existing(built, " --without-deflate")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/component")
}

fn existing(path: PathBuf, flag: &str) -> PathBuf {
    assert!(
        path.is_file(),
        "there is no component at {}: run `cargo xtask component{flag}`",
        path.display(),
    );
    path
}

/// Settings for tests: a small pool, and no time limit that a busy machine would reach.
pub(crate) fn config() -> SandboxConfig {
    SandboxConfig {
        guests: 100,
        call_time: Duration::from_secs(30),
        ..SandboxConfig::default()
    }
}

/// A sandbox that all tests share.
pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> =
        LazyLock::new(|| Sandbox::load(component(), config()).expect("the component loads"));
    &SANDBOX
}

/// A sandbox whose guests misbehave on request, and are stopped soon.
pub(crate) fn misbehaving() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
        let call_time = Duration::from_millis(500);
        let config = SandboxConfig {
            call_time,
            ..config()
        };
        Sandbox::load(misbehaving_component(), config).expect("the component loads")
    });
    &SANDBOX
}

pub(crate) type Socket = WebSocketStream<DuplexStream>;
