//! Inspected connections that are parked, without a guest, while they are idle.

use websocket_host::inspector::{Forwarder, Inspector, Options};
use websocket_host::protocol::Negotiated;
use websocket_host::{CallError, Guest, Role, Sandbox, SandboxConfig, SandboxError};

use crate::support::{component, config};

const HELLO: &[u8] = b"\x81\x05Hello";

/// A sandbox whose pool has room for one guest.
fn sandbox() -> Sandbox {
    let config = SandboxConfig {
        guests: 1,
        ..config()
    };
    Sandbox::load(component(), config).expect("the component loads")
}

fn inspector(sandbox: &Sandbox, now: u64) -> Result<(Guest, Inspector), CallError> {
    let mut guest = sandbox.guest()?;
    let (options, negotiated) = (Options::default(), Negotiated::default());
    let inspector = Inspector::open(&mut guest, &options, &[7; 32], &negotiated, now)?;
    Ok((guest, inspector))
}

fn forwarder(sandbox: &Sandbox) -> Forwarder {
    let (guest, first) = inspector(sandbox, 0).expect("a guest");
    let sandbox = sandbox.clone();
    Forwarder::new(guest, first).parking(move |now| inspector(&sandbox, now))
}

#[test]
fn a_connection_at_rest_gives_back_its_guest_and_gets_another_with_the_next_byte() {
    let sandbox = sandbox();
    let mut forwarder = forwarder(&sandbox);
    let mut written = Vec::new();
    for count in 1..=3 {
        assert!(!forwarder.is_parked());
        let mut write = |to, bytes: &[u8]| {
            assert_eq!(to, Role::Client);
            written.extend_from_slice(bytes);
        };
        let sent = forwarder.input(Role::Server, HELLO, count, &mut write);
        sent.expect("a guest");
        assert_eq!(forwarder.park(), Ok(true));
        assert_eq!((forwarder.is_parked(), sandbox.guests()), (true, 0));
        let traffic = forwarder.traffic(Role::Server).expect("it needs no guest");
        assert_eq!((traffic.messages, traffic.bytes), (count, 5 * count));
        assert_eq!(forwarder.close_codes(Role::Server), Ok((None, None)));
        if count < 3 {
            forwarder
                .set_reading(Role::Client, true, count)
                .expect("a guest");
            assert_eq!(sandbox.guests(), 1);
        }
    }
    assert_eq!(written, HELLO.repeat(3));
}

#[test]
fn a_frame_of_which_a_part_is_missing_keeps_its_guest() {
    let sandbox = sandbox();
    let mut forwarder = forwarder(&sandbox);
    let (first, last) = HELLO.split_at(4);
    let mut nowhere = |_, _: &[u8]| {};
    forwarder
        .input(Role::Server, first, 0, &mut nowhere)
        .expect("a guest");
    assert_eq!(forwarder.park(), Ok(false));
    forwarder
        .input(Role::Server, last, 0, &mut nowhere)
        .expect("a guest");
    assert_eq!(forwarder.park(), Ok(true));
}

#[test]
fn without_a_way_to_make_another_guest_nothing_is_parked() {
    let sandbox = sandbox();
    let (guest, inspector) = inspector(&sandbox, 0).expect("a guest");
    let mut forwarder = Forwarder::new(guest, inspector);
    assert_eq!(forwarder.park(), Ok(false));
    assert_eq!(sandbox.guests(), 1);
}

#[test]
fn a_pool_without_room_is_an_error_after_which_the_connection_can_still_be_closed() {
    let sandbox = sandbox();
    let mut forwarder = forwarder(&sandbox);
    assert_eq!(forwarder.park(), Ok(true));
    let other = sandbox.guest().expect("room for one");
    let mut written = Vec::new();
    let mut write = |_, bytes: &[u8]| written.extend_from_slice(bytes);
    match forwarder.input(Role::Server, HELLO, 1, &mut write) {
        Err(CallError::Sandbox(SandboxError::PoolExhausted)) => {}
        other => panic!("{other:?}"),
    }
    // It wasn't checked, so it is never forwarded.
    assert_eq!(forwarder.held(Role::Server), 0);
    assert!(forwarder.is_at_boundary(Role::Client) && forwarder.is_at_boundary(Role::Server));
    drop(other);
    forwarder
        .input(Role::Server, HELLO, 2, &mut write)
        .expect("room again");
    assert_eq!((written, forwarder.held(Role::Server)), (HELLO.to_vec(), 0));
}
