//! `cargo xtask package`: the crates as published, and a program that depends on nothing else; the component for other
//! registries, and bills of materials.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::component::{self, Kind};
use crate::shell::KillOnDrop;
use crate::tool::Tool;
use crate::toolchain::{self, COMPONENT, Source, Toolchain};
use crate::{oci, shell};

/// The published crates, each after its dependencies: the libraries, then the gate.
const CRATES: [&str; 4] = [
    "websocket-component",
    "websocket-component-wasm",
    "websocket-host",
    GATE,
];
const GATE: &str = "wsgate";

/// The program that writes bills of materials.
const CYCLONEDX: Tool = Tool {
    name: "cargo-cyclonedx",
    version: "0.5.9",
};

/// The toolchain for the component of a release, so that its build is reproducible.
const RELEASE: &str = "1.95.0";

/// The longest that the program outside may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// A client's request, and a message of it (RFC 6455, sections 1.2 and 5.7).
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ACCEPTED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASKED_HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const HELLO: &[u8] = b"\x81\x05Hello";

/// Packs the crates for a release, and tests them.
pub(crate) fn run() -> Result<()> {
    let rustc = shell::output(Command::new("rustc").arg("--version"))?;
    let is_release = rustc.split_whitespace().nth(1) == Some(RELEASE);
    ensure!(
        is_release,
        "the component of a release is built with Rust {RELEASE}, and this is {rustc}"
    );
    let toolchain = Source::Rustup.find_or_install(&COMPONENT)?;
    component::build_with(Kind::Normal, &toolchain)?;
    check_with(&toolchain)?;
    list_materials()?;
    println!("\nThe crates are in target/package. To publish them:");
    println!("  cargo publish {}", chosen().join(" "));
    Ok(())
}

/// Packs the crates, and tests them with the toolchain in use.
pub(crate) fn check() -> Result<()> {
    check_with(&toolchain::find_or_install(&COMPONENT)?)
}

/// Packs the crates, and checks that the same component, README's program and the gate can be built from them.
fn check_with(toolchain: &Toolchain) -> Result<()> {
    let packed = pack()?;
    let folder = outside()?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let crates = folder.join("crates");
    fs::create_dir_all(&crates)?;
    for path in &packed {
        let mut tar = Command::new("tar");
        // As new files: packed files all have the same old date, so cargo would reuse the previous build.
        shell::run(tar.arg("-mxzf").arg(path).arg("-C").arg(&crates))?;
    }
    let [engine, bundle, ..] = CRATES.map(|name| crates.join(unpacked(name)));
    let bundled = fs::read(bundle.join("websocket.wasm"))?;
    oci::pack(&package_folder()?.join("oci"), &bundled)?;
    let built = component::build_elsewhere(&engine, toolchain)?;
    ensure!(
        built == bundled,
        "the packed engine, built in another folder, is not the component that was packed"
    );
    println!("The packed engine gives the packed component, byte for byte");

    write_project(&folder)?;
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release"]).current_dir(&folder);
    // The workspace's target folder, so that shared dependencies such as wasmtime are built once.
    let target = shell::root()?.join("target");
    cargo.env("CARGO_TARGET_DIR", &target);
    shell::run(&mut cargo).context("what has only the packed crates was not built")?;
    echoes(&target.join("release").join("outside"))?;
    println!("README's echo server of the packed crates answers");
    let gate = target.join("release").join(GATE);
    let says = shell::output(Command::new(gate).arg("--version"))?;
    println!("The packed gate says {says}");
    Ok(())
}

/// Writes bills of materials of the component and the gate, from the lock file.
fn list_materials() -> Result<()> {
    let program = CYCLONEDX.install(&shell::root()?)?;
    let folder = package_folder()?.join("sbom");
    fs::create_dir_all(&folder)?;
    // It writes them beside the manifests of all members of the workspace.
    let crates = outside()?.join("crates");
    let component = [
        "--features",
        "component,deflate",
        "--target",
        COMPONENT.name,
    ];
    for (name, more) in [(CRATES[0], &component[..]), (GATE, &[])] {
        let place = crates.join(unpacked(name));
        let mut cyclonedx = Command::new(&program);
        cyclonedx.args(["cyclonedx", "--quiet", "--format", "json"]);
        cyclonedx.args([
            "--spec-version",
            "1.5",
            "--no-build-deps",
            "--manifest-path",
        ]);
        shell::run(cyclonedx.arg(place.join("Cargo.toml")).args(more))?;
        let file = format!("{name}.cdx.json");
        fs::copy(place.join(&file), folder.join(&file))
            .with_context(|| format!("there is no {file}"))?;
        println!("{}", folder.join(file).display());
    }
    Ok(())
}

/// The folder where packed crates are tested.
fn outside() -> Result<PathBuf> {
    Ok(shell::root()?.join("target/outside"))
}

fn package_folder() -> Result<PathBuf> {
    Ok(shell::root()?.join("target/package"))
}

fn chosen() -> Vec<&'static str> {
    CRATES.iter().flat_map(|name| ["-p", name]).collect()
}

/// Packs the crates. Returns the files.
fn pack() -> Result<Vec<PathBuf>> {
    let root = shell::root()?;
    let mut cargo = shell::cargo();
    // The component is a build product, not in the repository.
    cargo.args(["package", "--no-verify", "--allow-dirty", "--quiet"]);
    shell::run(cargo.args(chosen()))?;
    let file = |name: &&str| {
        let path = root.join(format!("target/package/{}.crate", unpacked(name)));
        let size = fs::metadata(&path)
            .with_context(|| format!("there is no {}", path.display()))?
            .len();
        println!("{}: {size} bytes", path.display());
        Ok(path)
    };
    CRATES.iter().map(file).collect()
}

/// The folder that a crate is unpacked to.
fn unpacked(name: &str) -> String {
    format!("{name}-{}", env!("CARGO_PKG_VERSION"))
}

/// Writes README's program as a project beside the gate, which shares only the lock file with the workspace.
fn write_project(folder: &Path) -> Result<()> {
    let root = shell::root()?;
    let readme = fs::read_to_string(root.join("host/README.md"))?;
    let block = |language: &str| {
        let (_, rest) = readme.split_once(&format!("```{language}\n"))?;
        rest.split_once("```").map(|(block, _)| block)
    };
    let dependencies = block("toml").context("host/README.md names no dependencies")?;
    let program = block("rust").context("host/README.md has no program")?;
    let [libraries @ .., _] = CRATES;
    let patches =
        libraries.map(|name| format!("{name} = {{ path = \"crates/{}\" }}\n", unpacked(name)));
    let workspace = format!(
        "[workspace]\nmembers = [\"project\", \"crates/*\"]\nresolver = \"3\"\n\n\
         [patch.crates-io]\n{}",
        patches.concat()
    );
    fs::write(folder.join("Cargo.toml"), workspace)?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let manifest = format!("[package]\nname = \"outside\"\nedition = \"2024\"\n\n{dependencies}");
    let project = folder.join("project");
    fs::create_dir_all(project.join("src"))?;
    fs::write(project.join("Cargo.toml"), manifest)?;
    // Any port that is free.
    let program = program.replace("127.0.0.1:9001", "127.0.0.1:0");
    fs::write(project.join("src/main.rs"), program)?;
    Ok(())
}

/// Starts the echo server, and sends it a message.
fn echoes(program: &Path) -> Result<()> {
    let server = Command::new(program).stdout(Stdio::piped()).spawn();
    let mut server = KillOnDrop(server.context("can't start README's program")?);
    let output = server.0.stdout.take().context("it has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let address = line.trim().strip_prefix("ws://");
    let mut stream = TcpStream::connect(address.context("it doesn't say where it listens")?)?;
    stream.set_read_timeout(Some(ANSWER_TIME))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    ensure!(head.contains(ACCEPTED), "it doesn't accept: {head}");
    stream.write_all(MASKED_HELLO)?;
    let mut echo = [0; HELLO.len()];
    stream.read_exact(&mut echo)?;
    ensure!(echo == HELLO, "it sends back {echo:?}");
    Ok(())
}
