//! The file of one recording.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use tracing::warn;

use crate::address::Peer;

/// The direction of bytes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    In,
    Out,
}

/// Counts of the reads and writes that are missing in a file, and of their bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Missing {
    pub(super) missing: usize,
    pub(super) missing_bytes: usize,
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    /// Its length in bytes, up to the last complete line.
    length: u64,
    missing: Missing,
    /// Why something is missing.
    why: Option<String>,
}

#[derive(Serialize)]
struct First {
    recording: &'static str,
    version: u32,
    peer: String,
}

/// A read or a write.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    at: f64,
    side: &'static str,
    way: Way,
    #[serde(serialize_with = "base64")]
    bytes: &'a [u8],
}

#[derive(Serialize)]
struct Last<'a> {
    at: f64,
    end: bool,
    #[serde(flatten)]
    missing: Missing,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> Line<'a> {
    pub(super) fn new(at: Duration, side: &'static str, way: Way, bytes: &'a [u8]) -> Self {
        Self {
            at: seconds(at),
            side,
            way,
            bytes,
        }
    }
}

impl Output {
    /// Creates a file that only its owner can read. It must not exist.
    pub(super) fn create(path: &Path, peer: Peer) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut output = Self {
            file: options.open(path)?,
            length: 0,
            missing: Missing::default(),
            why: None,
        };
        let first = First {
            recording: "wsgate",
            version: 1,
            peer: peer.to_string(),
        };
        match output.append(&first) {
            Ok(()) => Ok(output),
            Err(error) => {
                // Remove the empty file.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// Appends a line, unless something is missing already. Returns an error only for the first line that fails.
    pub(super) fn push(&mut self, line: &Line<'_>) -> Result<(), String> {
        let why = match &self.why {
            Some(_) => None,
            None => match self.append(line) {
                Ok(()) => return Ok(()),
                Err(error) => Some(error.to_string()),
            },
        };
        self.missing.missing += 1;
        self.missing.missing_bytes += line.bytes.len();
        match why {
            Some(why) => Err(self.why.insert(why).clone()),
            None => Ok(()),
        }
    }

    /// Appends the last line. Returns an error for missing lines that were not reported before.
    pub(super) fn end(mut self, at: Duration, dropped: Missing) -> Result<(), String> {
        let is_told = self.why.is_some();
        if dropped.missing > 0 {
            let why = || "the disk is too slow for what goes through the gate".to_owned();
            self.why.get_or_insert_with(why);
        }
        let missing = Missing {
            missing: self.missing.missing + dropped.missing,
            missing_bytes: self.missing.missing_bytes + dropped.missing_bytes,
        };
        let why = self.why.take();
        let last = Last {
            at: seconds(at),
            end: true,
            missing,
            why: why.as_deref(),
        };
        let written = self.append(&last);
        match (why, written) {
            _ if is_told => Ok(()),
            (Some(why), _) => Err(why),
            (None, written) => written.map_err(|error| error.to_string()),
        }
    }

    /// Appends a line, or nothing: an incomplete line is truncated.
    fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        match self.file.write_all(&line) {
            Ok(()) => {
                self.length += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // This works even if the disk is full, and makes room for the last line.
                let _ = self.file.set_len(self.length);
                Err(error)
            }
        }
    }
}

/// Converts to seconds, rounded to a microsecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

/// Creates a folder that only its owner can enter, or warns if others can enter an existing one.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    {
        let permissions = fs::metadata(folder)?.permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777;
        if mode & 0o077 != 0 {
            let folder = folder.display();
            warn!(%folder, "others can enter the folder of recordings, which hold cookies and passwords: it has mode {mode:03o}");
        }
    }
    Ok(())
}
