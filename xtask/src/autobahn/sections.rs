//! Which cases the test suite has, so that one that is missing from a report is noticed.

/// A chapter of the test suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The first number of its cases.
    pub(crate) number: u32,
    /// How many cases it has.
    pub(crate) cases: usize,
    /// It moves hundreds of megabytes, so the fast part leaves it out.
    is_slow: bool,
}

const ALL: [Section; 11] = [
    fast_one(1, 16),
    fast_one(2, 11),
    fast_one(3, 7),
    fast_one(4, 10),
    fast_one(5, 20),
    fast_one(6, 145),
    fast_one(7, 37),
    slow_one(9, 54),
    fast_one(10, 1),
    slow_one(12, 90),
    slow_one(13, 126),
];

const fn fast_one(number: u32, cases: usize) -> Section {
    Section {
        number,
        cases,
        is_slow: false,
    }
}

const fn slow_one(number: u32, cases: usize) -> Section {
    Section {
        is_slow: true,
        ..fast_one(number, cases)
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Section> {
    ALL.to_vec()
}

/// Those that move little.
pub(crate) fn fast() -> Vec<Section> {
    let fast = ALL.iter().filter(|section| !section.is_slow);
    fast.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(sections: &[Section]) -> usize {
        sections.iter().map(|section| section.cases).sum()
    }

    #[test]
    fn there_are_517_cases_of_which_247_are_fast() {
        assert_eq!(cases(&all()), 517);
        assert_eq!(cases(&fast()), 247);
    }
}
