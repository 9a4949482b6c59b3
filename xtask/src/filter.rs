//! `cargo xtask envoy`: the filter for Envoy, and a demonstration of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::component::{self, FLAG_SEPARATOR};
use crate::shell::KillOnDrop;
use crate::toolchain::{self, FILTER, Source, Toolchain};
use crate::{imports, needs, shell};

/// The most memory that a VM may take, in bytes: Envoy sets no limit, so the module has one.
const MAX_MEMORY: u32 = 256 << 20;

/// The WebAssembly features that the compiler uses. It would use more, but Envoy's V8 refuses those it doesn't know.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Where the demonstration listens, as in `envoy/config/http1.yaml`.
const LISTENER: &str = "127.0.0.1:10000";
const ADMIN: &str = "127.0.0.1:9901";
const SERVER: &str = "127.0.0.1:9001";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Start Envoy with the filter in front of an echo server, and show the filter's metrics as they change.
    #[arg(long)]
    demo: bool,

    /// Build with this toolchain, and no other.
    #[arg(long, value_name = "NAME", value_enum)]
    toolchain: Option<Source>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match args.toolchain {
        Some(source) => build_with(false, &source.find_or_install(&FILTER)?)?,
        None => build(false)?,
    };
    match args.demo {
        true => demonstrate(),
        false => Ok(()),
    }
}

/// Builds the module with the first toolchain that is installed or can be, checks it, prints where it is, and returns
/// its absolute path. One that misbehaves traps on request, for a test.
pub(crate) fn build(misbehaves: bool) -> Result<PathBuf> {
    build_with(misbehaves, &toolchain::find_or_install(&FILTER)?)
}

fn build_with(misbehaves: bool, toolchain: &Toolchain) -> Result<PathBuf> {
    let name = match misbehaves {
        true => "websocket-filter-misbehave.wasm",
        false => "websocket-filter.wasm",
    };
    eprintln!("Building the filter for Envoy ({name}) with {toolchain}");
    let folder = component::folder()?;
    let builds = folder.join(format!("filter-by-{}", toolchain.source()));
    let mut flags = vec![
        "-Ctarget-feature=+simd128".to_owned(),
        "-Clink-arg=-zstack-size=131072".to_owned(),
        format!("-Clink-arg=--max-memory={MAX_MEMORY}"),
    ];
    flags.extend(component::remaps(toolchain)?);
    flags.extend(toolchain.flags()?);
    let mut cargo = shell::cargo();
    cargo.args(["rustc", "--package", "websocket-filter", "--lib"]);
    cargo.args(["--crate-type", "cdylib", "--profile", "filter"]);
    cargo.args(["--target", FILTER.name, "--target-dir"]);
    cargo.arg(&builds);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join(FLAG_SEPARATOR));
    toolchain.apply(&mut cargo)?;
    if misbehaves {
        cargo.args(["--", "--cfg=websocket_misbehave"]);
    }
    shell::run(&mut cargo).context("the filter was not built")?;
    let built = builds
        .join(FILTER.name)
        .join("filter/websocket_filter.wasm");
    let module = optimize(&built).unwrap_or_else(|error| {
        eprintln!("The filter is larger than it need be: {error:#}");
        built
    });
    let wasm = fs::read(&module).with_context(|| format!("can't read {}", module.display()))?;
    imports::check_proxy_only(&wasm)?;
    let path = folder.join(name);
    component::put(&path, &wasm)?;
    println!("{}: {} bytes", path.display(), wasm.len());
    Ok(path)
}

/// Lints the code that only the module has, which the lints of the workspace don't cover.
pub(crate) fn check_lints() -> Result<()> {
    // Debian's compiler has no clippy.
    let Ok(_) = Source::Rustup.find_or_install(&FILTER) else {
        eprintln!(
            "The filter's ABI is left out: the compiler in use has no {}",
            FILTER.name
        );
        return Ok(());
    };
    let mut cargo = shell::cargo();
    let package = ["clippy", "--package", "websocket-filter"];
    cargo.args(package).args(["--target", FILTER.name]);
    shell::run(cargo.args(["--", "-D", "warnings"]))
}

/// Shrinks the module with Binaryen, from npm. Returns the smaller one, which is beside it.
fn optimize(module: &Path) -> Result<PathBuf> {
    let folder = shell::root()?.join("envoy");
    needs::node_packages(&folder)?;
    let smaller = module.with_extension("smaller.wasm");
    let mut tool = Command::new(folder.join("node_modules/.bin/wasm-opt"));
    // The passes for speed, then those for size: `-Oz` alone would inline less.
    tool.args(["-O3", "-Oz"]).args(FEATURES).arg(module);
    shell::run(tool.arg("-o").arg(&smaller))?;
    Ok(smaller)
}

/// Starts an echo server and Envoy, and shows metrics until Envoy ends.
fn demonstrate() -> Result<()> {
    let root = shell::root()?;
    let envoy = needs::envoy()?;
    shell::run(shell::cargo().args(["build", "--release", "--example", "echo_server"]))?;
    let server = Command::new(root.join("target/release/examples/echo_server"))
        .arg(SERVER)
        .spawn();
    let mut server = KillOnDrop(server.context("can't start the echo server")?);
    let envoy = Command::new(envoy)
        .args(["-c", "envoy/config/http1.yaml", "--concurrency", "2"])
        .args(["--log-level", "error", "--component-log-level", "wasm:info"])
        .args(["--log-format", "%T %v", "--disable-hot-restart"])
        .current_dir(&root)
        .spawn();
    let mut envoy = KillOnDrop(envoy.context("can't start Envoy")?);
    let (mut shown, mut is_ready) = (BTreeMap::new(), false);
    loop {
        std::thread::sleep(Duration::from_millis(500));
        for (name, program) in [("the echo server", &mut server), ("Envoy", &mut envoy)] {
            if let Some(status) = program.0.try_wait()? {
                bail!("{name} has ended ({status})");
            }
        }
        // Envoy takes a moment to start.
        let Ok(metrics) = metrics() else { continue };
        if !is_ready {
            say_what_to_try();
            is_ready = true;
        }
        for line in metrics.lines() {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            let is_counted = name.starts_with("wasmcustom.") && value.parse::<u64>().is_ok();
            let before = shown.get(name).map_or("0", String::as_str);
            if is_counted && before != value {
                println!("{name}: {value}");
                shown.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn say_what_to_try() {
    println!(
        "
An echo server is behind Envoy and the filter: what you send comes back. To try it, in another terminal:

  with Python     pip install websockets; python3 -m websockets ws://{LISTENER}/
  with Node 22    node -e 'let w = new WebSocket(\"ws://{LISTENER}/\"); w.onopen = () => w.send(\"hello\"); \
w.onmessage = e => {{ console.log(e.data); w.close() }}'
  a broken rule   bash -c 'exec 3<>/dev/tcp/{}; printf \"GET / HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\n\
Connection: Upgrade\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n\
\\x83\\x00\" >&3; cat <&3'

The settings are in envoy/config/http1.yaml. Ctrl-C ends it. Lines of Envoy's log and the filter's metrics follow as
they change; all of them are at http://{ADMIN}/stats?filter=wasmcustom
",
        LISTENER.replace(':', "/")
    );
}

/// Returns the filter's metrics in Envoy.
fn metrics() -> Result<String> {
    let mut stream = TcpStream::connect(ADMIN)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request =
        "GET /stats?filter=^wasmcustom HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
