//! What is aimed at, as ratios of one run, and whether it is met.

use super::cell::Cell;
use super::measure::{Compared, Measured};
use super::subjects::{COMPONENT, NATIVE};
use crate::target::{Aim, Judged};

/// Above the table of them.
pub(crate) const TITLE: &str =
    "Targets: the ratio of time that no message may exceed, and the message that comes worst";

/// A ratio that no cell of a kind may exceed.
struct Target {
    what: &'static str,
    subject: &'static str,
    concerns: fn(&Cell) -> bool,
    /// Against the fastest peer, or else against the reference.
    against_fastest: bool,
    aim: Aim,
}

const TARGETS: [Target; 6] = [
    Target {
        what: "native, decode 16 B and 125 B: at most half of tungstenite's time",
        subject: NATIVE,
        concerns: |cell| is_small_decode(cell),
        against_fastest: false,
        aim: Aim::AtMost(0.5),
    },
    Target {
        what: "native, decode 16 B and 125 B: ahead of every peer",
        subject: NATIVE,
        concerns: |cell| is_small_decode(cell),
        against_fastest: true,
        aim: Aim::AtMost(1.0),
    },
    Target {
        what: "native, decode 16 KiB and up: ahead of every peer",
        subject: NATIVE,
        concerns: |cell| cell.task.is_decode() && cell.size.0 >= 16 << 10,
        against_fastest: true,
        aim: Aim::AtMost(1.0),
    },
    Target {
        what: "native, encode: ahead of every peer",
        subject: NATIVE,
        concerns: |cell| cell.task.is_encode(),
        against_fastest: true,
        aim: Aim::AtMost(1.0),
    },
    Target {
        what: "component, decode 16 B and 125 B: no slower than tungstenite",
        subject: COMPONENT,
        concerns: |cell| is_small_decode(cell),
        against_fastest: false,
        aim: Aim::AtMost(1.0),
    },
    Target {
        what: "component, 16 KiB and up: half of the fastest peer's rate",
        subject: COMPONENT,
        concerns: |cell| cell.size.0 >= 16 << 10,
        against_fastest: true,
        aim: Aim::AtMost(2.0),
    },
];

/// Many small messages a read.
fn is_small_decode(cell: &Cell) -> bool {
    cell.task.is_decode() && cell.is_full() && matches!(cell.size.0, 16 | 125)
}

/// Those targets of which the run has a cell.
pub(crate) fn judge(all: &[Compared]) -> Vec<Judged> {
    let judged = TARGETS.iter().filter_map(|target| {
        let cells = all
            .iter()
            .filter(|compared| (target.concerns)(&compared.cell));
        let ratios = cells.filter_map(|compared| Some((&compared.cell, target.ratio(compared)?)));
        Judged::by_worst(target.what, target.aim, ratios)
    });
    judged.collect()
}

impl Target {
    fn ratio(&self, compared: &Compared) -> Option<f64> {
        let named = |measured: &&Measured| measured.name == self.subject;
        let own = compared.subjects.iter().find(named)?;
        let other = match self.against_fastest {
            true => compared.fastest_peer(),
            false => compared.reference(),
        };
        Some(own.ratio(other?))
    }
}

#[cfg(test)]
mod tests {
    use super::{COMPONENT, Compared, Measured, NATIVE, TITLE, judge};
    use crate::in_memory::cell::Cell;
    use crate::in_memory::subjects::REFERENCE;
    use crate::target::table;

    fn measured(name: &'static str, is_peer: bool, time: f64) -> Measured {
        Measured {
            name,
            is_peer,
            times: vec![time],
            transfers: 1.0,
        }
    }

    /// Every cell, in which these take so much of the reference's time.
    fn run(native: f64, component: f64, other: f64) -> Vec<Compared> {
        let cells = Cell::all().map(|cell| Compared {
            cell,
            messages: 1,
            subjects: vec![
                measured(NATIVE, false, native),
                measured(COMPONENT, false, component),
                measured(REFERENCE, true, 1.0),
                measured("other", true, other),
            ],
        });
        cells.collect()
    }

    fn met(all: &[Compared]) -> Vec<bool> {
        judge(all).iter().map(|judged| judged.is_met()).collect()
    }

    #[test]
    fn a_target_is_met_if_every_cell_meets_it() {
        assert_eq!(met(&run(0.4, 0.9, 0.5)), [true; 6]);
        assert_eq!(
            met(&run(0.6, 1.1, 0.5)),
            [false, false, false, false, false, false]
        );
        assert_eq!(
            met(&run(0.4, 0.9, 0.3)),
            [true, false, false, false, true, false]
        );
    }

    #[test]
    fn one_cell_is_enough_to_miss_it_and_is_named() {
        let mut all = run(0.4, 0.9, 0.5);
        let slow = all
            .iter_mut()
            .find(|compared| compared.cell.task.is_encode());
        let slow = slow.unwrap();
        slow.subjects[0].times = vec![0.7];
        let name = slow.cell.to_string();
        let text = table(TITLE, &judge(&all));
        let missed: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("missed"))
            .collect();
        let [line] = &missed[..] else {
            panic!("{text}");
        };
        assert!(
            line.contains("native, encode") && line.ends_with(&name),
            "{line}"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert!(judge(&[]).is_empty());
    }
}
