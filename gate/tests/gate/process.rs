//! The gate as a process, which is stopped with its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The modes of a route: the gate's promises hold in both.
pub(crate) const INSPECT: &str = "inspect";
pub(crate) const TERMINATE: &str = "terminate";

/// The longest that anything may take that doesn't wait for a deadline.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A gate that listens, until it is dropped.
pub(crate) struct Gate {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
    /// Its standard output after the first line.
    said: mpsc::Receiver<String>,
}

impl Gate {
    /// A gate with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::with(&component(), arguments)
    }

    /// A gate in front of an upstream.
    pub(crate) fn before(upstream: SocketAddr, arguments: &[&str]) -> Self {
        let upstream = format!("ws://{upstream}");
        Self::start(&[&["--upstream", &upstream], arguments].concat())
    }

    /// A gate in front of an upstream, all of whose routes have this mode.
    pub(crate) fn in_mode(mode: &str, upstream: SocketAddr, arguments: &[&str]) -> Self {
        Self::before(upstream, &[&["--mode", mode], arguments].concat())
    }

    /// A gate with this component.
    pub(crate) fn with(component: &Path, arguments: &[&str]) -> Self {
        let mut command = command();
        command.arg("--component").arg(component);
        Self::of(command, arguments)
    }

    /// Returns the error of a gate that can't run with these arguments.
    pub(crate) fn refused(arguments: &[&str]) -> String {
        let component = component();
        let always = [
            "--component",
            component.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
        ];
        fails(1, &[&always, arguments].concat())
    }

    /// Starts a gate by this command. Unless the arguments say otherwise, it logs everything.
    pub(crate) fn of(mut command: Command, arguments: &[&str]) -> Self {
        if !arguments.contains(&"--log") {
            command.args(["--log", "debug"]);
        }
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gate starts");
        let log = Arc::new(Mutex::new(String::new()));
        let errors = BufReader::new(child.stderr.take().unwrap());
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                *copy.lock().unwrap() += &format!("{line}\n");
            }
        });
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line:?}; {}", log.lock().unwrap()));
        // Its further output must not fill the pipe.
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            address,
            log,
            said,
        }
    }

    /// All addresses that it listens on.
    pub(crate) fn listening(&mut self) -> Vec<SocketAddr> {
        let mut addresses = vec![self.address];
        let lines = std::iter::from_fn(|| self.said.recv_timeout(PATIENCE).ok());
        addresses.extend(lines.map_while(|line| {
            let address = line.strip_prefix("listening on ")?;
            Some(address.parse::<SocketAddr>().unwrap())
        }));
        addresses
    }

    /// Returns the next line of its standard output with these words.
    pub(crate) fn says(&self, words: &str) -> String {
        let mut lines = std::iter::from_fn(|| self.said.recv_timeout(PATIENCE).ok());
        lines.find(|line| line.contains(words)).expect(words)
    }

    /// Waits until the log has this many lines with these words, and returns the last of them.
    pub(crate) fn logged(&self, count: usize, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let log = self.log.lock().unwrap().clone();
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(words)).collect();
            assert!(lines.len() <= count, "{log}");
            match lines.last() {
                Some(last) if lines.len() == count => return (*last).to_owned(),
                _ => assert!(
                    Instant::now() < end,
                    "not {count} times {words:?} in:\n{log}"
                ),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends raw bytes, and reads the response to its end.
    pub(crate) fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        String::from_utf8(response).unwrap()
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits until it exits.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it doesn't end: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The memory that is resident, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
        kibibytes.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the gate's log:\n{}", self.log());
        }
    }
}

/// Runs the program, and checks that it fails with this status and one line.
pub(crate) fn fails(status: i32, arguments: &[&str]) -> String {
    let output = command().args(arguments).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("wsgate: "), "{error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}

/// The program, without settings from the environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsgate"));
    command
        .env_remove("WEBSOCKET_COMPONENT")
        .stdin(Stdio::null());
    command
}

/// The component.
pub(crate) fn component() -> PathBuf {
    file("WEBSOCKET_COMPONENT", "websocket.wasm")
}

/// The component that can be made to trap.
pub(crate) fn misbehaving() -> PathBuf {
    file("WEBSOCKET_COMPONENT_MISBEHAVE", "websocket-misbehave.wasm")
}

fn file(variable: &str, name: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(
        || {
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../target/component")
                .join(name)
        },
        PathBuf::from,
    );
    assert!(
        path.is_file(),
        "{} is missing: cargo xtask component",
        path.display()
    );
    path
}

/// The number in a field of a line of the log.
pub(crate) fn number(line: &str, field: &str) -> u64 {
    let (_, rest) = line.split_once(&format!(" {field}=")).unwrap();
    let number = rest.split(' ').next();
    number.unwrap().parse().unwrap()
}
