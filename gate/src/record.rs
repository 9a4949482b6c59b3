//! Recordings of connections: what was read and written, in a file for each.
//!
//! The format is JSON Lines. The first line is a header: `{"recording":"wsgate","version":1,"peer":"127.0.0.1:5555"}`.
//! Then each line is a read or a write: `{"at":0.001234,"side":"client","way":"in","bytes":"R0VU"}`, with the seconds
//! since the client connected, the side's name, whether the gate read (`in`) or wrote (`out`), and base64. The last
//! line counts the missing reads and writes: `{"at":0.5,"end":true,"missing":0,"missing_bytes":0}`, with `why` if there
//! are any.
//!
//! A separate thread writes the files, so that no connection waits for the disk. A file has no gaps: once anything of a
//! connection is lost, everything after it is dropped.

mod file;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tracing::warn;

pub(crate) use self::file::Way;
use self::file::{Line, Missing, Output, make_private};
use crate::address::Peer;
use crate::throttle::Throttle;

/// The maximum number of queued bytes. More are dropped.
const MAX_QUEUED: usize = 32 << 20;

/// How often write errors are logged.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Records connections in a folder.
#[derive(Debug)]
pub(crate) struct Recorder {
    queue: Queue,
}

/// The thread that writes the recordings.
#[derive(Debug)]
pub(crate) struct Writing(Receiver<()>);

impl Recorder {
    /// Starts recording into a folder, which is created if it doesn't exist.
    pub(crate) fn start(folder: &Path) -> io::Result<(Self, Writing)> {
        make_private(folder)?;
        let started = humantime::format_rfc3339_millis(SystemTime::now());
        let mut writer = Writer {
            folder: folder.to_owned(),
            // Some file systems don't allow colons.
            started: started.to_string().replace(':', ""),
            files: HashMap::new(),
            log: Throttle::new(LOG_INTERVAL),
        };
        let (sender, entries) = mpsc::channel::<Entry>();
        let (working, done) = mpsc::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let written = Arc::clone(&queued);
        thread::Builder::new()
            .name("recorder".into())
            .spawn(move || {
                let _working: Sender<()> = working;
                for entry in entries {
                    let size = entry.size();
                    writer.write(entry);
                    written.fetch_sub(size, Ordering::Relaxed);
                }
            })?;
        let queue = Queue { sender, queued };
        Ok((Self { queue }, Writing(done)))
    }

    /// Begins the recording of a connection.
    pub(crate) fn connection(&self, conn: u64, peer: Peer) -> Recording {
        self.queue.send(Entry::Begin { conn, peer });
        Recording(Arc::new(Connection {
            conn,
            since: Instant::now(),
            queue: self.queue.clone(),
            missing: AtomicUsize::new(0),
            missing_bytes: AtomicUsize::new(0),
        }))
    }
}

impl Writing {
    /// Waits until everything is written, at most for `time`. All recorders and recordings must have been dropped.
    pub(crate) fn finish(self, time: Duration) {
        // Nothing is ever sent: this returns when the thread has ended, or on timeout.
        let _ = self.0.recv_timeout(time);
    }
}

/// The queue to the writing thread.
#[derive(Clone, Debug)]
struct Queue {
    sender: Sender<Entry>,
    queued: Arc<AtomicUsize>,
}

impl Queue {
    fn send(&self, entry: Entry) {
        self.queued.fetch_add(entry.size(), Ordering::Relaxed);
        // The thread runs until all senders are dropped.
        let _ = self.sender.send(entry);
    }
}

/// An entry of the queue.
#[derive(Debug)]
enum Entry {
    Begin {
        conn: u64,
        peer: Peer,
    },
    Bytes {
        conn: u64,
        at: Duration,
        side: &'static str,
        way: Way,
        bytes: Box<[u8]>,
    },
    End {
        conn: u64,
        at: Duration,
        missing: Missing,
    },
}

impl Entry {
    /// Returns how much it counts towards the queue's limit.
    fn size(&self) -> usize {
        match self {
            Self::Bytes { bytes, .. } => size_of::<Self>() + bytes.len(),
            Self::Begin { .. } | Self::End { .. } => size_of::<Self>(),
        }
    }
}

/// A recording of one connection. It ends when it and its tracks are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Recording(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    conn: u64,
    since: Instant,
    queue: Queue,
    missing: AtomicUsize,
    missing_bytes: AtomicUsize,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.queue.send(Entry::End {
            conn: self.conn,
            at: self.since.elapsed(),
            missing: Missing {
                missing: *self.missing.get_mut(),
                missing_bytes: *self.missing_bytes.get_mut(),
            },
        });
    }
}

/// One side of a recording.
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
    /// Records a read or write, if there is room in the queue.
    pub(crate) fn note(&self, way: Way, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let connection = &*self.recording.0;
        let queued = connection.queue.queued.load(Ordering::Relaxed);
        if connection.missing.load(Ordering::Relaxed) > 0 || queued >= MAX_QUEUED {
            connection.missing.fetch_add(1, Ordering::Relaxed);
            let length = bytes.len();
            connection
                .missing_bytes
                .fetch_add(length, Ordering::Relaxed);
            return;
        }
        connection.queue.send(Entry::Bytes {
            conn: connection.conn,
            at: connection.since.elapsed(),
            side: self.side,
            way,
            bytes: bytes.into(),
        });
    }
}

/// Writes the files.
#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    /// When the gate was started. File names begin with it, so that they sort by time.
    started: String,
    files: HashMap<u64, Output>,
    log: Throttle,
}

impl Writer {
    fn write(&mut self, entry: Entry) {
        match entry {
            Entry::Begin { conn, peer } => {
                let path = self
                    .folder
                    .join(format!("{}-{conn:08}.jsonl", self.started));
                match Output::create(&path, peer) {
                    Ok(output) => _ = self.files.insert(conn, output),
                    Err(error) => self.warn(&error.to_string()),
                }
            }
            Entry::Bytes {
                conn,
                at,
                side,
                way,
                bytes,
            } => {
                let Some(output) = self.files.get_mut(&conn) else {
                    return;
                };
                let line = Line::new(at, side, way, &bytes);
                if let Err(why) = output.push(&line) {
                    self.warn(&why);
                }
            }
            Entry::End { conn, at, missing } => {
                let ended = self.files.remove(&conn);
                if let Some(Err(why)) = ended.map(|output| output.end(at, missing)) {
                    self.warn(&why);
                }
            }
        }
    }

    fn warn(&mut self, why: &str) {
        if let Some(times) = self.log.admit(Instant::now()) {
            let folder = self.folder.display();
            warn!(times, %folder, "recordings are incomplete: {why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_disk_is_too_slow_the_rest_of_a_connection_is_missing_and_counted() {
        let (sender, entries) = mpsc::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let recorder = Recorder {
            queue: Queue {
                sender,
                queued: Arc::clone(&queued),
            },
        };
        let recording = recorder.connection(7, Peer::Unix);
        let track = recording.track("client");
        track.note(Way::In, b"there");
        queued.store(MAX_QUEUED, Ordering::Relaxed);
        track.note(Way::In, b"missing");
        queued.store(0, Ordering::Relaxed);
        // There is room again, but earlier entries are missing.
        recording.track("upstream").note(Way::Out, b"missing too");
        drop((recording, track, recorder));
        let entries: Vec<Entry> = entries.iter().collect();
        let [
            Entry::Begin { conn: 7, .. },
            Entry::Bytes { bytes, .. },
            Entry::End { missing, .. },
        ] = &entries[..]
        else {
            panic!("{entries:?}");
        };
        assert_eq!(&**bytes, b"there");
        assert_eq!((missing.missing, missing.missing_bytes), (2, 18));
    }
}
