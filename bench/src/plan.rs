//! What is asked of every part.

use std::path::PathBuf;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) component: PathBuf,
    /// A look of a few seconds.
    pub(crate) is_quick: bool,
    pub(crate) repetitions: Option<u32>,
}

impl Plan {
    /// How often each subject has its turn: as is asked for, or usually, or in a quick look.
    pub(crate) fn repetitions(&self, usually: usize, quickly: usize) -> usize {
        let default = if self.is_quick { quickly } else { usually };
        self.repetitions.map_or(default, |count| count as usize)
    }
}
