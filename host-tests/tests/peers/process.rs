//! Programs that a test starts, listens to, and ends.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that a program may be silent when it has to say something, or run when it has to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs until it is dropped, if it doesn't end by itself.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it. What it writes to its standard error is shown only when something goes wrong.
    pub(crate) fn start(name: &str, command: &mut Command) -> Process {
        let piped = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped
            .spawn()
            .unwrap_or_else(|error| panic!("{name} can't be started: {error}: {command:?}"));
        let lines = lines(child.stdout.take().expect("it is piped"));
        let errors = lines_of(child.stderr.take().expect("it is piped"));
        let log = Arc::new(Mutex::new(String::new()));
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            for line in errors {
                let mut log = copy.lock().expect("nobody panics with it");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Process {
            name: name.to_owned(),
            child,
            lines,
            log,
        }
    }

    /// The next line of its output.
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.unwrap_or_else(|_| panic!("{} says nothing more{}", self.name, self.its_log()))
    }

    /// The address in its first line, `listening on ADDRESS`.
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.line();
        let address = line.strip_prefix("listening on ").map(str::parse);
        match address {
            Some(Ok(address)) => address,
            _ => panic!("{} says {line:?}, not where it listens", self.name),
        }
    }

    /// Waits until it ends, which it has to do well.
    pub(crate) fn succeed(mut self) {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("it is a child") {
                Some(status) => break status,
                None if Instant::now() > end => {
                    panic!("{} doesn't end{}", self.name, self.its_log());
                }
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        self.assert(status);
    }

    fn assert(&self, status: ExitStatus) {
        // What it wrote last may be on its way yet.
        thread::sleep(Duration::from_millis(if status.success() {
            0
        } else {
            100
        }));
        assert!(
            status.success(),
            "{} failed: {status}{}",
            self.name,
            self.its_log()
        );
    }

    /// What it has written to its standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("nobody panics with it").clone()
    }

    fn its_log(&self) -> String {
        format!("; its log:\n{}", self.log())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in lines_of(output) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn lines_of(output: impl Read) -> impl Iterator<Item = String> {
    BufReader::new(output).lines().map_while(Result::ok)
}
