//! Which cases the test suite has, so that one that is missing from a report is noticed.

/// A chapter of the test suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The first number of its cases.
    pub(crate) number: u32,
    pub(crate) title: &'static str,
    /// How many cases it has.
    pub(crate) cases: usize,
    /// It moves hundreds of megabytes, so the fast part leaves it out.
    is_slow: bool,
    /// It is about permessage-deflate, which the engine doesn't negotiate: the test suite can't but call it unimplemented.
    pub(crate) is_compression: bool,
}

const ALL: [Section; 11] = [
    plain(1, "Framing", 16),
    plain(2, "Pings and pongs", 11),
    plain(3, "Reserved bits", 7),
    plain(4, "Opcodes", 10),
    plain(5, "Fragmentation", 20),
    plain(6, "UTF-8", 145),
    plain(7, "Close", 37),
    Section {
        is_slow: true,
        ..plain(9, "Limits and performance", 54)
    },
    plain(10, "Automatic fragmentation", 1),
    compression(12, "Compression: payloads", 90),
    compression(13, "Compression: parameters", 126),
];

const fn plain(number: u32, title: &'static str, cases: usize) -> Section {
    Section {
        number,
        title,
        cases,
        is_slow: false,
        is_compression: false,
    }
}

const fn compression(number: u32, title: &'static str, cases: usize) -> Section {
    Section {
        is_slow: true,
        is_compression: true,
        ..plain(number, title, cases)
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
    fn there_are_517_cases_of_which_301_are_not_about_compression() {
        assert_eq!(cases(&all()), 517);
        let plain = all().into_iter().filter(|section| !section.is_compression);
        assert_eq!(cases(&plain.collect::<Vec<_>>()), 301);
        assert_eq!(cases(&fast()), 247);
    }
}
