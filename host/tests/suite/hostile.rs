//! Hostile guests: components with the right exports that return anything.

use std::fmt::Write;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use wasmparser::{Parser, Payload};
use websocket_host::inspector::{Forwarder, Inspector, Options};
use websocket_host::protocol::{Config, Negotiated};
use websocket_host::stream::{Error, WebSocketStream, from_upgraded};
use websocket_host::{CallError, Role, Sandbox, SandboxError};

use crate::support::{component, config};

const SESSION: &str = "websocket:protocol/session@0.2.0";

/// The type of `exchange`: the ninth parameter is the capacity, the eighth the time.
const EXCHANGE: &str = "(param i32 i32 i32 i32 i32 i32 i32 i64 i32) (result i32)";

/// Results in zeroed memory, which is empty for every type. The result of an exchange has an open session.
const BASE: [(&str, &str); 12] = [
    ("#get-global-properties", "(result i32) (i32.const 0x100)"),
    ("[constructor]session-options", "(result i32) (i32.const 1)"),
    (
        "[constructor]inspector-options",
        "(result i32) (i32.const 1)",
    ),
    ("[dtor]inspector-options", "(param i32)"),
    ("session-options.set-leave-payloads", "(param i32 i32 i64)"),
    ("session-options.set-answer-timeout", "(param i32 i32 i64)"),
    ("session-options.set-reply-to-close", "(param i32 i32)"),
    (
        "websocket-session.open-server",
        "(param i32 i32 i32 i32 i32 i32 i64) (result i32) (i32.const 0x100)",
    ),
    (
        "websocket-session.next-deadline",
        "(param i32) (result i32) (i32.const 0x100)",
    ),
    (
        "websocket-session.payload-read",
        "(param i32 i64 i64 i64) (result i32) (i32.const 0x100)",
    ),
    (
        "websocket-inspector.open",
        "(param i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32) (i32.const 0x100)",
    ),
    (
        "websocket-inspector.progress",
        "(param i32) (result i32) (i32.const 0x100)",
    ),
];

/// The functions of the contract, by their names in the core module of the real component.
fn names() -> Vec<String> {
    let bytes = std::fs::read(component()).expect("readable");
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        if let Payload::ExportSection(exports) = payload.expect("a component") {
            let exports = exports.into_iter().map(|export| export.expect("an export"));
            names.extend(exports.map(|export| export.name.to_owned()));
        }
    }
    names.retain(|name| name.starts_with("websocket:protocol/"));
    names
}

/// Creates a sandbox whose guests have these functions, by the ends of their names, and these data segments.
fn guests(functions: &[(&str, &str)], besides: &str) -> Sandbox {
    let mut module = format!(
        r#"(memory (export "memory") 16) (data (i32.const 0x681) "\01") {besides}
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x8000))"#
    );
    for name in names() {
        let mut known = functions.iter().chain(&BASE);
        let body = known.find(|(end, _)| name.ends_with(end));
        let body = body.map_or("unreachable", |(_, body)| body);
        write!(module, r#"(func (export "{name}") {body})"#).expect("a string");
    }
    let text = format!(
        r#"(component (core module {module}) (instance $nothing)
        (export "{SESSION}" (instance $nothing)))"#
    );
    let bytes = wat::parse_str(text).expect("a component");
    Sandbox::from_bytes(&bytes, config()).expect("it loads")
}

fn open(sandbox: &Sandbox) -> (WebSocketStream<DuplexStream>, DuplexStream) {
    let (near, far) = duplex(1 << 20);
    let (plain, config) = (Default::default(), Config::default());
    let socket = from_upgraded(near, Role::Server, plain, Vec::new(), sandbox, config);
    (socket.expect("it opens"), far)
}

/// Checks that a poll of the stream returns, and that the stream ends with this error.
async fn ends(mut socket: WebSocketStream<DuplexStream>, why: &str) {
    let polled = socket.next().now_or_never();
    let end = match polled {
        Some(end) => end,
        None => tokio::time::timeout(Duration::from_secs(60), socket.next())
            .await
            .expect("in time"),
    };
    match end {
        Some(Err(Error::Sandbox(SandboxError::BrokenContract { reason }))) => {
            assert_eq!(reason, why);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_that_always_has_more_is_broken() {
    let body = format!("{EXCHANGE} (i32.const 0x600)");
    // `more`, and an open session.
    let data = r#"(data (i32.const 0x680) "\01\01")"#;
    let sandbox = guests(&[("websocket-session.exchange", &body)], data);
    let (socket, _peer) = open(&sandbox);
    ends(socket, "it makes no progress").await;
}

#[tokio::test]
async fn one_whose_deadline_is_always_about_to_pass_is_broken() {
    let body = format!(
        "{EXCHANGE} (i64.store (i32.const 0x690) (i64.add (local.get 7) (i64.const 1))) (i32.const 0x600)"
    );
    let data = r#"(data (i32.const 0x688) "\01")"#;
    let sandbox = guests(&[("websocket-session.exchange", &body)], data);
    let (socket, _peer) = open(&sandbox);
    ends(socket, "it makes no progress").await;
}

#[tokio::test]
async fn a_payload_is_as_long_as_its_header_says() {
    let begin = "(param i32 i64 i64 i32 i64) (result i32) (i32.const 0x400)";
    let exchange = format!("{EXCHANGE} (i32.const 0x600)");
    let functions = [
        ("websocket-session.begin-payload", begin),
        ("websocket-session.exchange", &exchange),
    ];
    // Some payload, with more than four million times four billion bytes.
    let data =
        r#"(data (i32.const 0x400) "\01") (data (i32.const 0x408) "\00\00\00\00\00\00\00\40")"#;
    let sandbox = guests(&functions, data);
    let (socket, mut peer) = open(&sandbox);
    peer.write_all(&[0x82, 0xfe, 0x4e, 0x20, 0, 0, 0, 0, 1])
        .await
        .expect("written");
    let why = "its payload length differs from the header's";
    ends(socket, why).await;
}

#[test]
fn events_share_no_bytes() {
    // Two events, each with all 16 bytes of the payload.
    let data = r#"(data (i32.const 0x604) "\00\08\00\00\02\00\00\00" "\00\10\00\00\10\00\00\00")
        (data (i32.const 0x814) "\10") (data (i32.const 0x82c) "\10")"#;
    let body = format!("{EXCHANGE} (i32.const 0x600)");
    let sandbox = guests(&[("websocket-session.exchange", &body)], data);
    let mut guest = sandbox.guest().expect("a guest");
    let (config, plain) = (Config::default(), Negotiated::default());
    let session = guest.open_server(&config, &plain, 1).expect("a session");
    let result = guest.exchange(&session, b"", &[], b"", 2, 1000);
    let reason = "events share bytes".to_owned();
    let error = SandboxError::BrokenContract { reason };
    assert_eq!(result.map(drop), Err(error.clone()));
    assert_eq!(guest.fault(), Some(&error));
}

#[test]
fn a_forwarder_comes_back_from_one_that_skips_nothing_for_ever() {
    let advance = "(param i32 i32 i64 i32 i32 i64) (result i32) (i32.const 0x800)";
    let pass = "(param i32 i32 i64 i64 i64 i32 i64) (result i64) (i64.const 80001)";
    let functions = [
        ("websocket-inspector.advance", advance),
        ("websocket-inspector.pass-header", pass),
    ];
    // One byte can be skipped, and there is more.
    let data = r#"(data (i32.const 0x808) "\01") (data (i32.const 0x818) "\01")"#;
    let sandbox = guests(&functions, data);
    let mut guest = sandbox.guest().expect("a guest");
    let plain = Negotiated::default();
    let inspector = Inspector::open(&mut guest, &Options::default(), &[7; 32], &plain, 1);
    let mut forwarder = Forwarder::new(guest, inspector.expect("an inspector"));
    let result = forwarder.input(Role::Client, b"x", 2, |_, _| {});
    let broken = SandboxError::BrokenContract {
        reason: "it makes no progress".into(),
    };
    assert_eq!(result.map(drop), Err(CallError::Sandbox(broken)));
}
