//! The contract in `wit/`, the engine's own types, and the component agree.

use std::collections::BTreeMap;

use websocket_component::{Config, Deflate, Fault, Rule};

const TYPES: &str = include_str!("../../../wit/types.wit");
const OPTIONS: &str = include_str!("../../../wit/options.wit");

/// The text of documentation lines.
fn text(doc: &str) -> String {
    let lines = doc
        .lines()
        .map(|line| line.trim().trim_start_matches("///").trim());
    lines.collect::<Vec<_>>().join(" ")
}

/// The rules that the contract lists, with their documentation.
fn documented_rules() -> BTreeMap<String, String> {
    let (_, list) = TYPES.split_once("/// - `").expect("the rules");
    let (list, _) = list.split_once("@since").expect("their end");
    let entries = text(list);
    let entries = entries
        .split("- `")
        .map(|entry| entry.split_once("`: ").expect("a name"));
    entries
        .map(|(name, text)| (name.into(), text.trim().into()))
        .collect()
}

#[test]
fn the_contract_says_of_each_rule_what_the_engine_does() {
    let documented = documented_rules();
    assert_eq!(documented.len(), Rule::ALL.len());
    for &rule in Rule::ALL {
        let doc = documented.get(rule.name());
        let doc = doc.unwrap_or_else(|| panic!("{rule:?} is not in the contract"));
        let party = match rule.fault() {
            Fault::Peer => "Peer",
            Fault::Host => "Host",
            Fault::Transport => "Transport",
            other => panic!("{other:?} is not in the contract"),
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
    let on = |enabled: bool| enabled.to_string();
    for (option, default) in [
        ("receive-buffer", config.receive_buffer.to_string()),
        ("max-whole-frame", config.max_whole_frame.to_string()),
        ("send-buffer", config.send_buffer.to_string()),
        ("masking", on(config.masking)),
        ("verify-utf8", on(config.verify_utf8)),
        ("report-control-frames", on(config.report_control_frames)),
        ("reply-to-close", on(config.reply_to_close)),
        ("close-on-failure", on(config.close_on_failure)),
        (
            "expose-invalid-requests",
            on(config.expose_invalid_requests),
        ),
        ("allow-malformed-host", on(config.allow_malformed_host)),
        ("allow-http10-response", on(config.allow_http10_response)),
        ("max-head", limits.head.to_string()),
        ("max-headers", limits.headers.to_string()),
        ("max-refusal-body", limits.refusal_body.to_string()),
        ("max-frame", mebibytes(limits.frame)),
        ("max-message", mebibytes(limits.message)),
        (
            "max-inflate-per-call",
            mebibytes(limits.inflate_per_call.into()),
        ),
        ("max-fragments", limits.fragments.to_string()),
        ("max-queued-output", mebibytes(limits.queued_output)),
        ("max-queued-pongs", limits.queued_pongs.to_string()),
        ("deflate", on(config.deflate.is_some())),
        (
            "deflate-send-window-bits",
            deflate.send_window_bits.to_string(),
        ),
        (
            "deflate-send-context-takeover",
            on(deflate.send_context_takeover),
        ),
        (
            "deflate-receive-window-bits",
            deflate.receive_window_bits.to_string(),
        ),
        (
            "deflate-receive-context-takeover",
            on(deflate.receive_context_takeover),
        ),
        ("deflate-level", deflate.level.to_string()),
        ("deflate-memory-level", deflate.memory_level.to_string()),
        ("deflate-min-length", deflate.min_length.to_string()),
        ("handshake-timeout", seconds(timeouts.handshake)),
        ("idle-timeout", seconds(timeouts.idle)),
        ("message-timeout", seconds(timeouts.message)),
        ("keepalive-interval", seconds(timeouts.keepalive)),
        ("pong-timeout", seconds(timeouts.pong)),
        ("coalesce-delay", seconds(timeouts.coalesce)),
        ("write-timeout", seconds(timeouts.write)),
        ("answer-timeout", seconds(timeouts.answer)),
        ("close-timeout", seconds(timeouts.close)),
    ] {
        let (before, _) = OPTIONS
            .split_once(&format!("        set-{option}: func("))
            .unwrap_or_else(|| panic!("{option} is not in the contract"));
        let (_, doc) = before.rsplit_once("\n\n").expect("its documentation");
        let doc = text(doc);
        let given = doc
            .rsplit_once("Default ")
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        let is_given = given
            .strip_prefix(&default)
            .is_some_and(|rest| rest.starts_with(['.', ';', ':']));
        assert!(is_given, "{option}: {doc:?} vs {default}");
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
