//! Child processes of tests.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that a program may be silent when it has to say something, or run when it has to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(10);

/// A program that runs until it is dropped, if it doesn't end by itself.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it. What it writes to its standard error is shown only when something goes wrong.
    ///
    /// # Errors
    ///
    /// It can't be started.
    pub fn start(name: &str, command: &mut Command) -> io::Result<Process> {
        let piped = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(|error| {
            let what = format!("{name} can't be started: {error}: {command:?}");
            io::Error::new(error.kind(), what)
        })?;
        let lines = lines(child.stdout.take());
        let errors = child.stderr.take();
        let log = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            for line in errors.into_iter().flat_map(lines_of) {
                let mut log = copy.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Ok(Process {
            name: name.to_owned(),
            child,
            lines,
            log,
        })
    }

    /// The next line of its output.
    ///
    /// # Errors
    ///
    /// It says nothing more, or nothing for a minute.
    pub fn line(&self) -> io::Result<String> {
        let line = self.lines.recv_timeout(PATIENCE);
        line.map_err(|_| self.error("says nothing more"))
    }

    /// The address in its first line, `listening on ADDRESS`.
    ///
    /// # Errors
    ///
    /// That is not what it says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        let line = self.line()?;
        let address = line.strip_prefix("listening on ").map(str::parse);
        match address {
            Some(Ok(address)) => Ok(address),
            _ => Err(self.error(&format!("says {line:?}, not where it listens"))),
        }
    }

    /// Waits until a line of its standard error begins with this, and returns the rest of the line.
    ///
    /// # Errors
    ///
    /// There is none within a minute.
    pub fn logs(&self, beginning: &str) -> io::Result<String> {
        let found = poll(PATIENCE, || {
            let log = self.log();
            let rest = log.lines().find_map(|line| line.strip_prefix(beginning));
            Ok(rest.map(|rest| rest.trim().to_owned()))
        })?;
        found.ok_or_else(|| self.error(&format!("doesn't log `{beginning}…`")))
    }

    /// Waits until it ends.
    ///
    /// # Errors
    ///
    /// It runs for longer.
    pub fn ends_within(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let status = poll(limit, || self.ended())?;
        status.ok_or_else(|| self.error("doesn't end"))
    }

    /// Waits until it listens at this address, if it doesn't say so.
    ///
    /// # Errors
    ///
    /// It ends, or doesn't listen for a minute.
    pub fn listens(&mut self, address: SocketAddr) -> io::Result<()> {
        let listens = poll(PATIENCE, || match TcpStream::connect(address) {
            Ok(_) => Ok(Some(true)),
            Err(_) => Ok(self.ended()?.map(|_| false)),
        })?;
        if listens == Some(true) {
            return Ok(());
        }
        // What it wrote last may be on its way yet.
        thread::sleep(Duration::from_millis(100));
        Err(self.error("doesn't listen"))
    }

    /// Waits until it ends, which it has to do well.
    ///
    /// # Errors
    ///
    /// It fails, or runs for longer than a minute.
    pub fn succeed(mut self) -> io::Result<()> {
        let status = self.ends_within(PATIENCE)?;
        if status.success() {
            return Ok(());
        }
        // What it wrote last may be on its way yet.
        thread::sleep(Duration::from_millis(100));
        Err(self.error(&format!("failed: {status}")))
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    ///
    /// The system doesn't tell.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// What it has written to its standard error.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn error(&self, what: &str) -> io::Error {
        io::Error::other(format!("{} {what}; its log:\n{}", self.name, self.log()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something, for `limit` at most.
pub(crate) fn poll<T>(
    limit: Duration,
    mut look: impl FnMut() -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let end = Instant::now() + limit;
    loop {
        let found = look()?;
        if found.is_some() || Instant::now() > end {
            return Ok(found);
        }
        thread::sleep(PAUSE);
    }
}

fn lines(output: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in output.into_iter().flat_map(lines_of) {
            // Output is read to the end even if it isn't used: a full pipe would block the program.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn lines_of(output: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(output).lines().map_while(Result::ok)
}
