//! What is aimed at, and whether a run meets it.

use std::fmt::{Display, Write};

use serde_json::{Value, json};

/// A bound.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    pub(crate) fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    /// In a word.
    pub(crate) fn verdict(self, value: f64) -> &'static str {
        if self.is_met_by(value) {
            "met"
        } else {
            "missed"
        }
    }

    pub(crate) fn in_words(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("at most {most} {unit}"),
            Self::AtLeast(least) => format!("at least {least} {unit}"),
        }
    }

    /// The value that is furthest from it, with what belongs to it.
    fn worst<T>(self, values: impl Iterator<Item = (T, f64)>) -> Option<(T, f64)> {
        match self {
            Self::AtMost(_) => values.max_by(|(_, a), (_, b)| a.total_cmp(b)),
            Self::AtLeast(_) => values.min_by(|(_, a), (_, b)| a.total_cmp(b)),
        }
    }

    fn bound(self) -> f64 {
        let (Self::AtMost(bound) | Self::AtLeast(bound)) = self;
        bound
    }
}

/// An aim at a ratio in every comparison of a kind, and the comparison that comes worst.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) what: &'static str,
    pub(crate) aim: Aim,
    pub(crate) ratio: f64,
    pub(crate) comparison: String,
}

impl Judged {
    /// Judges by the worst of these ratios, each with its comparison, if there is one.
    pub(crate) fn by_worst(
        what: &'static str,
        aim: Aim,
        ratios: impl Iterator<Item = (impl Display, f64)>,
    ) -> Option<Judged> {
        let (worst, ratio) = aim.worst(ratios)?;
        Some(Judged {
            what,
            aim,
            ratio,
            comparison: worst.to_string(),
        })
    }

    pub(crate) fn is_met(&self) -> bool {
        self.aim.is_met_by(self.ratio)
    }
}

pub(crate) fn table(title: &str, judged: &[Judged]) -> String {
    let mut text = format!("\n{title}\n{}\n", "-".repeat(106));
    for Judged {
        what,
        aim,
        ratio,
        comparison,
    } in judged
    {
        let (bound, verdict) = (aim.bound(), aim.verdict(*ratio));
        let _ = writeln!(
            text,
            "{what:<66} {bound:>4.2} {ratio:>5.2} {verdict:<7} {comparison}"
        );
    }
    text
}

pub(crate) fn report(judged: &[Judged]) -> Value {
    let judged = judged.iter().map(|judged| {
        let bound = match judged.aim {
            Aim::AtMost(_) => "at_most",
            Aim::AtLeast(_) => "at_least",
        };
        json!({
            "target": judged.what,
            bound: judged.aim.bound(),
            "worst": judged.ratio,
            "cell": judged.comparison,
            "met": judged.is_met(),
        })
    });
    judged.collect()
}
