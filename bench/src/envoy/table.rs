//! The results, for people and for machines.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{ALONE, Compared, EMPTY, FILTER};
use crate::pin::Processors;
use crate::quantile::{median, median_ratio, middle_half};
use crate::table::number;

const LEGEND: &str = "\
Envoy's processor time for each binary message, there and back, in us: medians of the repetitions. The ratio is the
filter's to the empty filter's, the median of the repetitions' ratios; `middle half` is where the middle 50% of them lie.";

pub(super) fn head(version: &str, repetitions: usize, processors: &Processors) -> String {
    let place = match processors.proxy == processors.load {
        true => "Envoy and the load share one processor, so nothing here is certain.".to_owned(),
        false => format!(
            "Envoy runs on processor {}, the load on processor {}.",
            processors.proxy, processors.load
        ),
    };
    format!(
        "\nEnvoy {version}, {repetitions} repetitions. {place}\n{LEGEND}\n\n{:<38} {:>7} {:>13} {:>17} {:>6} {:>14}\n{}\n",
        "",
        "alone",
        EMPTY,
        FILTER,
        "ratio",
        "middle half",
        "-".repeat(100)
    )
}

impl Compared {
    fn of(&self, name: &str) -> &[f64] {
        let costs = self.costs.iter().find(|(other, _)| *other == name);
        costs.map_or(&[], |(_, costs)| costs)
    }

    fn ratios(&self) -> Vec<f64> {
        let pairs = self.of(FILTER).iter().zip(self.of(EMPTY));
        pairs.map(|(filter, empty)| filter / empty).collect()
    }

    fn ratio(&self) -> f64 {
        median_ratio(self.of(FILTER), self.of(EMPTY))
    }
}

pub(super) fn row(compared: &Compared) -> String {
    let cost = |name| number(1e6 * median(compared.of(name)));
    let (low, high) = middle_half(&compared.ratios());
    format!(
        "{:<38} {:>7} {:>13} {:>17} {:>6.2} {:>14}\n",
        compared.cell,
        cost(ALONE),
        cost(EMPTY),
        cost(FILTER),
        compared.ratio(),
        format!("{low:.2} - {high:.2}"),
    )
}

pub(super) fn memory(grown: &[(&str, f64)], count: usize) -> String {
    let mut text = format!(
        "\nGrowth of Envoy's resident memory for each of {count} connections that have carried a message and are idle\n{}\n",
        "-".repeat(100)
    );
    for (name, bytes) in grown {
        let _ = writeln!(text, "{name:<38} {:>7.1} KiB", bytes / 1024.0);
    }
    text
}

pub(super) fn report(compared: &Compared) -> Value {
    let costs = compared.costs.iter();
    let costs =
        costs.map(|(name, costs)| json!({ "name": name, "cpu_seconds_per_message": costs }));
    json!({
        "size": compared.cell.size.0,
        "connections": compared.cell.connections,
        "in_flight": compared.cell.window,
        "subjects": costs.collect::<Vec<_>>(),
    })
}
