//! Where and with what a long run was made.

use std::fmt;
use std::{env, fs, thread};

use time::OffsetDateTime;

/// The circumstances, by name.
#[derive(Clone, Debug)]
pub struct Setting(pub Vec<(&'static str, String)>);

impl Setting {
    /// The date, this command with the arguments of this process, and the machine.
    #[must_use]
    pub fn of(command: &str) -> Setting {
        let args = env::args().skip(1);
        let words: Vec<String> = [command.to_owned()].into_iter().chain(args).collect();
        Setting(vec![
            ("date", date(OffsetDateTime::now_utc())),
            ("command", words.join(" ")),
            ("machine", machine()),
        ])
    }

    /// With a line more.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: String) -> Setting {
        self.0.push((name, text));
        self
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.0.iter();
        lines.try_for_each(|(name, text)| writeln!(f, "{name:<10} {text}"))
    }
}

fn date(time: OffsetDateTime) -> String {
    let (date, month) = (time.date(), u8::from(time.month()));
    let (hour, minute, _) = time.to_hms();
    let (year, day) = (date.year(), date.day());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
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

/// How busy the machine is, as the average of a minute: a run on a busy one is less certain.
#[must_use]
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().filter(|first| !first.is_empty());
    first.unwrap_or("unknown").to_owned()
}

/// How this process, and with it what it starts, stands to others when the processor is to be shared.
#[must_use]
pub fn nice() -> String {
    const NICE: usize = 16;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').nth(NICE).unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_usual() {
        let first = OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(61);
        assert_eq!(date(first), "1970-01-01 01:01 UTC");
    }

    #[test]
    fn a_setting_has_a_line_for_each() {
        let text = Setting::of("test").with("more", "1".into()).to_string();
        assert_eq!(text.lines().count(), 4);
        assert!(text.ends_with("\nmore       1\n"), "{text}");
    }
}
