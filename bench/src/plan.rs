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

fn is_among(words: &[String], name: &str) -> bool {
    words.is_empty() || words.iter().any(|word| name.contains(word))
}
