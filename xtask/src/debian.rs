//! System packages: installed automatically only on Debian as root; otherwise the exact command is printed.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::shell;

/// The command to type that installs these packages.
pub(crate) fn install_line(packages: &[&str]) -> String {
    format!(
        "apt-get update && apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Installs packages, or prints the command to run instead.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if !is_debian() {
        bail!(
            "it can be installed automatically on Debian only (there: `{}`)",
            install_line(packages)
        );
    }
    if !is_root() {
        bail!(
            "installing it takes root; run this as root and start again: `{}`",
            install_line(packages)
        );
    }
    eprintln!(
        "Installing Debian packages, which can take a minute: {}",
        packages.join(", ")
    );
    shell::run(apt_get().arg("update"))?;
    shell::run(
        apt_get()
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

/// Returns a non-interactive apt-get that reports only errors, and waits for another one to finish.
fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.args(["-qq", "-o", "DPkg::Lock::Timeout=300"]);
    command
}

fn is_debian() -> bool {
    std::fs::read_to_string("/etc/os-release").is_ok_and(|text| names_debian(&text))
}

/// Derivatives name their packages differently, so only Debian itself counts.
fn names_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .any(|line| matches!(line.trim(), "ID=debian" | "ID=\"debian\""))
}

fn is_root() -> bool {
    shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_itself_is_debian() {
        assert!(names_debian(
            "PRETTY_NAME=\"Debian GNU/Linux\"\nID=debian\n"
        ));
        assert!(!names_debian("ID=ubuntu\nID_LIKE=debian\n"));
        assert!(!names_debian("ID_LIKE=\"debian\"\nID=other\n"));
    }
}
