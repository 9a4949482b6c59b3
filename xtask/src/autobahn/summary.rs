//! The counts of a run, and the cases that aren't OK.

use super::report::Verdict;
use super::runs::Finished;
use crate::steps::Seconds;

/// A line of counts; and each case that isn't OK, with the expected and the actual result.
pub(crate) fn summary(done: &Finished) -> String {
    let count = |verdict| {
        done.cases
            .iter()
            .filter(|case| case.verdict == verdict)
            .count()
    };
    let mut text = format!(
        "{} cases in {}: {} OK, {} NON-STRICT, {} INFORMATIONAL, {} failed\n",
        done.cases.len(),
        Seconds(done.time),
        count(Verdict::Ok),
        count(Verdict::NonStrict),
        count(Verdict::Informational),
        count(Verdict::Failed),
    );
    for case in done.cases.iter().filter(|case| case.verdict != Verdict::Ok) {
        text += &format!("* {}: {}\n", case.id, case.story);
    }
    text
}
