//! A run of numbered steps: each announced and timed, all of them listed at the end.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// A human-readable duration: `7 s`, or `2 min 05 s`.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64().round() as u64;
        match (seconds / 60, seconds % 60) {
            (0, seconds) => write!(f, "{seconds} s"),
            (minutes, seconds) => write!(f, "{minutes} min {seconds:02} s"),
        }
    }
}

/// The steps that were run, in order.
pub(crate) struct Steps {
    started: Instant,
    /// Each with its name, how long it took, and why it failed if it did.
    done: Vec<(&'static str, Duration, Option<String>)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs the next step. If it fails, prints why and returns `None`; the caller decides what can run without it.
    pub(crate) fn run<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> Result<T>,
    ) -> Option<T> {
        let number = self.done.len() + 1;
        println!("\n[{number}] {name}");
        let started = Instant::now();
        let result = step();
        let time = started.elapsed();
        let why = match &result {
            Ok(_) => None,
            Err(error) => Some(format!("{error:#}")),
        };
        match &why {
            None => println!("[{number}] {name}: passed in {}", Seconds(time)),
            Some(why) => println!("[{number}] {name}: FAILED after {}: {why}", Seconds(time)),
        }
        self.done.push((name, time, why));
        result.ok()
    }

    /// Lists all steps, and repeats why some failed. An error unless all of them passed.
    pub(crate) fn finish(self) -> Result<()> {
        for (name, _, why) in &self.done {
            if let Some(why) = why {
                println!("\n{name}: {why}");
            }
        }
        println!("\nSummary");
        let mut failed = Vec::new();
        for (number, (name, time, why)) in self.done.iter().enumerate() {
            let outcome = if why.is_some() { "FAILED" } else { "passed" };
            println!(
                "  {:>2}. {name:<56} {outcome}   {}",
                number + 1,
                Seconds(*time)
            );
            failed.extend(why.is_some().then_some(*name));
        }
        let time = Seconds(self.started.elapsed());
        ensure!(
            failed.is_empty(),
            "after {time}: failed: {}",
            failed.join(", ")
        );
        println!("All steps passed, in {time}.");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn all_passed_is_a_success_and_a_failure_is_named() {
        let mut steps = Steps::new();
        assert_eq!(steps.run("one", || Ok(1)), Some(1));
        assert!(steps.finish().is_ok());

        let mut steps = Steps::new();
        steps.run("one", || Ok(()));
        assert!(steps.run::<()>("two", || bail!("no")).is_none());
        let error = steps.finish().unwrap_err().to_string();
        assert!(error.ends_with("failed: two"), "{error}");
    }

    #[test]
    fn times_are_readable() {
        let say = |seconds| Seconds(Duration::from_secs(seconds)).to_string();
        assert_eq!(
            (say(7), say(125), say(60)),
            ("7 s".into(), "2 min 05 s".into(), "1 min 00 s".into())
        );
    }
}
