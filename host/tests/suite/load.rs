//! Bytes that are no component, or not the engine, are reported in one line.

use websocket_host::{LoadError, Sandbox};

use crate::support::{component, config};

/// An empty component.
const EMPTY: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// `(import "env" (func))`, as the sections of a component: a type and an import.
const IMPORT: [u8; 17] = *b"\x07\x05\x01\x40\0\x01\0\x0a\x08\x01\0\x03env\x01\0";

fn error(bytes: &[u8]) -> LoadError {
    let error = Sandbox::from_bytes(bytes, config()).expect_err("it is no component");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

#[test]
fn the_component_loads_and_is_asked_for_its_properties() {
    let sandbox = Sandbox::load(component(), config()).expect("the component loads");
    assert_eq!(sandbox.global_properties().supported_versions, [13]);
}

#[test]
fn a_missing_file() {
    let error = Sandbox::load("/nowhere/websocket.wasm", config()).expect_err("nothing there");
    assert!(matches!(&error, LoadError::Missing(_)));
    assert_eq!(
        error.to_string(),
        "there is no component at /nowhere/websocket.wasm"
    );
}

#[test]
fn an_unreadable_file() {
    let error = Sandbox::load("/", config()).expect_err("a folder");
    assert!(matches!(error, LoadError::Unreadable(..)), "{error}");
}

#[test]
fn bytes_that_are_no_component() {
    let whole = std::fs::read(component()).expect("readable");
    let mut bent = whole.clone();
    bent[whole.len() / 2..][..64].fill(0xff);
    let core_module = b"\0asm\x01\0\0\0";
    for bytes in [
        b"",
        &b"hello"[..],
        core_module,
        &whole[..whole.len() - 9],
        &bent,
    ] {
        let error = error(bytes);
        assert!(matches!(error, LoadError::NotAComponent(_)), "{error}");
    }
}

#[test]
fn a_component_that_imports() {
    let error = error(&[&EMPTY[..], &IMPORT].concat());
    let LoadError::Imports(names) = &error else {
        panic!("{error}");
    };
    assert_eq!(names[..], ["env"]);
}

#[test]
fn another_component() {
    let error = error(&EMPTY);
    assert!(
        matches!(&error, LoadError::OtherExports(names) if names.is_empty()),
        "{error}"
    );
}

#[test]
fn another_version() {
    let version = |from: &[u8], to: &[u8]| {
        let mut bytes = std::fs::read(component()).expect("readable");
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(from) {
                bytes[at..][..to.len()].copy_from_slice(to);
            }
        }
        bytes
    };
    let error = error(&version(
        b"protocol/session@0.2.0",
        b"protocol/session@7.1.0",
    ));
    let LoadError::OtherExports(names) = &error else {
        panic!("{error}");
    };
    assert!(
        names.contains(&"websocket:protocol/session@7.1.0".to_owned()),
        "{error}"
    );
}
