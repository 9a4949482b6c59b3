//! However a server parses a path, it finds the same route as the gate.
//!
//! Each reading is implemented here as plainly as possible, and they are applied in any order and number. The gate
//! itself implements only their common normal form.

use proptest::prelude::*;

use super::{Found, Routes};

const PREFIXES: [&str; 4] = ["/chat", "/chat/admin", "/admin", "/caf\u{e9}"];

/// A transformation that some server applies to a path.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Decode,
    DecodeSegments,
    DecodeUnicode,
    DecodeOverlong,
    Backslashes,
    Collapse,
    DropParameters,
    CutAtQuery,
    CutAtFragment,
    TrimSpaces,
    TrimDots,
}

use Reading::*;

const READINGS: [Reading; 11] = [
    Decode,
    DecodeSegments,
    DecodeUnicode,
    DecodeOverlong,
    Backslashes,
    Collapse,
    DropParameters,
    CutAtQuery,
    CutAtFragment,
    TrimSpaces,
    TrimDots,
];

/// A path as a list of segments of bytes: a server that decodes after it has split has separators within segments.
type Segments = Vec<Vec<u8>>;

fn split(path: &[u8]) -> Segments {
    path.split(|&byte| byte == b'/')
        .map(<[u8]>::to_vec)
        .collect()
}

fn read(path: Segments, reading: Reading) -> Segments {
    let each = |change: fn(&[u8]) -> Vec<u8>| path.iter().map(|segment| change(segment)).collect();
    let whole = |change: fn(&[u8]) -> Vec<u8>| split(&change(&path.join(&b'/')));
    match reading {
        Decode => whole(decoded),
        DecodeSegments => each(decoded),
        DecodeUnicode => whole(|path| {
            replaced(
                path,
                &[
                    ("%uff0e", b"."),
                    ("%u002F", b"/"),
                    ("%uFF0F", b"/"),
                    ("%u0063", b"c"),
                ],
            )
        }),
        DecodeOverlong => whole(|path| {
            replaced(
                path,
                &[("\u{ff0f}", b"/"), ("\u{ff0e}", b"."), ("\u{ff43}", b"c")],
            )
        }),
        Backslashes => whole(|path| {
            path.iter()
                .map(|&byte| if byte == b'\\' { b'/' } else { byte })
                .collect()
        }),
        Collapse => path
            .into_iter()
            .enumerate()
            .filter(|(at, segment)| *at == 0 || !segment.is_empty())
            .map(|(_, segment)| segment)
            .collect(),
        DropParameters => each(|segment| until(segment, b';')),
        CutAtQuery => whole(|path| until(path, b'?')),
        CutAtFragment => whole(|path| until(path, b'#')),
        TrimSpaces => each(|segment| segment.trim_ascii().to_vec()),
        TrimDots => each(|segment| {
            let length = segment
                .iter()
                .rposition(|&byte| byte != b'.')
                .map_or(0, |last| last + 1);
            // A name of dots only is kept.
            segment[..if length == 0 { segment.len() } else { length }].to_vec()
        }),
    }
}

fn until(text: &[u8], end: u8) -> Vec<u8> {
    text.iter()
        .copied()
        .take_while(|&byte| byte != end)
        .collect()
}

/// Decodes once, as most servers do.
fn decoded(text: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(text).collect()
}

fn replaced(text: &[u8], pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut text = text.to_vec();
    for (from, to) in pairs {
        while let Some(at) = text
            .windows(from.len())
            .position(|window| window == from.as_bytes())
        {
            text.splice(at..at + from.len(), to.iter().copied());
        }
    }
    text
}

/// Returns the prefix that a server with the same routes finds for a path.
fn prefix(path: &Segments) -> &'static str {
    // Routes encode what a browser encodes.
    let path = replaced(&path.join(&b'/'), &[("%C3%A9", "\u{e9}".as_bytes())]);
    let below = |prefix: &&&str| {
        let rest = path.strip_prefix(prefix.as_bytes());
        rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
    };
    PREFIXES
        .iter()
        .filter(below)
        .max_by_key(|prefix| prefix.len())
        .unwrap_or(&"")
}

/// Routes to servers that are named after the prefix.
fn routes() -> Routes {
    let rule = |(number, prefix)| format!("{prefix}=ws://server-{number}").parse().unwrap();
    let mut rules: Vec<_> = PREFIXES.iter().enumerate().map(rule).collect();
    rules.push("ws://server-".parse().unwrap());
    Routes::new(&rules, &[]).unwrap()
}

fn server(prefix: &str) -> String {
    let number = PREFIXES.iter().position(|&other| other == prefix);
    format!(
        "server-{}",
        number.map(|number| number.to_string()).unwrap_or_default()
    )
}

/// Letters, and special characters of a path, encoded at any depth.
fn spelling() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => Just("/"), 3 => Just("chat"), 2 => Just("admin"), 1 => Just("caf%C3%A9"), 2 => Just("x"),
        1 => Just("%63hat"), 1 => Just("c%2568at"), 1 => Just("%u0063hat"), 1 => Just("%ef%bd%83hat"),
        1 => Just("%2f"), 1 => Just("%252F"), 1 => Just("%5c"), 1 => Just("%u002F"), 1 => Just("%uFF0F"), 1 => Just("%ef%bc%8f"),
        1 => Just(";"), 1 => Just("%3b"), 1 => Just("%253B"), 1 => Just("%3f"), 1 => Just("%2523"),
        1 => Just("."), 1 => Just(".."), 1 => Just("%2e"), 1 => Just("%uff0e"), 1 => Just("%20"), 1 => Just("%2520"),
        1 => Just("%"), 1 => Just("25"), 1 => Just("2"), 1 => Just("f"),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_reading_of_a_path_that_is_passed_on_leads_where_it_was_passed_to(
        path in spelling(),
        readings in prop::collection::vec(prop::sample::select(&READINGS[..]), 0..8),
    ) {
        if let Ok(Found { upstream, .. }) = routes().find(&path) {
            let mut read_so_far = split(path.as_bytes());
            prop_assert_eq!(&upstream.authority, &server(prefix(&read_so_far)), "{}", path);
            for (done, reading) in readings.iter().enumerate() {
                read_so_far = read(read_so_far, *reading);
                let shown = String::from_utf8_lossy(&read_so_far.join(&b'/')).into_owned();
                prop_assert_eq!(&upstream.authority, &server(prefix(&read_so_far)), "{} {:?} {}", path, &readings[..=done], shown);
                let leads_out = read_so_far.iter().any(|segment| segment == b"." || segment == b"..");
                prop_assert!(!leads_out, "{} {:?} {}", path, &readings[..=done], shown);
            }
        }
    }
}
