//! Checks the documents against the tree: links have targets, named tests exist, and the table of hostile inputs has
//! all tests of its classes.

mod tree;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use tree::{files, root, text_of};

/// A link of a document, relative to it.
struct Link {
    text: String,
    target: String,
}

/// `[text](target)`, outside of code.
fn links(document: &str) -> Vec<Link> {
    let prose = document.split("```").step_by(2);
    let after_text = prose.flat_map(|part| part.split('[').skip(1));
    let link = |part: &str| {
        let (text, rest) = part.split_once("](")?;
        let (target, _) = rest.split_once(')')?;
        let (text, target) = (text.trim_matches('`').to_owned(), target.to_owned());
        Some(Link { text, target })
    };
    after_text.filter_map(link).collect()
}

/// The book lists every page of its folder, and each page exists, also those included from elsewhere.
#[test]
fn the_book_has_all_of_its_pages() {
    let pages = files(".md").into_iter().filter_map(|path| {
        let page = path.strip_prefix("docs").ok()?.to_owned();
        (page.as_os_str() != "SUMMARY.md").then_some(page)
    });
    let listed = links(&text_of("docs/SUMMARY.md")).into_iter();
    let listed = listed.map(|link| PathBuf::from(link.target));
    assert_eq!(pages.collect::<BTreeSet<_>>(), listed.collect());
    for page in files(".md") {
        let text = text_of(&page);
        for include in text.split("{{#include ").skip(1) {
            let (path, _) = include.split_once("}}").expect("its end");
            let (path, anchor) = path.split_once(':').unwrap_or((path, ""));
            let included = text_of(page.with_file_name(path));
            assert!(
                included.contains(&format!("ANCHOR: {anchor}")) || anchor.is_empty(),
                "{anchor}"
            );
        }
    }
}

/// README's program is the example, which can be run from the repository.
#[test]
fn the_hosts_readme_has_its_example() {
    let text = |path: &str| text_of(root().join(path));
    let (readme, example) = (text("host/README.md"), text("host/examples/echo.rs"));
    let (_, program) = example.split_once("\n\n").expect("what it is, first");
    assert!(readme.contains(&format!("```rust\n{program}```")));
}

/// Returns the lines of shell blocks, joined where they end in a backslash.
fn commands() -> Vec<(PathBuf, String)> {
    let mut commands = Vec::new();
    for document in files(".md") {
        let text = text_of(&document);
        for block in text.split("\n```sh\n").skip(1) {
            let (block, _) = block.split_once("```").expect("its end");
            let block = block.replace("\\\n", " ");
            let lines = block.lines();
            commands.extend(lines.map(|line| (document.clone(), line.trim().to_owned())));
        }
    }
    commands
}

/// Packages, targets and scripts in commands exist. Other tests check that `cargo xtask` and the gate parse their
/// arguments.
#[test]
fn commands_name_packages_targets_and_scripts_that_are_there() {
    let mut checked = 0;
    for (document, command) in commands() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let place = |path: &str| root().join(path);
        let said = format!("{}: {command}", document.display());
        if words[0].contains(".sh") {
            assert!(place(words[0]).is_file(), "{said}");
        }
        let options = words.windows(2).take_while(|pair| pair[0] != "--");
        for pair in options {
            let is_there = match pair {
                ["-p", package] => files("Cargo.toml").iter().any(|manifest| {
                    text_of(manifest).contains(&format!("\nname = \"{package}\"\n"))
                }),
                ["--example", name] => ["examples", "host/examples"]
                    .iter()
                    .any(|folder| place(&format!("{folder}/{name}.rs")).is_file()),
                ["--test", name] => place(&format!("host-tests/tests/{name}")).is_dir(),
                ["run", script] if words[0] == "npm" => {
                    text_of("js/package.json").contains(&format!("\"{script}\":"))
                }
                _ => continue,
            };
            assert!(is_there, "{said}");
            checked += 1;
        }
    }
    assert!(checked > 8, "{checked} names");
}

/// With `--help` after them, arguments are parsed and nothing is started; arguments of other programs are left out.
#[test]
fn cargo_xtask_understands_every_command() {
    let mut checked = 0;
    for (document, command) in commands() {
        let Some(arguments) = command.strip_prefix("cargo xtask ") else {
            continue;
        };
        let arguments = arguments.split(" -- ").next().unwrap_or_default();
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        // Its arguments are another program's, which would be built for its help.
        if arguments[0] == "soak" {
            continue;
        }
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let output = xtask.args(arguments).arg("--help").output();
        let output = output.expect("it runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{}: {command}: {errors}",
            document.display()
        );
        checked += 1;
    }
    assert!(checked > 8, "{checked} commands");
}

#[test]
fn links_lead_to_files_of_the_project_and_names_to_what_has_them() {
    for document in files(".md") {
        for Link { text, target } in links(&text_of(&document)) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let path = document.with_file_name(path);
            assert!(
                root().join(&path).exists(),
                "{}: {target}",
                document.display()
            );
            // A link that names a test or an item.
            let is_name = match path.extension().and_then(OsStr::to_str) {
                Some("rs") => !text.contains([' ', '/', '.']),
                Some("mjs") => text.contains(' '),
                _ => false,
            };
            if is_name {
                let source = text_of(&path);
                assert!(source.contains(&text), "{text} is not in {target}");
            }
        }
    }
}

/// The tests `class_NN_…` of all sources, with their files.
fn tests_by_class() -> BTreeSet<(u32, String, PathBuf)> {
    let mut tests = BTreeSet::new();
    for file in files(".rs") {
        let source = text_of(&file);
        for part in source.split("fn class_").skip(1) {
            let end = part.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
            let Some((class, name)) = part[..end.unwrap_or(part.len())].split_once('_') else {
                continue;
            };
            let Ok(class) = class.parse() else { continue };
            tests.insert((class, name.to_owned(), file.clone()));
        }
    }
    tests
}

#[test]
fn the_table_of_hostile_inputs_has_every_test_of_every_class() {
    let text = text_of("docs/hostile-inputs.md");
    let mut listed = BTreeSet::new();
    let mut classes = Vec::new();
    for line in text.lines() {
        let Some(class) = line.split('|').nth(1).map(str::trim) else {
            continue;
        };
        let Ok(class) = class.parse::<u32>() else {
            continue;
        };
        classes.push(class);
        let tests = line.split('|').nth(4).unwrap_or_default();
        for Link { text, target } in links(tests) {
            let file = PathBuf::from(target.trim_start_matches("../"));
            listed.insert((class, text, file));
        }
    }
    assert!(classes.into_iter().eq(1..=30));
    let tests = tests_by_class();
    let missing: Vec<_> = tests.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the table: {missing:#?}");
    let gone: Vec<_> = listed.difference(&tests).collect();
    assert!(gone.is_empty(), "not in the sources: {gone:#?}");
    for class in 1..=30 {
        let tested = tests.iter().any(|(of, ..)| *of == class);
        assert!(tested, "class {class} has no test");
    }
}
