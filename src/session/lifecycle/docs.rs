//! The table and its diagram as `docs/states.md` shows them.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::tests::STATES;
use super::*;

const PAGE: &str = include_str!("../../../docs/states.md");

const BEGIN: &str = "<!-- From src/session/lifecycle.rs; a test compares them. -->\n";
const END: &str = "<!-- So far from src/session/lifecycle.rs. -->\n";

fn description(cause: Cause) -> &'static str {
    match cause {
        Cause::Opened => "the handshake is complete",
        Cause::Refused => "a response that refuses is queued",
        Cause::HandshakeFailed => "the handshake fails, with nothing to answer",
        Cause::CloseQueued => "a close frame is queued",
        Cause::CloseReceived => "the peer's close frame comes",
        Cause::RuleBroken => "a rule is broken",
        Cause::OutputDrained => "the last byte is handed out",
        Cause::EndOfInput => "the peer's stream ends",
        Cause::CloseTimeout => "timeouts.close has passed",
        Cause::WriteTimeout => "timeouts.write has passed",
        Cause::Aborted => "the host aborts",
    }
}

impl Row {
    fn description(&self) -> String {
        match self.role {
            None => description(self.cause).into(),
            Some(Role::Client) => format!("{} by a client", description(self.cause)),
            Some(Role::Server) => format!("{} by a server", description(self.cause)),
        }
    }
}

fn table() -> String {
    let mut table = String::from("| in | when | to | by |\n|---|---|---|---|\n");
    for row in TABLE {
        let from: Vec<String> = row.from.iter().map(|life| format!("{life:?}")).collect();
        let (from, what) = (from.join(", "), row.description());
        table += &format!("| {from} | {what} | {:?} | {} |\n", row.to, row.section);
    }
    table
}

/// The states that hosts see as closing.
fn closing() -> impl Iterator<Item = Life> {
    STATES
        .into_iter()
        .filter(|life| life.state() == State::Closing)
}

fn diagram() -> String {
    let mut diagram =
        String::from("```mermaid\nstateDiagram-v2\n    [*] --> Connecting\n    state Closing {\n");
    for life in closing() {
        diagram += &format!("        {life:?}\n");
    }
    diagram += "    }\n";
    // One arrow from a state to another, whatever leads there, and one from all that are closing.
    let mut arrows: BTreeMap<(usize, String, String), Vec<String>> = BTreeMap::new();
    for (index, row) in TABLE.iter().enumerate() {
        let is_of_all = closing().all(|life| row.from.contains(&life));
        let mut from: Vec<String> = Vec::new();
        for life in row.from {
            let name = match is_of_all && life.state() == State::Closing {
                true => String::from("Closing"),
                false => format!("{life:?}"),
            };
            if !from.contains(&name) {
                from.push(name);
            }
        }
        for from in from {
            let to = format!("{:?}", row.to);
            let known = arrows
                .keys()
                .find(|(_, a, b)| *a == from && *b == to)
                .cloned();
            let arrow = known.unwrap_or((index, from, to));
            arrows.entry(arrow).or_default().push(row.description());
        }
    }
    for ((_, from, to), causes) in arrows {
        diagram += &format!("    {from} --> {to}: {}\n", causes.join(", or "));
    }
    diagram += "    Closed --> [*]\n```\n";
    diagram
}

#[test]
fn the_page_shows_the_table() {
    let (_, rest) = PAGE.split_once(BEGIN).expect("the page has the table");
    let (shown, _) = rest.split_once(END).expect("the table ends");
    let expected = format!("\n{}\n{}\n", table(), diagram());
    assert!(
        shown == expected,
        "docs/states.md has to have:\n{BEGIN}{expected}{END}"
    );
}
