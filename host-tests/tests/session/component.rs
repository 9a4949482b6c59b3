//! Properties of the component only: its imports, its memory.

use host_tests::sandboxed::{component_path, sandbox};
use host_tests::wire::{Frame, LengthForm};
use host_tests::{Engine, Event, ROLES, Sandboxed, Subject};
use wasmparser::{Parser, Payload};
use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Instant, Message, Role, State};
use websocket_host::{Sandbox, SandboxConfig, SandboxError};

#[test]
fn it_imports_nothing() {
    let path = component_path();
    let bytes = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask component`", path.display()));
    // The parser descends into nested modules and components; only the outermost level matters to a host.
    let mut depth = 0;
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("a sound component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                let names = section.into_iter().map(|import| import.unwrap().name);
                imports.extend(names.map(|name| name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                let names = section.into_iter().map(|export| export.unwrap().name);
                exports.extend(names.map(|name| name.name.to_owned()));
            }
            _ => {}
        }
    }
    assert_eq!(imports, [""; 0]);
    exports.sort_unstable();
    let interfaces = [
        "websocket:protocol/inspector@0.2.0",
        "websocket:protocol/options@0.2.0",
        "websocket:protocol/session@0.2.0",
        "websocket:protocol/types@0.2.0",
    ];
    assert_eq!(exports, interfaces);
}

#[test]
fn class_14_memory_stays_flat_after_a_header_that_claims_16_mib() {
    for role in ROLES {
        let mut subject = Subject::<Sandboxed>::open(role, &Config::default());
        subject.receives_frames(&[Frame::text("warm")]);
        let before = subject.engine.memory();
        let frame = Frame::binary("").by(role.peer());
        let header = frame.header(16 << 20);
        subject.receives(header);
        subject.receives([0; 10]);
        assert_eq!(subject.state(), State::Open);
        assert_eq!(subject.engine.memory(), before);
    }
}

#[test]
fn class_06_memory_stays_flat_in_a_flood_of_empty_fragments() {
    let mut subject = Subject::<Sandboxed>::open(Role::Client, &Config::default());
    subject.receives(Frame::binary("").not_last().bytes());
    let hundred = Frame::continuation("").not_last().bytes().repeat(100);
    subject.receives(&hundred);
    let before = subject.engine.memory();
    for _ in 0..600 {
        subject.receives(&hundred);
    }
    assert_eq!(subject.state(), State::Open);
    assert_eq!(subject.engine.memory(), before);
}

#[test]
fn memory_stays_flat_over_many_messages() {
    let mut subject = Subject::<Sandboxed>::open(Role::Server, &Config::default());
    let message = vec![0x5a; 20_000];
    let frames = [
        Frame::binary(&message),
        Frame::ping("?"),
        Frame::text("x").not_last(),
        Frame::continuation("y"),
    ];
    let bytes = subject.peers(&frames);
    let round = |subject: &mut Subject<Sandboxed>| {
        // Whole in one input, and cut.
        subject.receives(&bytes);
        for chunk in bytes.chunks(4096) {
            subject.receives(chunk);
        }
        subject.sends(Message::Binary(&message)).unwrap();
        assert!(!subject.writes_bytes().is_empty());
    };
    (0..10).for_each(|_| round(&mut subject));
    let before = subject.engine.memory();
    (0..1000).for_each(|_| round(&mut subject));
    assert_eq!(subject.engine.memory(), before);
}

#[test]
fn memory_stays_flat_while_output_always_waits() {
    let mut subject = Subject::<Sandboxed>::open(Role::Server, &Config::default());
    let message = Message::Binary(&[0x5a; 1000]);
    (0..2).for_each(|_| subject.queues(message).unwrap());
    let round = |subject: &mut Subject<Sandboxed>| {
        subject.queues(message).unwrap();
        subject.exchange_within(&[], 1004);
        assert_eq!(subject.engine.buffered_amount(), 2008);
    };
    (0..100).for_each(|_| round(&mut subject));
    let before = subject.engine.memory();
    (0..5000).for_each(|_| round(&mut subject));
    assert_eq!(subject.engine.memory(), before);
}

/// Without a limit in the session, the sandbox's limit applies, and the process survives.
#[test]
fn class_15_without_a_limit_the_guests_memory_is_the_limit() {
    let limits = SandboxConfig {
        guests: 2,
        memory: 8 << 20,
        ..sandbox().config().clone()
    };
    let small = Sandbox::load(component_path(), limits).unwrap();
    let mut config = Config::default();
    config.limits.message = u64::MAX;
    config.limits.frame = u64::MAX;
    let negotiated = Negotiated::default();
    let mut engine = Sandboxed::open_in(&small, Role::Client, &config, &negotiated).unwrap();
    let header = Frame::binary("").bytes_with(LengthForm::SixtyFour, i64::MAX as u64);
    let now = Instant::default();
    engine.try_exchange(&header, &[], now, 1000).unwrap();
    let megabyte = vec![0; 1 << 20];
    let ended = (0..100).find_map(|_| engine.try_exchange(&megabyte, &[], now, 1000).err());
    let limit = 8 << 20;
    assert_eq!(ended, Some(SandboxError::OutOfMemory { limit }));
    assert!(engine.memory() <= limit);
    // Another one in the same sandbox works.
    let mut other = Sandboxed::open_in(&small, Role::Client, &config, &negotiated).unwrap();
    let result = other.exchange(&Frame::text("hello").bytes(), &[], now, 1000);
    assert_eq!(result.events, [Event::text("hello")]);
}
