//! Finds the component, and its digest.

use std::path::Path;
use std::{env, fs};

use sha2::{Digest, Sha256};

fn main() {
    println!("cargo::rerun-if-changed=websocket.wasm");
    let folder = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let folder = Path::new(&folder);
    let component = fs::read(folder.join("websocket.wasm")).unwrap_or_default();
    if component.is_empty() {
        let say = match folder.join(".cargo_vcs_info.json").exists() {
            true => "error=this package lacks its component",
            // Everything that doesn't load it can be built and checked all the same.
            false => "warning=no component is bundled: `cargo xtask component` builds it",
        };
        println!("cargo::{say}");
    }
    let digest: String = Sha256::digest(&component)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!("cargo::rustc-env=WEBSOCKET_COMPONENT_SHA256={digest}");
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    if let Err(error) = fs::write(Path::new(&out).join("websocket.wasm"), component) {
        println!("cargo::error=can't copy the component: {error}");
    }
}
