//! The results, for people and for machines.

use std::fmt::Write;

use serde_json::{Value, json};

use super::measure::{Compared, DIRECT, Measured, RATE};
use crate::pin::Processors;
use crate::proxies::Proxies;
use crate::quantile;
use crate::table::number;

const LEGEND: &str = "\
Clients and an echo server are one thread, which makes and checks every message as cheaply as it can; each proxy has one
thread for connections. With one connection 256 KiB are under way, with 500 one message of each.
messages/s   there and back, median of the repetitions; `middle half` is where the middle 50% of them lie
x relay      the same against the relay on tokio-tungstenite, with TLS against nginx: above 1 is faster
GB/s         payload in each direction, 10^9 bytes
CPU us       processor time of the proxy for each message, there and back
busy         the part of the time that the proxy and the load used their processors: whichever has all of it is what
             the row is bound by
latency      of a message sent when it was due, there and back, in us; medians of the repetitions'
             median, 99th and 99.9th percentile";

pub(super) fn legend(proxies: &Proxies, processors: &Processors) -> String {
    let versions = proxies
        .all
        .iter()
        .map(|proxy| format!("{} {}", proxy.name, proxy.version));
    let versions: Vec<_> = versions.collect();
    let places = match processors.proxy == processors.load {
        true => "Both share one processor, so nothing here is certain.".to_owned(),
        false => format!(
            "Proxies run on processor {}, the load on processor {}.",
            processors.proxy, processors.load
        ),
    };
    format!(
        "{}\n{places}\n{LEGEND}, at {RATE} messages a second",
        versions.join(", ")
    )
}

/// How a table is made.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    /// Ratios are to this subject, which the head calls something shorter.
    pub(crate) reference: &'static str,
    pub(crate) short: &'static str,
    /// Payload in each direction is told in this unit, of so many bytes.
    pub(crate) unit: (&'static str, f64),
}

/// The table of one cell.
pub(crate) fn of(compared: &Compared, columns: Columns) -> String {
    let Columns {
        reference,
        short,
        unit: (unit, bytes),
    } = columns;
    let mut text = format!(
        "\n{}\n{:<19} {:>10} {:>21} {:>8} {:>7} {:>8} {:>11} {:>23}\n{}\n",
        compared.cell,
        "",
        "messages/s",
        "middle half",
        format!("x {short}"),
        format!("{unit}/s"),
        "CPU us",
        "busy p/load",
        "latency 50 / 99 / 99.9",
        "-".repeat(114),
    );
    let reference = compared.named(reference);
    for measured in &compared.proxies {
        let rates = measured.messages();
        let rate = quantile::median(&rates);
        let (low, high) = quantile::middle_half(&rates);
        let ratio = reference.map_or(f64::NAN, |reference| measured.ratio(reference));
        let (proxy, load) = measured.busy();
        let (cost, busy) = match measured.name {
            DIRECT => (String::new(), format!("{:.0}%", 100.0 * load)),
            _ => (
                format!("{:.2}", 1e6 * measured.cost()),
                format!("{:.0}/{:.0}%", 100.0 * proxy, 100.0 * load),
            ),
        };
        let delays = match measured.delays.is_empty() {
            true => String::new(),
            false => {
                let micros = |which| 1e6 * measured.delay(which);
                format!("{:.0} / {:.0} / {:.0}", micros(0), micros(1), micros(2))
            }
        };
        let line = format!(
            "{:<19} {rate:>10.0} {:>21} {ratio:>8.2} {:>7} {cost:>8} {busy:>11} {delays:>23}",
            measured.name,
            format!("{low:.0} - {high:.0}"),
            number(rate * compared.cell.size.0 as f64 / bytes),
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

pub(crate) fn report(compared: &Compared) -> Value {
    let one = |measured: &Measured| {
        let (proxy, load) = measured.busy();
        json!({
            "name": measured.name,
            "messages_per_second": measured.messages(),
            "cpu_seconds_per_message": measured.cost(),
            "busy_proxy": proxy,
            "busy_load": load,
            "delay_seconds_p50_p99_p999": measured.delays,
        })
    };
    json!({
        "size": compared.cell.size.0,
        "connections": compared.cell.connections,
        "tls": compared.cell.is_secure,
        "under_way": compared.cell.window(),
        "proxies": compared.proxies.iter().map(one).collect::<Vec<_>>(),
    })
}
