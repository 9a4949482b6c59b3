mod read;
mod refused;

use alloc::string::ToString;

use websocket_component::inspector::Options;

use super::*;
use crate::settings::Origin;

fn parse(json: &str) -> Settings {
    Settings::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// Expects that each configuration is refused with this line.
fn refuses(cases: &[(&str, &str)]) {
    for (json, line) in cases {
        match Settings::parse(json.as_bytes()) {
            Ok(_) => panic!("{json} is accepted"),
            Err(error) => assert_eq!(error.to_string(), *line, "{json}"),
        }
    }
}

/// The options if nothing is set: summaries are switched on, and the time to take output is left to the proxy.
fn unset() -> Options {
    let mut options = Options::default();
    for side in [&mut options.client, &mut options.server] {
        side.view.messages = true;
        side.write = None;
    }
    options
}

/// Expects the options that differ in this from those if nothing is set.
fn sets(json: &str, change: impl Fn(&mut Options)) {
    let mut expected = unset();
    change(&mut expected);
    assert_eq!(parse(json).options, expected, "{json}");
    assert_ne!(expected, unset(), "{json} changes nothing");
}

fn secs(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}
