//! What is asked of every part.

use std::fmt::Display;
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) component: PathBuf,
    /// A look of a few seconds.
    pub(crate) is_quick: bool,
    pub(crate) repetitions: Option<u32>,
    /// Only comparisons and subjects whose names contain one of these, if there are any.
    pub(crate) only: Vec<String>,
    pub(crate) subjects: Vec<String>,
}

impl Plan {
    /// How often each subject has its turn: as is asked for, or usually, or in a quick look.
    pub(crate) fn repetitions(&self, usually: usize, quickly: usize) -> usize {
        let default = if self.is_quick { quickly } else { usually };
        self.repetitions.map_or(default, |count| count as usize)
    }

    /// Whether a comparison is to be made.
    pub(crate) fn wants(&self, comparison: impl Display) -> bool {
        is_among(&self.only, &comparison.to_string())
    }

    /// Whether a subject is to take part.
    pub(crate) fn has(&self, subject: &str) -> bool {
        is_among(&self.subjects, subject)
    }
}

/// The numbers of the subjects in the order of their turns: each has one in each repetition, and each repetition begins
/// with another, so that whatever changes on the machine meanwhile meets them all.
pub(crate) fn turns(repetitions: usize, subjects: usize) -> impl Iterator<Item = usize> {
    let places = move |repetition| (0..subjects).map(move |place| (place + repetition) % subjects);
    (0..repetitions).flat_map(places)
}

fn is_among(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn each_repetition_has_every_subject_and_begins_with_another() {
        assert_eq!(turns(3, 3).collect::<Vec<_>>(), [0, 1, 2, 1, 2, 0, 2, 0, 1]);
        assert_eq!(turns(3, 0).count(), 0);
    }
}
