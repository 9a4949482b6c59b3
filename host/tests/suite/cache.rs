//! The compiled component on disk.

use std::fs;
use std::path::{Path, PathBuf};

use websocket_host::{Cache, Sandbox, SandboxConfig};

use crate::support::{component, config};

/// A temporary folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("websocket-host-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn load(&self) -> Sandbox {
        load(&self.0)
    }

    /// The one file that is there.
    fn file(&self) -> PathBuf {
        let files: Vec<_> = fs::read_dir(&self.0).expect("the folder").collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].as_ref().expect("an entry").path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn load(folder: &Path) -> Sandbox {
    let cache = Cache::Folder(folder.to_owned());
    Sandbox::load(component(), SandboxConfig { cache, ..config() }).expect("the component loads")
}

#[test]
fn it_is_kept_and_read_again() {
    let folder = Folder::new("kept");
    folder.load();
    let file = folder.file();
    let before = fs::read(&file).expect("kept");
    let written = fs::metadata(&file)
        .and_then(|file| file.modified())
        .expect("a time");
    folder.load().guest().expect("it runs");
    assert_eq!(
        fs::metadata(&file)
            .and_then(|file| file.modified())
            .expect("a time"),
        written
    );
    assert_eq!(fs::read(folder.file()).expect("kept"), before);
}

#[test]
fn a_damaged_file_is_compiled_anew() {
    let folder = Folder::new("damaged");
    folder.load();
    let file = folder.file();
    let whole = fs::read(&file).expect("kept");
    let middle = whole.len() / 2;
    let mut bent = whole.clone();
    bent[middle] ^= 1;
    for damaged in [&bent[..], &whole[..middle], &whole[..20], b""] {
        fs::write(&file, damaged).expect("written");
        folder.load().guest().expect("it runs");
        assert_eq!(fs::read(folder.file()).expect("kept").len(), whole.len());
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("open");
    folder.load();
    let file = folder.file();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("its owner may");
    folder.load();
    let mode = fs::metadata(folder.file())
        .expect("kept")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644, "it was replaced");
}

#[test]
fn nowhere_to_keep_it_is_no_error() {
    load(Path::new("/dev/null/folder"))
        .guest()
        .expect("it runs");
}
