//! Options of every part, and the order in which subjects are measured.

use std::fmt::Display;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serializer;

#[derive(Clone, Debug, Args)]
pub(crate) struct Plan {
    /// A run of some minutes: too short for reliable numbers, long enough to check all outputs.
    #[arg(long = "quick")]
    pub(crate) is_quick: bool,

    /// How often each subject is measured in each comparison [default: 15, or 3 with --quick; for deflate, sockets,
    /// scale and node 5, or 1; for envoy 11, or 3].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repetitions: Option<u32>,

    /// For messages, sockets, envoy and node: only comparisons whose name contains this, such as `text 16 B`. May be
    /// given several times.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// For messages, sockets, envoy and node: only subjects whose name contains this, such as `native`. May be given
    /// several times.
    #[arg(long = "subject", value_name = "TEXT")]
    subjects: Vec<String>,

    /// The component to measure.
    #[arg(
        long,
        value_name = "FILE",
        env = "WEBSOCKET_COMPONENT",
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/websocket.wasm")
    )]
    pub(crate) component: PathBuf,
}

impl Plan {
    /// How often each subject is measured: as given, or the default, or that of a quick run.
    pub(crate) fn repetitions(&self, usually: usize, quickly: usize) -> usize {
        let default = if self.is_quick { quickly } else { usually };
        self.repetitions.map_or(default, |count| count as usize)
    }

    /// Returns the selected comparisons.
    pub(crate) fn wanted<C: Display>(&self, all: impl IntoIterator<Item = C>) -> Result<Vec<C>> {
        let all = all.into_iter();
        let wanted = all.filter(|comparison| is_among(&self.only, &comparison.to_string()));
        let wanted: Vec<C> = wanted.collect();
        ensure!(!wanted.is_empty(), "no comparison has such a name");
        Ok(wanted)
    }

    /// Whether a subject is selected.
    pub(crate) fn has(&self, subject: &str) -> bool {
        is_among(&self.subjects, subject)
    }
}

fn is_among(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word))
}

/// Runs each subject once in each repetition, and returns the results of each subject in order. Each repetition begins
/// with another subject, so that changes on the machine affect all of them.
pub(crate) fn take_turns<S, T>(
    repetitions: usize,
    subjects: &mut [S],
    mut turn: impl FnMut(&mut S) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut all: Vec<Vec<T>> = subjects.iter().map(|_| Vec::new()).collect();
    let count = subjects.len();
    for repetition in 0..repetitions {
        for place in 0..count {
            let index = (place + repetition) % count;
            all[index].push(turn(&mut subjects[index])?);
        }
    }
    Ok(all)
}

/// The name of a comparison in reports.
pub(crate) fn as_text<S: Serializer>(
    value: &impl Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[cfg(test)]
mod tests {
    use super::take_turns;

    #[test]
    fn each_repetition_has_every_subject_and_begins_with_another() {
        let mut order = Vec::new();
        let all = take_turns(3, &mut ['a', 'b', 'c'], |subject| {
            order.push(*subject);
            Ok(order.len())
        });
        assert_eq!(order.iter().collect::<String>(), "abcbcacab");
        assert_eq!(all.unwrap(), [[1, 6, 8], [2, 4, 9], [3, 5, 7]]);
    }
}
