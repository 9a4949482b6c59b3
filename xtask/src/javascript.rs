//! The npm package: the component transpiled by jco, the layer on top of it, the page on top of that.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::component::{self, Kind};
use crate::{needs, shell};

/// The built files, as absolute paths.
pub(crate) struct Package {
    /// As npm publishes it.
    packed: PathBuf,
    /// The frame inspector, in one file.
    pub(crate) page: PathBuf,
}

/// Builds the component, and the package from it.
pub(crate) fn run(environments: bool) -> Result<()> {
    let package = build(&component::build(Kind::Normal)?)?;
    if !environments {
        return Ok(());
    }
    let folder = install(&package)?;
    let mut node = Command::new("node");
    node.args(["--test", "environments.test.mjs"]);
    node.env("WEBSOCKET_TEST_ENVIRONMENTS", "1");
    shell::run(node.current_dir(folder))
}

/// Builds the package and the page from a component, and prints where they are.
pub(crate) fn build(component: &Path) -> Result<Package> {
    let folder = shell::root()?.join("js");
    needs::node_packages(&folder).context("jco and tsc could not be installed")?;
    eprintln!("Building the npm package");
    shell::run(
        Command::new("node")
            .arg("build/package.mjs")
            .arg(component)
            .current_dir(&folder),
    )?;
    for script in ["compile", "inspector"] {
        shell::run(npm(&folder).args(["run", "--silent", script]))?;
    }
    let packed = shell::output(npm(&folder).args(["pack", "--silent"]))?;
    let package = Package {
        packed: folder.join(packed),
        page: folder.join("inspector/dist/index.html"),
    };
    println!("{}", package.packed.display());
    println!("{}", package.page.display());
    Ok(package)
}

/// Installs the package where its tests are, and returns that folder.
pub(crate) fn install(package: &Package) -> Result<PathBuf> {
    let folder = shell::root()?.join("js/test");
    needs::node_packages(&folder).context("the peers of the package could not be installed")?;
    let options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
    let mut install = npm(&folder);
    shell::run(install.arg("install").args(options).arg(&package.packed))?;
    Ok(folder)
}

/// Runs the tests of the package, as installed in their folder, in Node and in a browser.
pub(crate) fn test(
    folder: &Path,
    component: &Path,
    misbehaving: &Path,
    chromium: &Path,
) -> Result<()> {
    let mut node = Command::new("node");
    node.arg("--test")
        .args(needs::node_tests(folder)?)
        .current_dir(folder);
    node.env("WEBSOCKET_COMPONENT", component);
    node.env("WEBSOCKET_COMPONENT_MISBEHAVE", misbehaving);
    shell::run(node.env("WEBSOCKET_TEST_CHROMIUM", chromium))
}

fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder);
    npm
}
