//! The project's files, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("this package is in the workspace")
}

/// Returns the files with this ending, relative to the root and sorted, without those built, installed or of a
/// dependency.
pub(crate) fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (folder.join(entry.file_name()), entry.file_name());
            let name = name.to_string_lossy();
            if !entry.file_type().unwrap().is_dir() {
                if name.ends_with(ending) {
                    found.push(path);
                }
            } else if !name.starts_with('.') && !["target", "node_modules"].contains(&&*name) {
                folders.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} in the project");
    found.sort();
    found
}

/// Returns the text of a file; the path is relative to the root.
pub(crate) fn text_of(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}
