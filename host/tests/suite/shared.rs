//! Guests that several connections share.

use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use websocket_host::inspector::{Inspector, Options};
use websocket_host::protocol::{Config, Negotiated};
use websocket_host::stream::from_upgraded;
use websocket_host::{Guests, Role, Sandbox, SandboxConfig, SandboxError, Seat};

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
    // Five connections leave the first guest, and five are added.
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
    // It gives out no more seats.
    seats.drain(..9);
    let mut new = guests.seat().expect("a seat");
    inspector(&mut new);
    assert_eq!(sandbox.guests(), 3);
}

/// A transport that is a user of the same guest: each write to it makes another session there.
struct Nested {
    guests: Guests,
    written: usize,
}

impl AsyncRead for Nested {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Nested {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut seat = self.guests.seat().expect("a seat");
        let session = seat.lock().server(&Config::default(), 0).expect("one");
        drop(session);
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_transport_may_use_the_guest_that_its_bytes_come_from() {
    let (sandbox, guests) = of_ten(component());
    let io = Nested {
        guests: guests.clone(),
        written: 0,
    };
    let (plain, config) = (Default::default(), Config::default());
    let socket = from_upgraded(io, Role::Server, plain, Vec::new(), &guests, config);
    let mut socket = socket.expect("it opens");
    for _ in 0..2 {
        // Not alone, so that an exchange sends them.
        socket.feed("one".into()).await.expect("queued");
        socket.feed("other".into()).await.expect("queued");
        socket.flush().await.expect("written");
    }
    assert_eq!((socket.get_ref().written, sandbox.guests()), (2 * 12, 1));
}
