//! An inspected connection on which both sides send anything.
//!
//! However each direction is split, however the two interleave, and whatever is skipped, the same is reported,
//! forwarded and refused, even if another inspector resumes whenever the connection is idle. Two sessions that
//! terminate the connection instead receive the same, and fail by the same rule at the same byte.

mod case;
mod sessions;

use arbitrary::Unstructured;
use host_tests::inspected::{Inspects, Proxy, Saw};
use websocket_component::inspector::{End, Payload};
use websocket_component::{Failure, Role, State};

use case::Case;

/// Checks an inspector between two sides, decoded from a fuzz input.
///
/// # Panics
///
/// If something doesn't hold.
pub fn holds(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(case) = Case::read(&mut input) else {
        return;
    };
    let alone = [Role::Client, Role::Server].map(|from| alone(&case, from));
    for run in &alone {
        sessions::hear_the_same(&case, run);
    }
    interleaved(&case, &alone, &mut input);
}

/// The outcome of one direction.
#[derive(Debug, PartialEq)]
struct Run {
    from: Role,
    /// Pieces are put together.
    saw: Vec<Saw>,
    /// How many of the original bytes were forwarded.
    gone: usize,
    failure: Option<Failure>,
    end: End,
}

/// Runs one side alone, all of it at once.
fn alone(case: &Case, from: Role) -> Run {
    let mut proxy = case.proxy();
    proxy.send(from, case.said(from));
    is_sound(case, &mut proxy);
    run(&proxy, from)
}

fn run(proxy: &Proxy, from: Role) -> Run {
    let sent = proxy.sent(from);
    let saw = proxy.saw.iter().filter(|(side, _)| *side == from);
    let failure = proxy.inspector.failure();
    Run {
        from,
        saw: joined(saw.map(|(_, saw)| saw.clone())),
        gone: sent.gone(),
        failure: failure
            .filter(|(side, _)| *side == from)
            .map(|(_, failure)| failure),
        end: proxy.inspector.end(from),
    }
}

/// Runs both sides, split and interleaved as the fuzz input chooses.
fn interleaved(case: &Case, alone: &[Run; 2], input: &mut Unstructured<'_>) {
    let mut proxy = case.proxy();
    let modes: u8 = input.arbitrary().unwrap_or(1);
    proxy.skips = modes & 1 != 0;
    let parks = modes & 2 != 0;
    let mut rest = [case.said(Role::Client), case.said(Role::Server)];
    let mut turn = 0_u8;
    while rest.iter().any(|rest| !rest.is_empty()) {
        turn = turn.wrapping_add(97);
        // Nothing is left to choose from: taking turns.
        let choice: u8 = if input.is_empty() {
            turn
        } else {
            input.arbitrary().unwrap_or(turn)
        };
        let from = if choice & 1 == 0 {
            Role::Client
        } else {
            Role::Server
        };
        let rest = &mut rest[usize::from(choice & 1)];
        let length = 1 + usize::from(choice >> 1).pow(2) / 8;
        let (piece, left) = rest.split_at(length.min(rest.len()));
        *rest = left;
        proxy.send(from, piece);
        is_sound(case, &mut proxy);
        if parks {
            case.parks(&mut proxy);
        }
    }
    let failure = proxy.inspector.failure();
    for expected in alone {
        let run = run(&proxy, expected.from);
        let holds_all = case.options(expected.from).hold_frame == 65_536;
        match failure {
            // Which of two failures comes first is a matter of turns.
            Some((from, failure)) if from == expected.from => {
                assert_eq!(Some(failure), expected.failure, "{from:?}");
                assert_eq!(run.saw, expected.saw);
                let boundary = usize::try_from(failure.offset.unwrap()).unwrap();
                assert!(run.gone >= boundary);
                // How much of a long frame has gone on is a matter of cuts.
                let is_told = if run.gone == boundary {
                    End::Shutdown
                } else {
                    End::Reset
                };
                assert_eq!(run.end, is_told);
                assert!(!holds_all || run.gone == boundary);
            }
            Some(_) => {
                let breaks_a_rule = expected.failure.is_some();
                assert!(run.gone <= expected.gone || (breaks_a_rule && !holds_all));
                let mut run = run;
                // The answer to a close frame that was inserted.
                run.saw.pop_if(|saw| matches!(saw, Saw::Close(..)));
                assert!(
                    is_beginning(&run.saw, &expected.saw),
                    "{:?} of {:?}",
                    run.saw,
                    expected.saw
                );
            }
            None => {
                assert_eq!(expected.failure, None, "{:?}", expected.from);
                assert_eq!((&run.saw, run.gone), (&expected.saw, expected.gone));
            }
        }
    }
}

/// What holds at any time.
fn is_sound(case: &Case, proxy: &mut Proxy) {
    for from in [Role::Client, Role::Server] {
        let close = proxy.inspector.close_code(from);
        let sent = proxy.sent(from);
        let options = case.options(from);
        let gone = sent.gone();
        assert!(
            sent.forwarded.starts_with(&sent.original[..gone]),
            "{from:?} was changed"
        );
        assert_eq!(sent.forwarded.len(), gone + sent.inserted);
        if proxy.inspector.failure().is_none() {
            assert_eq!(sent.inserted, 0);
            // What follows a close frame goes nowhere.
            // A control frame is held as long as any other that is short.
            let longest = (options.hold_frame as usize).max(131 + 8);
            let holds = sent.most_held;
            assert!(close.is_some() || holds <= longest, "{holds} are held");
        }
    }
    assert!(
        proxy.inspector.memory() <= case.memory(),
        "{}",
        proxy.inspector.memory()
    );
    if proxy.inspector.failure().is_some() {
        assert!(!matches!(
            proxy.inspector.state(),
            State::Open | State::Connecting
        ));
    }
    let due = proxy.inspector.next_deadline();
    assert!(due.is_none_or(|due| due > proxy.now), "due at once");
}

/// Chunks of a message put together.
fn joined(saw: impl Iterator<Item = Saw>) -> Vec<Saw> {
    let mut all: Vec<Saw> = Vec::new();
    // Control frames may come between the chunks of a message.
    let mut open = None;
    for next in saw {
        match (open.and_then(|index: usize| all.get_mut(index)), &next) {
            (Some(Saw::Text(text, last)), Saw::Text(more, ends)) if !*last => {
                text.extend(more);
                *last = *ends;
                continue;
            }
            (Some(Saw::Binary(bytes, last)), Saw::Binary(more, ends)) if !*last => {
                bytes.extend(more);
                *last = *ends;
                continue;
            }
            _ => {}
        }
        if matches!(next, Saw::Text(_, false) | Saw::Binary(_, false)) {
            open = Some(all.len());
        }
        all.push(next);
    }
    all
}

/// Whether a run that was ended by the other side saw the beginning of what it would have seen.
fn is_beginning(saw: &[Saw], all: &[Saw]) -> bool {
    saw.len() <= all.len()
        && saw.iter().zip(all).all(|(saw, other)| match (saw, other) {
            (Saw::Text(part, false), Saw::Text(whole, _)) => whole.starts_with(part),
            (Saw::Binary(part, false), Saw::Binary(whole, _)) => whole.starts_with(part),
            _ => saw == other,
        })
}

/// Whether whole messages are seen, as long as any may be.
fn sees_all(payload: Payload) -> bool {
    payload == (Payload::Messages { up_to: u32::MAX })
}
