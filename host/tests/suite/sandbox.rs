//! A guest that fails ends, and no other does.

use std::time::{Duration, Instant};

use websocket_host::protocol::{Compression, Config, Negotiated, Outgoing, OutgoingKind, State};
use websocket_host::{Cache, Guest, Sandbox, SandboxConfig, SandboxError, Session};

use crate::support::{component, config, misbehaving};

/// A frame with this text, as a client sends it: masked with zeros.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

pub(crate) fn server(sandbox: &Sandbox) -> (Guest, Session) {
    let negotiated = Negotiated {
        subprotocol: None,
        extensions: Vec::new(),
    };
    let mut guest = sandbox.guest().expect("a guest");
    let config = Config::default();
    let session = guest
        .open_server(&config, &negotiated, 0)
        .expect("a server");
    (guest, session)
}

/// Makes a guest do this. Returns the result of the call.
pub(crate) fn told(
    guest: &mut Guest,
    session: &Session,
    text: &str,
) -> Result<usize, SandboxError> {
    let result = guest.exchange(session, &frame(text), &[], b"", 1, 1024);
    result.map(|result| result.events.len())
}

#[test]
fn class_29_each_way_to_misbehave_has_its_error_and_ends_one_guest_only() {
    let (mut other, its_session) = server(misbehaving());
    for (text, is_it) in [
        (
            "misbehave: trap",
            (|error| matches!(error, SandboxError::Trap { .. })) as fn(&_) -> bool,
        ),
        ("misbehave: spin", |error| {
            matches!(error, SandboxError::OutOfTime { .. })
        }),
        ("misbehave: hoard", |error| {
            matches!(error, SandboxError::OutOfMemory { .. })
        }),
    ] {
        let (mut guest, session) = server(misbehaving());
        assert_eq!(told(&mut guest, &session, "hello"), Ok(1));
        let error = told(&mut guest, &session, text).expect_err("it misbehaves");
        assert!(is_it(&error), "{text}: {error}");
        assert_eq!(guest.fault(), Some(&error));
        assert_eq!(told(&mut guest, &session, "hello"), Err(error.clone()));
        assert_eq!(guest.state(&session), Err(error.clone()));
        assert_eq!(guest.drop_session(session), Err(error));
        assert_eq!(told(&mut other, &its_session, "hello"), Ok(1));
    }
}

#[test]
fn class_29_a_guest_that_spins_is_stopped_in_time() {
    let (mut guest, session) = server(misbehaving());
    let start = Instant::now();
    told(&mut guest, &session, "misbehave: spin").expect_err("it is stopped");
    let took = start.elapsed();
    // The upper bound allows for a busy machine.
    assert!(
        took >= Duration::from_millis(500) && took < Duration::from_secs(10),
        "{took:?}"
    );
}

#[test]
fn the_pool_is_finite_and_places_come_back() {
    let small = SandboxConfig {
        guests: 2,
        cache: Cache::Off,
        ..config()
    };
    let sandbox = Sandbox::load(component(), small).expect("the component loads");
    let (first, _second) = (sandbox.guest().expect("one"), sandbox.guest().expect("two"));
    assert_eq!(sandbox.guests(), 2);
    assert_eq!(
        sandbox.guest().map(|_| ()),
        Err(SandboxError::PoolExhausted)
    );
    drop(first);
    sandbox.guest().expect("one again");
    assert_eq!(sandbox.guests(), 1);
}

#[test]
fn class_29_memory_ends_at_its_limit() {
    let memory = 8 << 20;
    let sandbox = Sandbox::load(component(), SandboxConfig { memory, ..config() }).expect("loads");
    let (mut guest, session) = server(&sandbox);
    let payload = vec![0; 7 << 20];
    let record = Outgoing {
        kind: OutgoingKind::Binary(Compression::Automatic),
        start: 0,
        length: 7 << 20,
        context: None,
    };
    let result = guest.exchange(&session, b"", &[record], &payload, 1, 1024);
    assert_eq!(
        result.map(|_| ()),
        Err(SandboxError::OutOfMemory { limit: memory })
    );
    let (mut guest, session) = server(&sandbox);
    assert_eq!(guest.state(&session), Ok(State::Open));
}

#[test]
fn a_guest_can_move_to_another_thread() {
    let (mut guest, session) = server(misbehaving());
    let thread = std::thread::spawn(move || told(&mut guest, &session, "hello"));
    assert_eq!(thread.join().expect("no panic"), Ok(1));
}
