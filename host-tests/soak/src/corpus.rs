//! The fuzzers' corpus: inputs that each took a different path through the code.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Beyond this a file is cut: an attacker that sends for long is another attack.
const LONGEST: usize = 64 << 10;

/// All of them, to be sent in turn.
#[derive(Debug, Default)]
pub struct Corpus {
    files: Vec<Vec<u8>>,
    next: AtomicUsize,
}

impl Corpus {
    /// Reads `folder/<target>/*`. A folder that isn't there has no files.
    ///
    /// # Errors
    ///
    /// What is there can't be read.
    pub fn read(folder: &Path) -> io::Result<Corpus> {
        let mut files = Vec::new();
        if folder.is_dir() {
            for target in fs::read_dir(folder)? {
                let target = target?.path();
                if target.is_dir() {
                    for file in fs::read_dir(target)? {
                        match fs::read(file?.path()) {
                            Ok(mut bytes) => {
                                bytes.truncate(LONGEST);
                                files.push(bytes);
                            }
                            // A fuzzer that is at work takes files away.
                            Err(error) if error.kind() == ErrorKind::NotFound => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
            }
        }
        // In whatever order the system lists them, a run is to be like another.
        files.sort();
        let next = AtomicUsize::new(0);
        Ok(Corpus { files, next })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file of a number, which may be larger than there are files.
    #[must_use]
    pub fn file(&self, number: u64) -> &[u8] {
        let count = (self.files.len() as u64).max(1);
        let index = usize::try_from(number % count).unwrap_or(0);
        self.files.get(index).map_or(&[], Vec::as_slice)
    }

    /// The number of the next file that nobody has taken, as long as there is one.
    pub fn take(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.files.len()).then_some(number as u64)
    }

    /// How many were taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.next.load(Ordering::Relaxed).min(self.files.len())
    }
}
