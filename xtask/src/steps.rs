//! A run of numbered steps: each announced and timed, all of them listed at the end.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What became of a step.
enum Outcome {
    Passed(Duration),
    Failed(Duration, String),
    NotRun,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(time) => write!(f, "passed   {}", Seconds(*time)),
            Self::Failed(time, _) => write!(f, "FAILED   {}", Seconds(*time)),
            Self::NotRun => write!(f, "not run"),
        }
    }
}

/// A time as people say it: `7 s`, or `2 min 05 s`.
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

/// The steps, in the order they were planned in.
pub(crate) struct Steps {
    started: Instant,
    steps: Vec<(&'static str, Outcome)>,
    next: usize,
}

impl Steps {
    /// A plan: what every step is called.
    pub(crate) fn new(names: &[&'static str]) -> Self {
        let steps = names.iter().map(|name| (*name, Outcome::NotRun)).collect();
        Self {
            started: Instant::now(),
            steps,
            next: 0,
        }
    }

    /// Runs the next step. A step that fails says why, and gives `None`; the caller decides what can go on without it.
    pub(crate) fn run<T>(&mut self, step: impl FnOnce() -> Result<T>) -> Option<T> {
        let total = self.steps.len();
        let (name, outcome) = &mut self.steps[self.next];
        self.next += 1;
        println!("\n[{}/{total}] {name}", self.next);

        let started = Instant::now();
        let result = step();
        let time = started.elapsed();
        match result {
            Ok(value) => {
                println!(
                    "[{}/{total}] {name}: passed in {}",
                    self.next,
                    Seconds(time)
                );
                *outcome = Outcome::Passed(time);
                Some(value)
            }
            Err(error) => {
                let why = format!("{error:#}");
                println!(
                    "[{}/{total}] {name}: FAILED after {}: {why}",
                    self.next,
                    Seconds(time)
                );
                *outcome = Outcome::Failed(time, why);
                None
            }
        }
    }

    /// Lists all steps, and says again why some failed. An error unless every one of them passed.
    pub(crate) fn finish(self) -> Result<()> {
        for (name, outcome) in &self.steps {
            if let Outcome::Failed(_, why) = outcome {
                println!("\n{name}: {why}");
            }
        }
        println!("\nSummary");
        for (number, (name, outcome)) in self.steps.iter().enumerate() {
            println!("  {}. {name:<48} {outcome}", number + 1);
        }
        let time = Seconds(self.started.elapsed());
        let failed = self.names(|outcome| matches!(outcome, Outcome::Failed(..)));
        let not_run = self.names(|outcome| matches!(outcome, Outcome::NotRun));
        match (failed.is_empty(), not_run.is_empty()) {
            (true, true) => {
                println!("All steps passed, in {time}.");
                Ok(())
            }
            (_, true) => bail!("after {time}: failed: {failed}"),
            (_, false) => bail!("after {time}: failed: {failed}; not run because of it: {not_run}"),
        }
    }

    fn names(&self, which: impl Fn(&Outcome) -> bool) -> String {
        let names = self
            .steps
            .iter()
            .filter(|(_, outcome)| which(outcome))
            .map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_passed_is_a_success() {
        let mut steps = Steps::new(&["one", "two"]);
        assert_eq!(steps.run(|| Ok(1)), Some(1));
        assert_eq!(steps.run(|| Ok(2)), Some(2));
        steps.finish().unwrap();
    }

    #[test]
    fn a_failure_is_named_and_so_is_what_was_left_out() {
        let mut steps = Steps::new(&["one", "two", "three"]);
        steps.run(|| Ok(()));
        assert!(steps.run::<()>(|| bail!("no")).is_none());
        let error = steps.finish().unwrap_err().to_string();
        assert!(
            error.ends_with("failed: two; not run because of it: three"),
            "{error}"
        );
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
