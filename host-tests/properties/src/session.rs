//! One session, and a peer that sends anything.
//!
//! However the input is split and the session is driven, the outcome is the same (hostile class 26), every call makes
//! progress (class 16), and everything that is received and written keeps the rules. Only two things depend on how
//! often the output is drained: whether pings are a flood, and which pings the policy `latest` answers.

use std::mem;

use host_tests::engine::joined;
use host_tests::wire::{FIN, PONG};
use host_tests::{Engine, Event, Native, Pump, heads, wire};
use websocket_component::handshake::Refusal;
use websocket_component::{IncomingPayload, Message, PongPolicy, Role, Rule, State};

use crate::case::{self, Case, NOW, Start};
use crate::outcome::Outcome;
use crate::watch::Watch;
use crate::{memory, opening, written};

/// Checks a server whose peer sends the input.
///
/// # Panics
///
/// If something doesn't hold.
pub fn server(input: &[u8]) {
    holds(Role::Server, input);
}

/// Checks a client whose peer sends the input.
///
/// # Panics
///
/// If something doesn't hold.
pub fn client(input: &[u8]) {
    holds(Role::Client, input);
}

fn holds(role: Role, input: &[u8]) {
    let Ok(case) = Case::read(role, input) else {
        return;
    };
    let (whole, _) = batched(&case, case.engine(), &[usize::MAX], u32::MAX);
    written::is_sound(&case, &whole);
    if case.begins_with_heads() && whole.negotiated.is_some() {
        match role {
            Role::Server => opening::was_asked_for(&case),
            Role::Client => opening::was_agreed_to(&case),
        }
    }
    let (cut, _) = batched(&case, case.engine(), &case.cuts, case.capacity);
    written::is_sound(&case, &cut);
    is_the_same(&case, &whole, cut);
    let mut leaving = case.clone();
    leaving.config.leave_unfinished = case::LEFT;
    let (cut, left) = batched(&leaving, leaving.engine(), &case.cuts, case.capacity);
    // Text that is left in the input is checked when all of it has come.
    if left == 0 || whole.failure != Some(Rule::InvalidUtf8) {
        is_the_same(&case, &whole, cut);
    }
    let mut outside = case.clone();
    outside.config.leave_payloads = Some(case::OUTSIDE);
    let (read, _) = batched(&outside, outside.engine(), &case.cuts, case.capacity);
    is_the_same(
        &case,
        &with_whole_messages(whole.clone()),
        with_whole_messages(read),
    );
    // The pump accepts what a server is asked.
    if case.start != Start::RefusedHead && !case.config.expose_invalid_requests {
        is_the_same(&case, &whole, pumped(&case));
    }
    memory::is_bounded(&case);
}

/// In batches: the pieces one after the other, what isn't consumed again with the next. And how much was not at the end.
fn batched(case: &Case, mut engine: Native, cuts: &[usize], capacity: u32) -> (Outcome, usize) {
    let mut watch = Watch::new(case);
    let mut unread = Vec::new();
    let mut rest = &case.said[..];
    let mut cuts = cuts.iter().cycle();
    let mut silent = 0;
    let mut incoming = None;
    loop {
        if incoming.is_some() && !unread.is_empty() {
            read_payload(&mut engine, &mut unread, &mut incoming, &mut watch);
        }
        let given = unread.len();
        let result = engine.exchange(&unread, &[], NOW, capacity);
        unread.drain(..result.consumed);
        let asked = result.events.contains(&Event::Request);
        let progress =
            result.consumed > 0 || !result.events.is_empty() || !result.output.is_empty();
        if !progress && result.more {
            // Blocks that nothing comes of take work as well.
            silent += 1;
            let most = case.config.deflate.map_or(0, |_| case.said.len());
            assert!(silent <= most, "more of nothing");
        }
        let again = asked || result.more;
        if matches!(result.state, State::Draining | State::Closed) {
            // An exchange that was full when the session closed has left the rest, which nobody takes.
            unread.clear();
        }
        watch.exchanged(given, capacity, result);
        if asked {
            answer(case, &mut engine);
        }
        if again {
            continue;
        }
        let reads = case.config.leave_payloads.is_some();
        if reads && read_payload(&mut engine, &mut unread, &mut incoming, &mut watch) {
            continue;
        }
        let left = unread.len();
        let most_left = case.config.leave_unfinished as usize;
        assert!(left <= most_left, "bytes that nobody takes");
        if rest.is_empty() {
            break;
        }
        let (piece, others) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
        unread.extend_from_slice(piece);
        rest = others;
    }
    let mut outcome = outcome(&mut engine, &watch.events, watch.output);
    // What is held of a message is not lost.
    watch.events.extend(ends(&mut engine));
    outcome.events = joined(&watch.events);
    (outcome, unread.len())
}

/// Reads a payload outside the session, if one is begun or left in the input. Returns whether anything was.
fn read_payload(
    engine: &mut Native,
    unread: &mut Vec<u8>,
    incoming: &mut Option<IncomingPayload>,
    watch: &mut Watch<'_>,
) -> bool {
    if incoming.is_none() && !unread.is_empty() {
        let Some((header, payload)) = engine.begin_payload(unread, NOW) else {
            return false;
        };
        unread.drain(..header);
        *incoming = Some(payload);
    }
    let Some(payload) = incoming.as_mut().filter(|_| !unread.is_empty()) else {
        return false;
    };
    let left = usize::try_from(payload.left()).unwrap_or(usize::MAX);
    let count = left.min(unread.len());
    let is_valid = payload.read(unread) == Ok(count);
    let accepted = engine.payload_read(payload, NOW);
    assert_eq!(accepted.is_ok(), is_valid, "{accepted:?}");
    let bytes: Vec<u8> = unread.drain(..count).collect();
    if is_valid {
        let last = payload.ends_message() && payload.left() == 0;
        watch.read_outside(match payload.is_text() {
            true => Event::Text {
                payload: bytes,
                last,
            },
            false => Event::Binary {
                payload: bytes,
                last,
            },
        });
    }
    if payload.left() == 0 || !is_valid {
        *incoming = None;
    }
    true
}

/// With each message where it ends, whatever came between its pieces, and without one that doesn't: which pieces are
/// delivered depends on the way they take.
fn with_whole_messages(mut outcome: Outcome) -> Outcome {
    let mut come = Vec::new();
    outcome.events.retain_mut(|event| match event {
        Event::Text { payload, last } | Event::Binary { payload, last } => {
            come.append(payload);
            if *last {
                *payload = mem::take(&mut come);
            }
            *last
        }
        _ => true,
    });
    outcome
}

/// The host of a server answers the request.
fn answer(case: &Case, engine: &mut Native) {
    let violation = engine.request().expect("a request").violation;
    if let Some(rule) = violation {
        assert!(case.config.expose_invalid_requests);
        let refused = engine.accept(&case::acceptance(), NOW);
        assert_eq!(refused.map_err(|failure| failure.rule), Err(rule));
    }
    if violation.is_some() || case.start == Start::RefusedHead {
        engine
            .refuse(&Refusal::new(403), NOW)
            .expect("it can be refused");
    } else {
        engine
            .accept(&case::acceptance(), NOW)
            .expect("it breaks no rule");
    }
}

/// By actions, with reads and writes of the cuts' lengths.
fn pumped(case: &Case) -> Outcome {
    let mut pump = Pump::of(case.engine::<Native>());
    pump.now = NOW;
    let mut rest = &case.said[..];
    for cut in case.cuts.iter().cycle() {
        pump.read_at_most = *cut;
        pump.write_at_most = *cut;
        let (piece, others) = rest.split_at(rest.len().min(*cut));
        pump.run(piece);
        rest = others;
        if rest.is_empty() {
            break;
        }
    }
    let mut outcome = outcome(&mut pump.engine, &pump.events, pump.written);
    pump.events.extend(ends(&mut pump.engine));
    outcome.events = joined(&pump.events);
    outcome
}

fn outcome(engine: &mut Native, events: &[Event], output: Vec<u8>) -> Outcome {
    Outcome {
        events: joined(events),
        output,
        failure: engine.failure().map(|failure| failure.rule),
        state: engine.state(),
        negotiated: engine.negotiated(),
        response: engine.response(),
    }
}

/// The transport ends, and with it the session. What it has held of a message until then.
fn ends(engine: &mut Native) -> Vec<Event> {
    engine.end_of_input(NOW);
    if engine.state() == State::Closing {
        // The peer has closed, and answering is the host's.
        engine
            .send(Message::Close, None, NOW)
            .expect("the answer to a close");
    }
    let held = engine.exchange(b"", &[], NOW, u32::MAX).events;
    assert!(held.len() <= 1, "more than a piece was held: {held:?}");
    loop {
        let result = engine.exchange(b"\x81\x00", &[], NOW, u32::MAX);
        assert_eq!(result.events, [], "heard after the end");
        if !result.more {
            break;
        }
    }
    assert_eq!(engine.state(), State::Closed);
    assert_eq!(engine.next_deadline(), None);
    assert_eq!(engine.buffered_amount(), 0);
    assert!(engine.send(Message::Text("x"), None, NOW).is_err());
    assert!(engine.receive(None).is_err());
    held
}

fn is_the_same(case: &Case, whole: &Outcome, mut other: Outcome) {
    let floods = [whole.failure, other.failure].contains(&Some(Rule::PingFlood));
    if case.config.limits.queued_pongs < 65_536 && floods {
        return;
    }
    if case.config.pongs == PongPolicy::Latest {
        let without = without_pongs(case, &other.output);
        assert_eq!(without_pongs(case, &whole.output), without);
        other.output.clone_from(&whole.output);
    }
    assert_eq!(*whole, other, "another outcome of another cut");
}

/// What was written, but for pongs and for mask keys, which depend on how many pongs there are.
fn without_pongs(case: &Case, output: &[u8]) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let head = match case.begins_with_heads() {
        true => heads::end(output),
        false => None,
    };
    let (head, rest) = output.split_at(head.unwrap_or(0));
    if head.starts_with(b"HTTP/1.1 ") && !head.starts_with(b"HTTP/1.1 101 ") {
        return (output.to_vec(), Vec::new());
    }
    let frames = wire::read_frames(rest);
    let others = frames.into_iter().filter(|frame| frame.first != FIN | PONG);
    (
        head.to_vec(),
        others.map(|frame| (frame.first, frame.payload)).collect(),
    )
}
