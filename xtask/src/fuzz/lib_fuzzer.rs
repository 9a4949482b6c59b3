//! The programs that cargo-fuzz builds, and what they say.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Folders;
use super::target::Target;

/// A longer input is a finding, in seconds.
const TIMEOUT: u32 = 10;
/// An input that is only slow is none, in seconds: a busy machine makes many slow.
const SLOW: u32 = 3600;
/// More memory is a finding, in MiB.
const MEMORY: u32 = 1024;

/// What came of a round.
pub(crate) struct Round {
    pub(crate) executions: u64,
    pub(crate) cpu: Duration,
    /// The input that was found.
    pub(crate) finding: Option<PathBuf>,
}

/// Looks for new inputs for some time of the clock on the wall: no more CPU time than that is used.
pub(crate) fn round(
    target: &Target,
    program: &Path,
    time: Duration,
    folders: &Folders,
) -> Result<Round> {
    let found = found(target, folders);
    let artifacts = folders.package.join("artifacts").join(target.name);
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = command(target, program, folders);
    command.arg(format!("-max_total_time={}", time.as_secs().max(1)));
    command.arg("-print_final_stats=1");
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(found);
    command.args(
        [folders.kept(target), folders.regressions(target)]
            .iter()
            .filter(|f| f.is_dir()),
    );
    let said = run(target, command, folders)?;
    let executions = said
        .log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .and_then(|count| count.trim().parse().ok());
    let finding = said.log.lines().find_map(|line| {
        line.split_once("Test unit written to ")
            .map(|(_, path)| path.trim().into())
    });
    if finding.is_none() && !said.succeeded {
        bail!(
            "{} ended without a finding; see {}",
            target.name,
            log(target, folders).display()
        );
    }
    Ok(Round {
        executions: executions.context("the target doesn't say how much it has run")?,
        cpu: said.cpu,
        finding,
    })
}

/// Runs the inputs of a folder once: how many edges and how many features they cover.
pub(crate) fn coverage(
    target: &Target,
    program: &Path,
    inputs: &Path,
    folders: &Folders,
) -> Result<(u64, u64)> {
    let mut command = command(target, program, folders);
    command.arg("-runs=0").arg(inputs);
    let said = run(target, command, folders)?;
    let line = said
        .log
        .lines()
        .find(|line| line.contains("INITED") || line.contains("DONE"));
    let number = |key: &str| -> Option<u64> {
        let (_, rest) = line?.split_once(key)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let numbers = number(" cov: ").zip(number(" ft: "));
    numbers.with_context(|| format!("{} doesn't say what it covers", target.name))
}

/// Copies a small set of inputs that covers all that those of a folder do.
pub(crate) fn merge(
    target: &Target,
    program: &Path,
    to: &Path,
    from: &Path,
    folders: &Folders,
) -> Result<()> {
    let mut command = command(target, program, folders);
    command.arg("-set_cover_merge=1");
    command.arg(format!("-use_counters={}", u8::from(target.keeps_counts)));
    command.arg(to).arg(from);
    let said = run(target, command, folders)?;
    if !said.succeeded {
        bail!("the merge failed; see {}", log(target, folders).display());
    }
    Ok(())
}

/// Where the inputs of a target's runs are.
pub(crate) fn found(target: &Target, folders: &Folders) -> PathBuf {
    folders.work.join("found").join(target.name)
}

fn log(target: &Target, folders: &Folders) -> PathBuf {
    folders.work.join(target.name).with_extension("log")
}

fn command(target: &Target, program: &Path, folders: &Folders) -> Command {
    // The shell tells the CPU time of its children, which the standard library doesn't.
    let mut command = Command::new("sh");
    command
        .args(["-c", r#""$@"; status=$?; times; exit $status"#, "sh"])
        .arg(program);
    command.arg(format!("-max_len={}", target.longest));
    command.arg(format!("-timeout={TIMEOUT}"));
    command.arg(format!("-report_slow_units={SLOW}"));
    command.arg(format!("-rss_limit_mb={MEMORY}"));
    command.env("WEBSOCKET_COMPONENT", folders.component());
    let dictionary = folders.package.join("dictionaries/wire.dict");
    command.arg(format!("-dict={}", dictionary.display()));
    command
}

struct Said {
    log: String,
    cpu: Duration,
    succeeded: bool,
}

fn run(target: &Target, mut command: Command, folders: &Folders) -> Result<Said> {
    let path = log(target, folders);
    let file = File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    let output = command
        .stdin(Stdio::null())
        .stderr(file)
        .output()
        .context("can't start sh")?;
    let times = String::from_utf8_lossy(&output.stdout);
    let log = fs::read(&path)?;
    Ok(Said {
        log: String::from_utf8_lossy(&log).into_owned(),
        cpu: children(&times).context("sh doesn't tell the CPU time")?,
        succeeded: output.status.success(),
    })
}

/// The CPU time of the children in what the shell's `times` prints: user and system, in its last line.
fn children(times: &str) -> Option<Duration> {
    let line = times.lines().last()?;
    let parts = line.split_whitespace().map(|part| {
        let (minutes, seconds) = part.strip_suffix('s')?.split_once('m')?;
        let seconds: f64 = seconds.replace(',', ".").parse().ok()?;
        Some(60.0 * minutes.parse::<f64>().ok()? + seconds)
    });
    let parts: Option<Vec<f64>> = parts.collect();
    Duration::try_from_secs_f64(parts?.iter().sum()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_childrens_time_is_in_the_last_line() {
        let dash = "0m0.010000s 0m0.000000s\n1m2.500000s 0m0.250000s\n";
        assert_eq!(children(dash), Some(Duration::from_millis(62_750)));
        assert_eq!(
            children("0m0.010s 0m0.000s\n0m0,250s 0m0.000s"),
            Some(Duration::from_millis(250))
        );
        assert_eq!(children("nothing of it"), None);
    }
}
