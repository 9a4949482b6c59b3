//! What the test suite found: its reports in JSON, a folder for each run; and which cases it has, so that one that is
//! missing is noticed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

/// A chapter of the test suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The first number of its cases.
    pub(crate) number: u32,
    /// How many cases it has.
    cases: usize,
}

/// The sections that move little.
const FAST: [(u32, usize); 8] = [
    (1, 16),
    (2, 11),
    (3, 7),
    (4, 10),
    (5, 20),
    (6, 145),
    (7, 37),
    (10, 1),
];

/// The sections that move hundreds of megabytes: long messages, and compression.
const SLOW: [(u32, usize); 3] = [(9, 54), (12, 90), (13, 126)];

/// All sections, or those that move little.
pub(crate) fn sections(is_fast: bool) -> Vec<Section> {
    let slow = SLOW.iter().filter(|_| !is_fast);
    let all = FAST.iter().chain(slow);
    all.map(|&(number, cases)| Section { number, cases })
        .collect()
}

/// The number of a case, such as 6.4.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(Vec<u32>);

impl Id {
    pub(crate) fn section(&self) -> u32 {
        self.0.first().copied().unwrap_or_default()
    }
}

impl FromStr for Id {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        Ok(Self(numbers.with_context(|| {
            format!("{text} is no number of a case")
        })?))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// The result of a case, of its messages and its end together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    /// Right, but not as the specification would have it, or not as soon.
    NonStrict,
    /// The specification leaves it open.
    Informational,
    /// That the peer doesn't have the extension that the case is about counts as a failure, too.
    Failed,
}

impl Verdict {
    /// From the two words of a report. An end that isn't right is a failure whatever the messages were.
    fn of(behavior: &str, close: &str) -> Self {
        match (behavior, close) {
            ("OK", "OK") => Self::Ok,
            ("NON-STRICT", "OK") => Self::NonStrict,
            ("INFORMATIONAL", "OK" | "INFORMATIONAL") => Self::Informational,
            _ => Self::Failed,
        }
    }
}

/// A case that was run.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: Id,
    pub(crate) verdict: Verdict,
    /// The words of the report, what it expected and what it got.
    pub(crate) story: String,
}

/// Reads the report in a folder. An error unless it has each case of these sections, and no other.
pub(crate) fn read(folder: &Path, sections: &[Section]) -> Result<Vec<Case>> {
    let index = json(&folder.join("index.json"))?;
    let agents = index.as_object().context("the index is no object")?;
    let mut agents = agents.values();
    let (Some(Value::Object(entries)), None) = (agents.next(), agents.next()) else {
        bail!("the index should name one peer");
    };
    let mut cases = Vec::new();
    for (id, entry) in entries {
        let file = text(entry, "reportfile")?;
        let case = case(id, entry, &json(&folder.join(file))?);
        cases.push(case.with_context(|| format!("the report of case {id}"))?);
    }
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    complete(&cases, sections)?;
    Ok(cases)
}

/// One case, of which the index and its own file say the same.
fn case(id: &str, entry: &Value, report: &Value) -> Result<Case> {
    let (behavior, close) = (text(entry, "behavior")?, text(entry, "behaviorClose")?);
    ensure!(
        text(report, "id")? == id
            && text(report, "behavior")? == behavior
            && text(report, "behaviorClose")? == close,
        "the index says something else"
    );
    Ok(Case {
        id: id.parse()?,
        verdict: Verdict::of(behavior, close),
        story: story(behavior, close, report),
    })
}

fn story(behavior: &str, close: &str, report: &Value) -> String {
    let part = |name: &str| short(&report.get(name).unwrap_or(&Value::Null).to_string());
    format!(
        "{behavior}, close {close}: expected {}, got {}; of the close expected {}, got {} ({})",
        part("expected"),
        part("received"),
        part("expectedClose"),
        part("remoteCloseCode"),
        report
            .get("resultClose")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    )
}

fn short(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn complete(cases: &[Case], sections: &[Section]) -> Result<()> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for case in cases {
        *counts.entry(case.id.section()).or_default() += 1;
    }
    for section in sections {
        let found = counts.remove(&section.number).unwrap_or_default();
        ensure!(
            found == section.cases,
            "the report has {found} cases of section {}, which has {}",
            section.number,
            section.cases
        );
    }
    match counts.keys().next() {
        Some(number) => Err(anyhow!("nobody asked for section {number}")),
        None => Ok(()),
    }
}

fn json(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no JSON", path.display()))
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    let text = value.get(name).and_then(Value::as_str);
    text.with_context(|| format!("it has no {name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cases(ids: &[&str]) -> Vec<Case> {
        let report = |id: &str| json!({"id": id, "behavior": "OK", "behaviorClose": "OK"});
        let cases = ids
            .iter()
            .map(|id| case(id, &report(id), &report(id)).unwrap());
        cases.collect()
    }

    #[test]
    fn an_end_that_is_wrong_is_a_failure() {
        assert_eq!(Verdict::of("OK", "OK"), Verdict::Ok);
        for close in ["FAILED", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT", ""] {
            for behavior in ["OK", "NON-STRICT", "INFORMATIONAL"] {
                assert_eq!(Verdict::of(behavior, close), Verdict::Failed);
            }
        }
        for behavior in ["FAILED", "ERROR", "UNIMPLEMENTED", ""] {
            assert_eq!(Verdict::of(behavior, "OK"), Verdict::Failed);
        }
    }

    #[test]
    fn a_report_has_each_case_and_no_other() {
        let ten = [Section {
            number: 10,
            cases: 1,
        }];
        complete(&cases(&["10.1.1"]), &ten).unwrap();
        assert!(complete(&cases(&[]), &ten).is_err());
        assert!(complete(&cases(&["10.1.1", "10.1.2"]), &ten).is_err());
        assert!(complete(&cases(&["10.1.1", "9.1.1"]), &ten).is_err());
        assert!(complete(&[], &sections(true)).is_err());
    }

    #[test]
    fn there_are_517_cases_of_which_247_are_fast() {
        let count = |is_fast| sections(is_fast).iter().map(|s| s.cases).sum::<usize>();
        assert_eq!((count(false), count(true)), (517, 247));
    }

    #[test]
    fn cases_are_in_the_order_of_their_numbers() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        assert!(id("1.2.9") < id("1.2.10"));
        assert!(id("9.1.1") < id("10.1.1"));
        assert_eq!(id("6.22.34").to_string(), "6.22.34");
        assert!("index".parse::<Id>().is_err());
    }

    #[test]
    fn an_index_that_says_something_else_than_the_report_is_an_error() {
        let report = json!({"id": "1.1.1", "behavior": "FAILED", "behaviorClose": "OK"});
        let entry = json!({"behavior": "OK", "behaviorClose": "OK"});
        assert!(case("1.1.1", &entry, &report).is_err());
    }
}
