//! Guests that several connections share.

use std::num::NonZero;

use websocket_host::inspector::{Inspector, Options};
use websocket_host::protocol::{Config, Negotiated};
use websocket_host::{Guests, Sandbox, SandboxConfig, SandboxError, Seat};

use crate::support::{component, misbehaving_component};

fn of_ten(component: std::path::PathBuf) -> (Sandbox, Guests) {
    let config = SandboxConfig {
        guests: 20,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::load(component, config).expect("the component");
    (
        sandbox.clone(),
        Guests::new(sandbox, NonZero::new(10).expect("ten")),
    )
}

fn inspector(seat: &mut Seat) -> Inspector {
    let (options, plain) = (Options::default(), Negotiated::default());
    Inspector::open(&mut seat.lock(), &options, &[7; 32], &plain, 1).expect("an inspector")
}

#[test]
fn a_guest_has_as_many_connections_as_it_may_and_seats_are_taken_again() {
    let (sandbox, guests) = of_ten(component());
    assert_eq!(guests.each(), 10);
    let mut seats: Vec<Seat> = (0..25).map(|_| guests.seat().expect("a seat")).collect();
    assert_eq!(sandbox.guests(), 3);
    // Five leave the first one, and five come.
    seats.drain(..5);
    seats.extend((0..5).map(|_| guests.seat().expect("a seat")));
    seats.extend((0..5).map(|_| guests.clone().seat().expect("a seat")));
    assert_eq!(sandbox.guests(), 3);
    let _one_more = guests.seat().expect("a seat");
    assert_eq!(sandbox.guests(), 4);
    seats.clear();
    assert_eq!(sandbox.guests(), 1);
}

/// The gate drops sessions and inspectors in the same way, without a call into the guest.
#[test]
fn what_is_dropped_is_freed_while_others_stay() {
    let (_, guests) = of_ten(component());
    let mut stays = guests.seat().expect("a seat");
    let memory = |seat: &mut Seat| {
        for _ in 0..500 {
            let mut leaves = guests.seat().expect("a seat");
            let session = leaves.lock().server(&Config::default(), 0).expect("one");
            let inspector = inspector(&mut leaves);
            drop((session, inspector));
        }
        seat.lock().memory()
    };
    let first = memory(&mut stays);
    for _ in 0..5 {
        assert_eq!(memory(&mut stays), first);
    }
}

#[test]
fn a_session_that_is_given_back_is_freed_once() {
    let (_, guests) = of_ten(component());
    let mut seat = guests.seat().expect("a seat");
    for _ in 0..3 {
        let mut guest = seat.lock();
        let session = guest.server(&Config::default(), 0).expect("one");
        guest.drop_session(session).expect("freed");
    }
    let inspector = inspector(&mut seat);
    inspector.drop(&mut seat.lock()).expect("freed");
    // A second time would be the end of the guest.
    let mut guest = seat.lock();
    guest.server(&Config::default(), 0).expect("it goes on");
}

#[test]
fn class_29_what_ends_a_guest_ends_all_in_it_and_nobody_else() {
    let (sandbox, guests) = of_ten(misbehaving_component());
    let mut seats: Vec<Seat> = (0..20).map(|_| guests.seat().expect("a seat")).collect();
    let inspectors: Vec<Inspector> = seats.iter_mut().map(inspector).collect();
    let frame = [&b"\x81\x8f\0\0\0\0"[..], b"misbehave: trap"].concat();
    let mut advance = |index: usize, input: &[u8]| {
        let side = websocket_host::Role::Client;
        inspectors[index].advance(&mut seats[index].lock(), side, 0, input, 2)
    };
    advance(3, &frame).expect_err("a trap");
    for index in 0..20 {
        let result = advance(index, b"\x81\x82\0\0\0\0hi");
        assert_eq!(result.is_ok(), index >= 10, "{index}: {result:?}");
    }
    let fault = seats[0].lock().fault().cloned();
    assert!(
        matches!(fault, Some(SandboxError::Trap { .. })),
        "{fault:?}"
    );
    // Nobody gets a seat there any more.
    seats.drain(..9);
    let mut new = guests.seat().expect("a seat");
    inspector(&mut new);
    assert_eq!(sandbox.guests(), 3);
}
