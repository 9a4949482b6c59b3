//! The results of one cell as text.

use host_tests::quantile::{median, median_of, median_ratio, middle_half};
use host_tests::table::{Table, number};

use super::measure::{Compared, DIRECT};
use crate::load::Pass;

/// The server that ratios refer to, and its name in the header. A ratio is the median over the repetitions, in each of
/// which both were measured shortly after each other.
pub(crate) type Reference = (&'static str, &'static str);

pub(crate) fn of(compared: &Compared, (reference, short): Reference) -> String {
    let mut table = Table::new([
        ("", -19),
        ("messages/s", 10),
        ("middle half", 21),
        (&format!("x {short}"), 8),
        ("GB/s", 7),
        ("CPU us", 8),
        ("busy p/load", 11),
        ("latency 50 / 99 / 99.9", 23),
    ]);
    let reference = compared.named(reference).map(|it| it.messages());
    for measured in &compared.servers {
        let rates = measured.messages();
        let rate = median(&rates);
        let (low, high) = middle_half(&rates);
        let ratio = reference
            .as_ref()
            .map_or(f64::NAN, |it| median_ratio(&rates, it));
        let busy = |of: fn(&Pass) -> f64| {
            100.0 * median_of(&measured.passes, |pass| of(pass) / pass.seconds)
        };
        let load = busy(|pass| pass.load_cpu);
        let (cost, busy) = match measured.name {
            DIRECT => (String::new(), format!("{load:.0}%")),
            _ => (
                format!("{:.2}", 1e6 * median(&measured.costs())),
                format!("{:.0}/{load:.0}%", busy(|pass| pass.server_cpu)),
            ),
        };
        let delays = match measured.delays.is_empty() {
            true => String::new(),
            false => {
                let micros =
                    |which: usize| 1e6 * median_of(&measured.delays, |delays| delays[which]);
                format!("{:.0} / {:.0} / {:.0}", micros(0), micros(1), micros(2))
            }
        };
        table.row([
            measured.name.to_owned(),
            format!("{rate:.0}"),
            format!("{low:.0} - {high:.0}"),
            format!("{ratio:.2}"),
            number(rate * compared.cell.size.0 as f64 / 1e9),
            cost,
            busy,
            delays,
        ]);
    }
    format!("\n{}\n{table}", compared.cell)
}
