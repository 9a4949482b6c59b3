//! Programs that run beside this one, and end with it.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell;

/// A program that is killed when this is dropped, if it hasn't ended.
pub(crate) struct KillOnDrop(pub(crate) Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program whose output is kept.
pub(crate) struct Background {
    name: String,
    child: KillOnDrop,
    lines: Receiver<String>,
    log: Vec<String>,
}

impl Background {
    /// Starts it, without input. What it writes is shown only if something goes wrong.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = shell::line(command);
        let piped = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped
            .spawn()
            .with_context(|| format!("can't start `{name}`"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            forward(output, sender.clone());
        }
        if let Some(output) = child.stderr.take() {
            forward(output, sender);
        }
        Ok(Self {
            name,
            child: KillOnDrop(child),
            lines,
            log: Vec::new(),
        })
    }

    /// Waits for a line that begins with this, and gives the rest of it.
    pub(crate) fn says(&mut self, beginning: &str, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let log = self.log();
                bail!("`{}` doesn't say `{beginning}…`{log}", self.name);
            };
            if let Some(rest) = line.strip_prefix(beginning) {
                return Ok(rest.trim().to_owned());
            }
            self.log.push(line);
        }
    }

    /// Waits for its end.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> Result<ExitStatus> {
        match shell::wait_within(&mut self.child.0, limit)? {
            Some(status) => Ok(status),
            None => {
                let log = self.log();
                bail!("`{}` doesn't end in {limit:?}{log}", self.name)
            }
        }
    }

    /// Waits until it accepts connections at this address.
    pub(crate) fn listens(&mut self, address: SocketAddr, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while TcpStream::connect(address).is_err() {
            if self.child.0.try_wait()?.is_some() || Instant::now() > deadline {
                let log = self.log();
                bail!("`{}` doesn't listen on {address}{log}", self.name);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What it has written, as the end of a sentence.
    pub(crate) fn log(&mut self) -> String {
        self.log.extend(self.lines.try_iter());
        match self.log.is_empty() {
            true => String::new(),
            false => format!("; it says:\n{}", self.log.join("\n")),
        }
    }
}

fn forward(output: impl Read + Send + 'static, sender: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Background {
        Background::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn a_line_is_waited_for_on_either_output() {
        for output in ["", ">&2"] {
            let mut program = shell(&format!(
                "echo first {output}; echo at 7 {output}; sleep 60"
            ));
            assert_eq!(program.says("at ", Duration::from_secs(60)).unwrap(), "7");
        }
    }

    #[test]
    fn a_program_that_ends_without_the_line_is_an_error_with_its_log() {
        let mut program = shell("echo sorry");
        let error = program.says("at ", Duration::from_secs(60)).unwrap_err();
        assert!(error.to_string().contains("sorry"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_needed_any_more_is_ended() {
        let program = shell("sleep 60");
        let folder = std::path::PathBuf::from(format!("/proc/{}", program.child.0.id()));
        drop(program);
        assert!(!folder.exists());
    }

    #[test]
    fn a_program_that_does_not_end_is_an_error() {
        let mut program = shell("sleep 60");
        assert!(program.ends_within(Duration::from_millis(10)).is_err());
    }
}
