//! The npm package: the component made JavaScript by jco, the layer on top of it, and both packed as they are published.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::component::{self, Kind};
use crate::{needs, shell};

/// Builds the component and the package, says where it is, and returns its absolute path.
pub(crate) fn run() -> Result<PathBuf> {
    build(&component::build(Kind::Normal)?)
}

/// The package of a component that was built.
pub(crate) fn build(component: &Path) -> Result<PathBuf> {
    let folder = shell::root()?.join("js");
    needs::node_packages(&folder).context("jco and tsc could not be installed")?;
    eprintln!("Building the npm package");
    shell::run(
        Command::new("node")
            .arg("build/package.mjs")
            .arg(component)
            .current_dir(&folder),
    )?;
    shell::run(npm(&folder).args(["run", "--silent", "compile"]))?;
    let packed = shell::output(npm(&folder).args(["pack", "--silent"]))?;
    let package = folder.join(packed);
    println!("{}", package.display());
    Ok(package)
}

/// Builds the package, and installs it where its tests are, whose folder is returned.
pub(crate) fn install(component: &Path) -> Result<PathBuf> {
    let package = build(component)?;
    let folder = shell::root()?.join("js/test");
    needs::node_packages(&folder).context("the peers of the package could not be installed")?;
    let options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
    shell::run(npm(&folder).arg("install").args(options).arg(package))?;
    Ok(folder)
}

/// The tests of the package: as it is installed, in Node and in a browser.
pub(crate) fn test(component: &Path, chromium: &Path) -> Result<()> {
    let folder = install(component)?;
    let mut node = Command::new("node");
    node.arg("--test")
        .args(needs::node_tests(&folder)?)
        .current_dir(&folder);
    shell::run(node.env("WEBSOCKET_TEST_CHROMIUM", chromium))
}

fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder);
    npm
}
