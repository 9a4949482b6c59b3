//! Where and with what a run was made.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use host_tests::gate::root;
use serde_json::Value;

/// The versions that are built in.
const LOCK: &str = include_str!("../../Cargo.lock");

const PEERS: [&str; 4] = ["tungstenite", "tokio-websockets", "fastwebsockets", "yawc"];

/// The circumstances, by name.
pub(crate) struct Setting(Vec<(&'static str, String)>);

impl Setting {
    pub(crate) fn new(component: &Path) -> Self {
        let args: Vec<_> = env::args().skip(1).collect();
        let peers = PEERS.map(|peer| format!("{peer} {}", version(peer)));
        let component = component
            .canonicalize()
            .unwrap_or_else(|_| component.to_owned());
        let size = fs::metadata(&component).map_or(0, |file| file.len());
        let root = root().canonicalize().unwrap_or_default();
        let component = component.strip_prefix(root).unwrap_or(&component);
        Self(vec![
            ("date", date(SystemTime::now())),
            (
                "command",
                format!("bench {}", args.join(" ")).trim_end().to_owned(),
            ),
            ("machine", machine()),
            ("load", load()),
            ("compiler", env!("BENCH_RUSTC").to_owned()),
            (
                "component",
                format!("{}, {size} bytes", component.display()),
            ),
            ("wasmtime", version("wasmtime")),
            ("peers", peers.join(", ")),
        ])
    }

    pub(crate) fn json(&self) -> Value {
        let lines = self.0.iter();
        lines
            .map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str())))
            .collect()
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.iter();
        lines
            .map(|(name, text)| format!("{name:<10} {text}\n"))
            .collect()
    }
}

/// The version of a package, by the lock file that the build used.
pub(crate) fn version(package: &str) -> String {
    let entry = format!("name = \"{package}\"\nversion = \"");
    // The newest, where a crate is there in several versions.
    let rest = LOCK.rsplit_once(&entry).map_or("?\"", |(_, rest)| rest);
    rest.split('"').next().unwrap_or("?").to_owned()
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| env::consts::ARCH.to_owned());
    let number = |name| field(name).unwrap_or_else(|| "?".to_owned());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{model} (family {}, model {}), {cores} cores, {}",
        number("cpu family"),
        number("model\t"),
        env::consts::OS
    )
}

/// How busy the machine is besides: a run on a busy one is less certain.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().filter(|first| !first.is_empty());
    format!(
        "{} at the start (1-minute average)",
        first.unwrap_or("unknown")
    )
}

/// The date and time in UTC.
fn date(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// The year, month and day of the Gregorian calendar, by days since 1970.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::{PEERS, civil, version};

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(59), (1970, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_819), (2027, 1, 1));
    }

    #[test]
    fn the_peers_versions_are_known() {
        for peer in PEERS {
            assert!(version(peer).starts_with("0."), "{peer}");
        }
        assert_eq!(version("no-such-package"), "?");
    }
}
