//! A `Forwarder` of websocket-host writes to each side exactly the bytes that the native inspector forwards, however
//! the input is split, whatever it skips, and wherever it is parked.

#![cfg(feature = "component")]

use std::sync::LazyLock;

use host_tests::gate::component;
use host_tests::inspected::{ENTROPY, Inspects, Native, Proxy};
use host_tests::wire::Frame;
use host_tests::{ROLES, deflate};
use proptest::collection::vec;
use proptest::prelude::*;
use websocket_component::Role;
use websocket_component::inspector::{End, Options};
use websocket_host::inspector::{self as contract, Forwarder, Inspector};
use websocket_host::protocol::{Extension, ExtensionParameter, Instant, Negotiated};
use websocket_host::{CallError, Guest, Sandbox, SandboxConfig};

static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::load(component(), SandboxConfig::default()).expect("a component"));

/// The frames of a side, mostly valid.
fn frames(from: Role) -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        4 => 0..200_usize,
        2 => 4000..4200_usize,
        2 => 0..20_000_usize,
        1 => 65_000..140_000_usize,
    ];
    let frame = (length, 0..40_u8).prop_map(move |(length, kind)| {
        let payload = vec![b'a'; length];
        match kind {
            0 => vec![Frame::new(0x3, "")],
            1 => vec![Frame::close(1000, "bye")],
            2..8 => vec![Frame::ping("ping")],
            8..20 => vec![Frame::text(payload)],
            20..24 => vec![
                Frame::text(payload).not_last(),
                Frame::pong("between"),
                Frame::continuation("z"),
            ],
            _ => vec![Frame::binary(payload)],
        }
    });
    vec(frame, 0..12).prop_map(move |frames| {
        let frames = frames.into_iter().flatten();
        frames.flat_map(|frame| frame.by(from).bytes()).collect()
    })
}

/// Which side is read next, and how many bytes.
fn reads() -> impl Strategy<Value = Vec<(bool, usize)>> {
    let length = prop_oneof![1..20_usize, 1..5000_usize, Just(65_536)];
    vec((any::<bool>(), length), 1..60)
}

fn options(hold_frame: u32) -> Options {
    let mut options = Options::default();
    for direction in [&mut options.client, &mut options.server] {
        direction.hold_frame = hold_frame;
        direction.limits.message = 120_000;
    }
    options
}

/// The bytes that reached each side, how its transport ends, and which rule was broken.
type Outcome = ([Vec<u8>; 2], [End; 2], Option<(Role, String)>);

/// Compressed messages don't refer to earlier ones, so that the connection can be parked.
const PARAMETERS: [&str; 2] = ["client_no_context_takeover", "server_no_context_takeover"];

fn natively(hold: u32, parts: &[(Role, &[u8])]) -> Outcome {
    let negotiated = deflate::negotiated(&PARAMETERS.join("; "));
    let mut proxy = Proxy::<Native>::open(options(hold), &negotiated);
    for (from, part) in parts {
        proxy.send(*from, part);
    }
    for from in ROLES {
        proxy.end_of_input(from);
    }
    let broken = proxy.broken();
    (
        ROLES.map(|to| proxy.reached(to)),
        ROLES.map(|to| proxy.inspector.end(to.peer())),
        broken.map(|(from, rule)| (from, rule.name().to_owned())),
    )
}

/// A guest with an inspector in it.
fn inspector(hold: u32, now: Instant) -> Result<(Guest, Inspector), CallError> {
    let mut guest = SANDBOX.guest()?;
    let parameter = |name: &str| ExtensionParameter {
        name: name.into(),
        value: None,
    };
    let negotiated = Negotiated {
        extensions: vec![Extension {
            name: "permessage-deflate".into(),
            parameters: PARAMETERS.map(parameter).to_vec(),
        }],
        ..Negotiated::default()
    };
    let inspector = Inspector::open(&mut guest, &options(hold), &ENTROPY, &negotiated, now)?;
    Ok((guest, inspector))
}

fn by_forwarder(hold: u32, parts: &[(Role, &[u8])], parks: bool) -> Outcome {
    let (guest, first) = inspector(hold, 0).expect("in range, and the pool has room");
    let mut forwarder = Forwarder::new(guest, first).parking(move |now| inspector(hold, now));
    let mut reached = [Vec::new(), Vec::new()];
    let mut write =
        |to: Role, bytes: &[u8]| reached[usize::from(to == Role::Server)].extend_from_slice(bytes);
    for (from, part) in parts {
        forwarder
            .input(*from, part, 0, &mut write)
            .expect("a guest");
        if parks {
            forwarder.park().expect("a guest");
        }
    }
    for from in ROLES {
        forwarder
            .end_of_input(from, 0, &mut write)
            .expect("a guest");
    }
    for from in ROLES {
        let held = forwarder.held(from);
        assert_eq!(held, 0, "{from:?} holds bytes that nobody will get");
    }
    let ends = ROLES.map(|to| match forwarder.end(to) {
        contract::End::None => End::None,
        contract::End::Shutdown => End::Shutdown,
        contract::End::Reset => End::Reset,
    });
    let violation = forwarder.violation();
    let broken = violation.map(|violation| (violation.from.into(), violation.failure.rule.clone()));
    (reached, ends, broken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_writes_what_the_native_inspector_lets_go_on(
        client in frames(Role::Client),
        server in frames(Role::Server),
        reads in reads(),
        hold in prop_oneof![Just(16_u32), Just(65_536)],
        parks in any::<bool>(),
    ) {
        let mut rest = [&client[..], &server[..]];
        let mut parts = Vec::new();
        let all = reads.iter().copied().chain([(false, usize::MAX), (true, usize::MAX)]);
        for (is_server, length) in all {
            let rest = &mut rest[usize::from(is_server)];
            let (part, left) = rest.split_at(length.min(rest.len()));
            *rest = left;
            let from = if is_server { Role::Server } else { Role::Client };
            if !part.is_empty() {
                parts.push((from, part));
            }
        }
        let native = natively(hold, &parts);
        let forwarded = by_forwarder(hold, &parts, parks);
        prop_assert_eq!(&forwarded.1, &native.1);
        prop_assert_eq!(&forwarded.2, &native.2);
        for (forwarded, native) in forwarded.0.iter().zip(&native.0) {
            prop_assert!(forwarded == native, "{} bytes, not {}", forwarded.len(), native.len());
        }
    }
}
