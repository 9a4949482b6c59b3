//! Compares what an inspector reports with what a session receives that terminates the connection.

use host_tests::inspected::Saw;
use websocket_component::{Config, Deflate, Event, Instant, Role, Session};

use super::case::Case;
use super::{Run, joined, sees_all};

const NOW: Instant = Instant::from_nanos(0);

/// Checks that a session in place of the receiver gets the reported messages, and fails by the same rule at the same
/// byte.
pub(super) fn hear_the_same(case: &Case, run: &Run) {
    let options = case.options(run.from);
    if !options.view.inflate && !case.negotiated.extensions.is_empty() {
        // Compressed messages aren't inflated.
        return;
    }
    let mut config = Config::default();
    config.limits = options.limits;
    config.limits.queued_pongs = u32::MAX;
    config.verify_utf8 = options.view.verify_utf8;
    config.report_control_frames = true;
    config.deflate = Some(Deflate::default());
    let session = match run.from {
        Role::Client => Session::open_server(config, case.negotiated.clone(), NOW),
        Role::Server => Session::open_client(config, &[7; 32], case.negotiated.clone(), NOW),
    };
    let mut session = session.expect("what was agreed");
    let heard = heard(&mut session, case.said(run.from));
    let failure = session.failure();
    let place = |failure: websocket_component::Failure| {
        (failure.rule, failure.offset, failure.limit, failure.value)
    };
    assert_eq!(run.failure.map(place), failure.map(place), "{:?}", run.from);

    let view = &options.view;
    let is_shown = |saw: &Saw| match saw {
        Saw::Text(..) | Saw::Binary(..) => sees_all(view.payload),
        Saw::Ping(_) | Saw::Pong(_) => view.control,
        Saw::Close(..) => true,
        _ => false,
    };
    let shown = |saw: &[Saw]| {
        saw.iter()
            .filter(|saw| is_shown(saw))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&run.saw), shown(&heard), "{:?}", run.from);
}

/// Whole messages and control frames, until it has no more.
fn heard(session: &mut Session, said: &[u8]) -> Vec<Saw> {
    let mut rest = said.to_vec();
    let mut heard = Vec::new();
    loop {
        let mut events = session.input(&mut rest, NOW);
        while let Some(event) = events.next() {
            heard.push(match event {
                Event::Text { payload, last } => Saw::Text(payload.into(), last),
                Event::Binary { payload, last } => Saw::Binary(payload.into(), last),
                Event::Ping { payload } => Saw::Ping(payload.into()),
                Event::Pong { payload, .. } => Saw::Pong(payload.into()),
                Event::Close { code, reason } => {
                    Saw::Close(code, String::from_utf8_lossy(reason).into())
                }
                other => panic!("{other:?}"),
            });
        }
        let consumed = events.consumed();
        rest.drain(..consumed);
        session.take_output(usize::MAX, NOW);
        if !session.has_more() {
            return joined(heard.into_iter());
        }
    }
}
