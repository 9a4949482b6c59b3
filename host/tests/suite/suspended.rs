//! Calls that yield, so that a guest doesn't block other tasks of its thread.

use std::future;
use std::task::Poll;
use std::time::Duration;

use tokio::task;
use websocket_host::protocol::{Config, Negotiated};
use websocket_host::{Guest, Role, Sandbox, SandboxConfig, SandboxError, Session};

use crate::frames;
use crate::sandbox::{frame, server, told};
use crate::support::{component, config, misbehaving_component};

/// Long enough for several of its eight ticks, also where threads wait for a processor.
const CALL_TIME: Duration = Duration::from_secs(1);

fn suspending() -> SandboxConfig {
    SandboxConfig {
        async_calls: true,
        call_time: CALL_TIME,
        ..config()
    }
}

fn misbehaving() -> Sandbox {
    Sandbox::load(misbehaving_component(), suspending()).expect("the component loads")
}

async fn told_async(
    guest: &mut Guest,
    session: &Session,
    text: &str,
) -> Result<usize, SandboxError> {
    let input = frame(text);
    let result = guest.exchange_async(session, &input, &[], b"", 1, 1024);
    Ok(result.await?.events.len())
}

/// Polls once. A guest that spins is suspended then.
async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let polled = future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
    match polled.await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_suspended_call_comes_to_what_a_plain_one_comes_to() {
    let sandbox = Sandbox::load(component(), suspending()).expect("the component loads");
    let mut guest = sandbox.guest().expect("a guest");
    let mut pair = || {
        let mut server = || guest.open_server(&Config::default(), &Negotiated::default(), 0);
        let source = server().expect("a server");
        let entropy = [7; 32];
        let target = guest.open_client(&Config::default(), &entropy, &Negotiated::default(), 0);
        (source, target.expect("a client"))
    };
    let [(plain, plain_target), (suspended, suspended_target)] = [pair(), pair()];
    for length in [0, 1, 125, 126, 70_000] {
        let input = frames::frame(0x81, "ż".repeat(length).as_bytes(), Role::Client);
        let result = guest
            .exchange(&plain, &input, &[], b"", 1, 1 << 20)
            .expect("it runs");
        let expected = (
            result.consumed,
            result.payload.to_vec(),
            result.output.to_vec(),
        );
        let result = guest.exchange_async(&suspended, &input, &[], b"", 1, 1 << 20);
        let result = result.await.expect("it runs");
        let given = (
            result.consumed,
            result.payload.to_vec(),
            result.output.to_vec(),
        );
        assert_eq!(given, expected, "{length}");

        let result = guest
            .relay(&plain, &plain_target, &input, 1, 1 << 20)
            .expect("it runs");
        let expected = (result.target.output.to_vec(), result.source.consumed);
        let result = guest.relay_async(&suspended, &suspended_target, &input, 1, 1 << 20);
        let result = result.await.expect("it runs");
        assert_eq!(
            (result.target.output.to_vec(), result.source.consumed),
            expected
        );
    }
}

#[tokio::test]
async fn class_29_other_tasks_of_the_thread_go_on_while_a_guest_spins_until_it_is_stopped() {
    let sandbox = misbehaving();
    let (mut guest, session) = server(&sandbox);
    let (mut other, other_session) = server(&sandbox);
    let spinning = async {
        let error = told_async(&mut guest, &session, "misbehave: spin").await;
        error.expect_err("it is stopped")
    };
    // All on one thread.
    let mut answers = 0;
    let others = async {
        loop {
            assert_eq!(told_async(&mut other, &other_session, "hello").await, Ok(1));
            answers += 1;
            task::yield_now().await;
        }
    };
    let error = tokio::select! {
        error = spinning => error,
        () = others => unreachable!("it goes on"),
    };
    assert_eq!(error, SandboxError::OutOfTime { limit: CALL_TIME });
    // One each tick.
    assert!(answers > 1, "{answers}");
    assert_eq!(guest.fault(), Some(&error));
    assert_eq!(told(&mut other, &other_session, "hello"), Ok(1));
}

#[tokio::test]
async fn class_29_a_guest_whose_suspended_call_is_dropped_has_ended_and_its_place_is_free() {
    let sandbox = misbehaving();
    let (mut guest, session) = server(&sandbox);
    assert_eq!(told_async(&mut guest, &session, "hello").await, Ok(1));
    assert_eq!(
        poll_once(told_async(&mut guest, &session, "misbehave: spin")).await,
        None
    );
    let cancelled = SandboxError::Cancelled;
    assert_eq!(guest.fault(), Some(&cancelled));
    assert_eq!(told(&mut guest, &session, "hello"), Err(cancelled.clone()));
    assert_eq!(guest.drop_session(session), Err(cancelled));
    drop(guest);
    assert_eq!(sandbox.guests(), 0);
    let (mut guest, session) = server(&sandbox);
    assert_eq!(told_async(&mut guest, &session, "hello").await, Ok(1));
}

#[tokio::test]
async fn class_29_a_suspended_call_may_go_on_in_another_thread_and_is_stopped_there() {
    let sandbox = misbehaving();
    let (mut guest, session) = server(&sandbox);
    let mut spinning = Box::pin(async move {
        let told = told_async(&mut guest, &session, "misbehave: spin").await;
        told.expect_err("it is stopped")
    });
    let error = loop {
        let thread = task::spawn_blocking(move || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let polled = spinning.as_mut().poll(&mut context);
            (spinning, polled)
        });
        let (returned, polled) = thread.await.expect("no panic");
        spinning = returned;
        if let Poll::Ready(error) = polled {
            break error;
        }
    };
    assert_eq!(error, SandboxError::OutOfTime { limit: CALL_TIME });
}

#[tokio::test]
async fn a_sandbox_that_was_not_made_for_it_says_that_there_is_no_stack() {
    let (mut guest, session) = server(crate::support::sandbox());
    let error = told_async(&mut guest, &session, "hello").await;
    let error = error.expect_err("there is none").to_string();
    assert!(error.contains("stack"), "{error}");
}
