//! Notes which compiler and profile the measured code is built with.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.map_or_else(
        |_| "rustc of unknown version".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    // target/PROFILE/build/bench-HASH/out
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    let profile = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    let profile = profile.unwrap_or_default().display();
    println!("cargo:rustc-env=BENCH_RUSTC={version}, profile {profile}");
    println!("cargo:rerun-if-changed=build.rs");
}
