//! The numbers and timeouts of a run.

use std::time::Duration;

/// How long the gate lingers for a peer's last bytes (gate/README.md).
const LINGER: Duration = Duration::from_secs(1);

/// How much longer the gate's own close frame to a side that doesn't answer may take.
const GRACE: Duration = Duration::from_secs(1);

/// A machine with other things to do is late, and buffers of the system take time to fill before anything is stuck.
pub const SLACK: Duration = Duration::from_secs(10);

/// One gate, how long it is attacked, and by whom.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mode of the gate's routes.
    pub mode: &'static str,
    /// How many connections are in a sandbox, as the gate's `--sandbox` has it.
    pub sandbox: &'static str,
    /// How long only the good connections are there.
    pub calm: Duration,
    /// How long attackers begin new attacks; those that have begun run to their end.
    pub attack: Duration,
    /// How many good connections there are.
    pub good: usize,
    /// How often each of them sends a message.
    pub interval: Duration,
    /// How many attackers are at work at a time. Each makes one attack after the other.
    pub attackers: usize,
    /// How many more send the files of the fuzzers.
    pub readers_of_corpus: usize,
    /// How long an attacker rests between two attacks.
    pub rest: Duration,
    /// The gate's timeouts.
    pub deadlines: Deadlines,
    /// The seed of random bytes.
    pub seed: u64,
}

/// The timeouts of the gate, shorter than the defaults, so that they pass within a run of minutes.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    pub handshake: Duration,
    pub message: Duration,
    pub keepalive: Duration,
    pub pong: Duration,
    /// For a side that takes no output, whatever it sends.
    pub write: Duration,
    pub close: Duration,
}

impl Deadlines {
    /// Arguments of the gate.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let options = [
            ("--handshake-timeout", self.handshake),
            ("--connect-timeout", self.handshake),
            ("--message-timeout", self.message),
            ("--keepalive", self.keepalive),
            ("--pong-timeout", self.pong),
            ("--write-timeout", self.write),
            ("--close-timeout", self.close),
        ];
        let written =
            |(name, time): (&str, Duration)| [name.into(), format!("{}ms", time.as_millis())];
        options.into_iter().flat_map(written).collect()
    }

    /// The longest that a connection may last that breaks a rule, or is silent: the slowest phase, the closing
    /// handshake after it, and [`SLACK`].
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.promised() + SLACK
    }

    /// The same on a machine without anything else to do.
    #[must_use]
    pub fn promised(&self) -> Duration {
        let silent = self.keepalive + self.pong;
        // The client's handshake, connecting to the upstream, and the upstream's handshake.
        let opening = 3 * self.handshake;
        let blocked = self.write;
        opening.max(self.message).max(silent).max(blocked) + self.close + GRACE + LINGER
    }
}
