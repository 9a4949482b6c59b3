//! The inputs that are kept: as few and as small as cover all that was found.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::target::Target;
use super::{Folders, lib_fuzzer};

/// The most that all corpora together may take in the repository, in bytes.
const LARGEST: u64 = 1_500_000;

/// What is kept of a target.
pub(crate) struct Kept {
    pub(crate) inputs: usize,
    pub(crate) bytes: u64,
    pub(crate) edges: u64,
    pub(crate) features: u64,
}

impl Folders {
    /// The kept corpus of a target.
    pub(crate) fn kept(&self, target: &Target) -> PathBuf {
        self.package.join("corpus").join(target.name)
    }

    /// Inputs that once showed something, by what they show.
    pub(crate) fn regressions(&self, target: &Target) -> PathBuf {
        self.package.join("regressions").join(target.name)
    }
}

/// Merges what was found into what is kept.
pub(crate) fn keep(target: &Target, program: &Path, folders: &Folders) -> Result<Kept> {
    let kept = folders.kept(target);
    let merged = folders.work.join("merged").join(target.name);
    if merged.is_dir() {
        fs::remove_dir_all(&merged)?;
    }
    fs::create_dir_all(&merged)?;
    let all = folders.work.join("merging").join(target.name);
    copy_all(&kept, &all)?;
    copy_all(&lib_fuzzer::found(target, folders), &all)?;
    lib_fuzzer::merge(target, program, &merged, &all, folders)?;
    fs::remove_dir_all(all)?;
    let (inputs, bytes) = size(&merged)?;
    if inputs == 0 {
        bail!("nothing was found for {}", target.name);
    }
    if kept.is_dir() {
        fs::remove_dir_all(&kept)?;
    }
    copy_all(&merged, &kept)?;
    let (edges, features) = lib_fuzzer::coverage(target, program, &kept, folders)?;
    Ok(Kept {
        inputs,
        bytes,
        edges,
        features,
    })
}

/// Copies the files of a folder, if it is there. A run that goes on meanwhile may take one away.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        match fs::copy(entry.path(), to.join(entry.file_name())) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Fails if the corpora are too large to be committed.
pub(crate) fn check_size(package: &Path, targets: &[Target]) -> Result<()> {
    let mut total = 0;
    for target in targets {
        let folder = package.join("corpus").join(target.name);
        if folder.is_dir() {
            total += size(&folder)?.1;
        }
    }
    if total > LARGEST {
        bail!("the corpora take {total} bytes, and {LARGEST} is the most that is committed");
    }
    Ok(())
}

/// The number of files in a folder, and of bytes in them.
fn size(folder: &Path) -> Result<(usize, u64)> {
    let mut size = (0, 0);
    let entries =
        fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        size.0 += 1;
        size.1 += entry?.metadata()?.len();
    }
    Ok(size)
}
