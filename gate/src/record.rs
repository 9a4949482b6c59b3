//! Recordings of connections: what was read and written, in a file for each.
//!
//! JSON Lines. The first line says what it is: `{"recording":"wsgate","version":1,"peer":"127.0.0.1:5555"}`. Each other one
//! is a read or a write: `{"at":0.001234,"side":"client","way":"in","bytes":"R0VU"}`, with the seconds since the client
//! connected, the side's name, whether the gate read (`in`) or wrote (`out`), and base64.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

/// Makes recordings, in a folder.
#[derive(Debug)]
pub(crate) struct Recorder {
    folder: PathBuf,
    connections: AtomicU64,
}

impl Recorder {
    /// Of the files that are there already, none is written over.
    pub(crate) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            connections: AtomicU64::new(0),
        })
    }

    /// Of a client that has connected.
    pub(crate) fn connection(&self, peer: SocketAddr) -> io::Result<Recording> {
        let mut file = loop {
            let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
            let path = self.folder.join(format!("{number:06}.jsonl"));
            match File::create_new(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => break created?,
            }
        };
        writeln!(
            file,
            r#"{{"recording":"wsgate","version":1,"peer":"{peer}"}}"#
        )?;
        Ok(Recording {
            file: Arc::new(Mutex::new(file)),
            since: Instant::now(),
        })
    }
}

/// Of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    file: Arc<Mutex<File>>,
    since: Instant,
}

/// Which way bytes went.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    In,
    Out,
}

/// Of one side of it.
#[derive(Debug)]
pub(crate) struct Track {
    recording: Recording,
    side: &'static str,
}

impl Recording {
    pub(crate) fn track(&self, side: &'static str) -> Track {
        Track {
            recording: self.clone(),
            side,
        }
    }
}

impl Track {
    /// Takes down what was read or written. A disk that is full ends no connection.
    pub(crate) fn note(&self, way: Way, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Recording { file, since } = &self.recording;
        let at = since.elapsed().as_secs_f64();
        let way = match way {
            Way::In => "in",
            Way::Out => "out",
        };
        let (side, bytes) = (self.side, Base64Display::new(bytes, &STANDARD));
        let line = format!(
            "{{\"at\":{at:.6},\"side\":\"{side}\",\"way\":\"{way}\",\"bytes\":\"{bytes}\"}}\n"
        );
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_has_a_file_of_its_own_and_none_is_written_over() {
        let folder = std::env::temp_dir().join(format!("wsgate-record-{}", std::process::id()));
        let peer = "127.0.0.1:5555".parse().unwrap();
        for run in 1..=2 {
            let recorder = Recorder::new(folder.clone()).unwrap();
            let recording = recorder.connection(peer).unwrap();
            recording.track("client").note(Way::In, b"GET");
            recording.track("upstream").note(Way::Out, b"\x81\x00");
            recording.track("upstream").note(Way::In, b"");
            let text = fs::read_to_string(folder.join(format!("{run:06}.jsonl"))).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let [head, first, second] = lines[..] else {
                panic!("{text}");
            };
            assert_eq!(
                head,
                r#"{"recording":"wsgate","version":1,"peer":"127.0.0.1:5555"}"#
            );
            assert!(
                first.ends_with(r#","side":"client","way":"in","bytes":"R0VU"}"#),
                "{first}"
            );
            assert!(
                second.ends_with(r#","side":"upstream","way":"out","bytes":"gQA="}"#),
                "{second}"
            );
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
