//! The contract in `wit/`, the engine's own types, and the component agree.

use std::collections::BTreeMap;

use host_tests::{Engine, on_both_engines};
use websocket_component::{Config, Deflate, Fault, Rule};

on_both_engines![the_default_settings_are_the_engines];

const TYPES: &str = include_str!("../../../wit/types.wit");

fn the_default_settings_are_the_engines<E: Engine>() {
    assert_eq!(E::default_config(), Config::default());
}

/// The cases of the contract's `rule` with their docs.
fn documented_rules() -> BTreeMap<String, String> {
    let (_, cases) = TYPES.split_once("enum rule {").expect("the rules");
    let mut rules = BTreeMap::new();
    let mut doc = String::new();
    for line in cases.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            // A word that ends a line in a hyphen goes on in the next.
            if !doc.is_empty() && !doc.ends_with('-') {
                doc.push(' ');
            }
            doc.push_str(text.trim());
        } else if let Some(name) = line.strip_suffix(',') {
            rules.insert(name.into(), std::mem::take(&mut doc));
        }
    }
    rules
}

fn kebab_case(rule: Rule) -> String {
    let mut kebab = String::new();
    for letter in format!("{rule:?}").chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

#[test]
fn the_contract_says_of_each_rule_what_the_engine_does() {
    let documented = documented_rules();
    assert_eq!(documented.len(), Rule::ALL.len());
    for &rule in Rule::ALL {
        let doc = documented.get(&kebab_case(rule));
        let doc = doc.unwrap_or_else(|| panic!("{rule:?} is not in the contract"));
        let party = match rule.fault() {
            Fault::Peer => "Peer",
            Fault::Host => "Host",
            Fault::Transport => "Transport",
        };
        let sentence = rule.description();
        let (first, others) = sentence.split_at(1);
        let mut expected = format!(
            "{}{others} ({}). {party}",
            first.to_uppercase(),
            rule.section()
        );
        if let Some(code) = rule.close_code() {
            expected.push_str(&format!(", close {code}"));
        }
        if let Some(status) = rule.status() {
            expected.push_str(&format!(", status {status}"));
        }
        expected.push('.');
        assert_eq!(*doc, expected);
    }
}

#[test]
fn each_default_in_the_contract_is_the_engines() {
    let config = Config::default();
    let limits = &config.limits;
    let timeouts = &config.timeouts;
    let deflate = Deflate::default();
    let seconds = |span: Option<std::time::Duration>| {
        span.map_or("none".into(), |span| format!("{} s", span.as_secs()))
    };
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    for (item, default) in [
        ("receive-buffer: u32", config.receive_buffer.to_string()),
        ("whole-frame: u32", config.max_whole_frame.to_string()),
        ("send-buffer: u32", config.send_buffer.to_string()),
        ("masking: bool", config.masking.to_string()),
        ("verify-utf8: bool", config.verify_utf8.to_string()),
        (
            "show-control: bool",
            config.report_control_frames.to_string(),
        ),
        ("reply-to-close: bool", config.reply_to_close.to_string()),
        (
            "close-on-failure: bool",
            config.close_on_failure.to_string(),
        ),
        (
            "show-bad-requests: bool",
            config.expose_invalid_requests.to_string(),
        ),
        (
            "allow-malformed-host: bool",
            config.allow_malformed_host.to_string(),
        ),
        (
            "allow-http10-response: bool",
            config.allow_http10_response.to_string(),
        ),
        ("head: u32", limits.head.to_string()),
        ("headers: u32", limits.headers.to_string()),
        ("refusal-body: u32", limits.refusal_body.to_string()),
        ("frame: u64", mebibytes(limits.frame)),
        ("message: u64", mebibytes(limits.message)),
        ("inflated: u32", mebibytes(limits.inflate_per_call.into())),
        ("fragments: u32", limits.fragments.to_string()),
        ("queued-output: u64", mebibytes(limits.queued_output)),
        ("queued-pongs: u32", limits.queued_pongs.to_string()),
        ("send-window-bits: u8", deflate.send_window_bits.to_string()),
        (
            "send-takeover: bool",
            deflate.send_context_takeover.to_string(),
        ),
        (
            "receive-window-bits: u8",
            deflate.receive_window_bits.to_string(),
        ),
        (
            "receive-takeover: bool",
            deflate.receive_context_takeover.to_string(),
        ),
        ("level: u8", deflate.level.to_string()),
        ("memory-level: u8", deflate.memory_level.to_string()),
        ("minimum: u32", deflate.min_length.to_string()),
        ("handshake: option<duration>", seconds(timeouts.handshake)),
        ("idle: option<duration>", seconds(timeouts.idle)),
        ("message: option<duration>", seconds(timeouts.message)),
        ("keepalive: option<duration>", seconds(timeouts.keepalive)),
        ("pong: option<duration>", seconds(timeouts.pong)),
        ("write: option<duration>", seconds(timeouts.write)),
        ("close: option<duration>", seconds(timeouts.close)),
    ] {
        let (before, _) = TYPES
            .split_once(&format!("        {item},"))
            .unwrap_or_else(|| panic!("{item} is not in the contract"));
        let doc: Vec<_> = before
            .lines()
            .rev()
            .map_while(|line| line.trim().strip_prefix("/// "))
            .collect();
        let doc = doc.into_iter().rev().collect::<Vec<_>>().join(" ");
        let suffix = format!("Default {default}.");
        assert!(doc.ends_with(&suffix), "{item}: {doc:?} vs {suffix:?}");
    }
}

#[test]
fn the_page_on_security_has_the_engines_defaults() {
    let page = include_str!("../../../docs/security.md");
    let config = Config::default();
    for (settings, fields) in [
        ("limits", format!("{:?}", config.limits)),
        ("timeouts", format!("{:?}", config.timeouts)),
    ] {
        let fields = fields.split_once('{').unwrap().1.trim_end_matches('}');
        for field in fields.split(", ") {
            let (name, value) = field.trim().split_once(": ").unwrap();
            let value = match value {
                "None" => "none",
                value => value.trim_start_matches("Some(").trim_end_matches(')'),
            };
            let row = format!("\n| `{settings}.{name}` | {value} |");
            assert!(page.contains(&row), "{row}");
        }
    }
}
