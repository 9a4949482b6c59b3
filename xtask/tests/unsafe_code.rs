//! Checks where `unsafe` is used in the workspace (hostile inputs, class 27): in the bindings of the component and of
//! the filter for Envoy, in one file of the host that says why, and nowhere else.

mod tree;

use std::collections::BTreeSet;
use std::path::Path;

use tree::{files, text_of};

/// The bindings: the component's, the allocator's C names, and the filter's.
const GLUE: [&str; 3] = ["src/component", "src/c_allocator.rs", "envoy/src/abi"];

/// Returns the numbers, from 1, of the lines that use the keyword, not in a comment or as a part of a longer word.
fn uses_of_unsafe(text: &str) -> Vec<usize> {
    let keyword = concat!("un", "safe");
    let uses = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.match_indices(keyword).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let after = code[at + keyword.len()..].chars().next();
            let in_word = before.is_some_and(|c| c.is_alphanumeric() || "_'\"".contains(c));
            !in_word && after.is_none_or(|c| c.is_whitespace() || "({".contains(c))
        })
    };
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, line)| uses(line))
        .map(|(number, _)| number)
        .collect()
}

#[test]
fn class_27_unsafe_code_is_in_the_glue_and_one_file_of_the_host() {
    let sources = files(".rs");
    assert!(sources.len() > 100, "{} files", sources.len());
    let host = Path::new("host").join("src");
    let mut in_glue = 0;
    let mut in_host = BTreeSet::new();
    for source in &sources {
        let text = text_of(source);
        let lines = uses_of_unsafe(&text);
        if GLUE.iter().any(|glue| source.starts_with(glue)) {
            in_glue += lines.len();
            continue;
        }
        for line in lines {
            says_why(&text, line).unwrap_or_else(|what| panic!("{source:?}, {line}: {what}"));
            in_host.insert(source.clone());
        }
    }
    assert!(in_glue > 0, "the search finds nothing");
    assert_eq!(in_host, BTreeSet::from([host.join("sandbox/cache.rs")]));
}

/// Checks that a comment justifies the use, and an attribute gives the reason.
fn says_why(text: &str, line: usize) -> Result<(), String> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let [.., above, _] = &lines[..] else {
        return Err("nothing above it".into());
    };
    if !above.contains("reason = ") {
        return Err(format!("no reason: {above}"));
    }
    let block = lines.iter().rev().skip(2).map(|line| line.trim());
    let comment: Vec<&str> = block.take_while(|line| line.starts_with("//")).collect();
    match comment.last() {
        Some(first) if first.starts_with("// SAFETY: ") => Ok(()),
        _ => Err(format!("no comment: {comment:?}")),
    }
}

/// The attributes that make the compiler refuse it, on the crate and not on less.
#[test]
fn class_27_the_compiler_forbids_unsafe_code_in_the_engine() {
    let text = text_of(Path::new("src").join("lib.rs"));
    for attribute in [
        "#![cfg_attr(not(feature = \"c-allocator\"), forbid(unsafe_code))]",
        "#![cfg_attr(feature = \"c-allocator\", deny(unsafe_code))]",
    ] {
        assert!(text.lines().any(|line| line == attribute), "{attribute}");
    }
    let mut exceptions = Vec::new();
    for source in files(".rs") {
        if source.starts_with("src") && !GLUE.iter().any(|glue| source.starts_with(glue)) {
            let text = text_of(&source);
            let lines = text.lines().zip(text.lines().skip(1));
            exceptions.extend(
                lines
                    .filter(|(line, _)| {
                        [
                            "allow(unsafe_code",
                            "expect(unsafe_code",
                            "warn(unsafe_code",
                        ]
                        .iter()
                        .any(|level| line.contains(level))
                    })
                    .map(|(_, next)| (source.clone(), next.to_owned())),
            );
        }
    }
    let in_lib = |item: &str| (Path::new("src").join("lib.rs"), item.to_owned());
    let only = ["mod c_allocator;", "mod component;"].map(in_lib);
    assert_eq!(exceptions, only);
}

#[test]
fn the_search_knows_the_keyword_from_words_that_hold_it() {
    let keyword = concat!("un", "safe");
    for used in [
        "{} { x() }",
        "{} fn f() {}",
        "#[{}(export_name = \"x\")]",
        "let x = {}",
    ] {
        assert_eq!(
            uses_of_unsafe(&used.replacen("{}", keyword, 1)),
            [1],
            "{used}"
        );
    }
    for unused in [
        "// {} fn",
        "#[allow({}_code)]",
        "\"'{}-inline'\"",
        "not_{} ()",
        "x // {} {",
    ] {
        let line = unused.replacen("{}", keyword, 1);
        assert_eq!(uses_of_unsafe(&line), [0; 0], "{unused}");
    }
}
