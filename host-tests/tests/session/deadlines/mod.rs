//! Deadlines, on virtual time.

mod clock;
mod closing;
mod paused;
mod peer;
mod pings;
mod progress;

use std::time::Duration;

use host_tests::{Engine, Subject};
use websocket_component::{Config, Rule, Timeouts};

const SECOND: Duration = Duration::from_secs(1);

const NANO: Duration = Duration::from_nanos(1);

/// No deadlines except those that a test sets.
fn quiet() -> Config {
    let mut config = Config::default();
    config.timeouts.handshake = None;
    config.timeouts.idle = None;
    config.timeouts.message = None;
    config.timeouts.keepalive = None;
    config.timeouts.pong = None;
    config.timeouts.close = None;
    config.timeouts.write = None;
    config
}

fn config(set: impl FnOnce(&mut Timeouts)) -> Config {
    let mut config = quiet();
    set(&mut config.timeouts);
    config
}

/// Checks that the session is still running just before the deadline, and fails at it.
#[track_caller]
fn fails_in<E: Engine>(subject: &mut Subject<E>, span: Duration, rule: Rule) {
    assert_eq!(subject.next_deadline(), Some(span));
    subject.waits(span - NANO);
    assert_eq!(subject.failed_by(), None, "too early");
    assert_eq!(subject.waits(NANO), []);
    assert_eq!(subject.failed_by(), Some(rule));
}
