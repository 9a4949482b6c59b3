//! The same steps in two ways: other cuts of the input and of the output, input or actions.

use host_tests::engine::joined;
use host_tests::wire::{CLOSE, FIN, PONG};
use host_tests::{Event, heads, wire};
use websocket_component::{PongPolicy, Rule, State};

use super::script::Script;
use super::side::Side;

/// All that has come of a side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Up to the close frame.
    written: Vec<u8>,
    /// The frames behind that, but for pongs: pings are answered until the peer's close frame comes, which depends on the
    /// cut.
    behind: Vec<(u8, Vec<u8>)>,
    /// Messages, of which pieces are put together.
    messages: Vec<Event>,
    /// The other events. Where they are among the pieces of a message depends on the cut.
    others: Vec<Event>,
    done: Vec<(u64, bool)>,
    failure: Option<Rule>,
    state: State,
}

impl Outcome {
    pub(super) fn of(side: Side) -> Outcome {
        let (failure, state) = (side.failure(), side.state());
        side.session.drop();
        let is_data = |event: &Event| matches!(event, Event::Text { .. } | Event::Binary { .. });
        let (data, others): (Vec<_>, Vec<_>) = side.heard.into_iter().partition(is_data);
        let mut written = side.written;
        let end = close_ends(&written).unwrap_or(written.len());
        let behind = without_pongs(&written.split_off(end));
        Outcome {
            written,
            behind,
            messages: joined(&data),
            others,
            done: side.sends.told,
            failure,
            state,
        }
    }
}

pub(super) fn is_the_same(script: &Script<'_>, one: [Outcome; 2], other: [Outcome; 2]) {
    let ways = || script.ways.iter().chain(script.others.iter().flatten());
    let failed = |rule| {
        one.iter()
            .chain(&other)
            .any(|side| side.failure == Some(rule))
    };
    // What an action has given to write can't be dropped for a later pong, or because of a flood of them.
    let latest = [&script.client, &script.server].map(|config| config.pongs == PongPolicy::Latest);
    let drops_pongs = latest.contains(&true) || failed(Rule::PingFlood);
    if drops_pongs && ways().any(|way| way.actions) {
        return;
    }
    // Text that is left in the input is checked when all of it has come.
    if failed(Rule::InvalidUtf8) && ways().any(|way| way.leaves) {
        return;
    }
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(
            (one.state, one.failure),
            (other.state, other.failure),
            "another end"
        );
        let matching = one
            .written
            .iter()
            .zip(&other.written)
            .take_while(|(one, other)| one == other);
        let at = matching.count();
        assert!(one.written == other.written, "other output from {at} on");
        assert_eq!(one.behind, other.behind, "other frames behind the close");
        // Nothing is delivered after an abort, and how much of a message was held then depends on the cut.
        let is_aborted = one.failure == Some(Rule::Aborted);
        let messages = |outcome: &Outcome| match outcome.messages.split_last() {
            Some((last, whole)) if is_aborted && !ends(last) => whole.to_vec(),
            _ => outcome.messages.clone(),
        };
        assert!(messages(one) == messages(other), "other messages");
        assert_eq!(one.others, other.others, "other events");
        assert_eq!(one.done, other.done, "other sends");
    }
}

fn ends(event: &Event) -> bool {
    matches!(
        event,
        Event::Text { last: true, .. } | Event::Binary { last: true, .. }
    )
}

/// Where the close frame ends, if one was written to its end.
fn close_ends(written: &[u8]) -> Option<usize> {
    let mut at = match written.starts_with(b"GET ") || written.starts_with(b"HTTP/") {
        true => heads::end(written)?,
        false => 0,
    };
    loop {
        let (first, length) = frame(written.get(at..)?)?;
        at += length;
        if at > written.len() {
            return None;
        }
        if first == FIN | CLOSE {
            return Some(at);
        }
    }
}

/// The first byte and the payload of each frame that is whole, but for pongs.
fn without_pongs(mut written: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((first, length)) = frame(written)
        && let Some((bytes, rest)) = written.split_at_checked(length)
    {
        if first != FIN | PONG {
            let [frame] = &wire::read_frames(bytes)[..] else {
                panic!("one frame");
            };
            frames.push((first, frame.payload.clone()));
        }
        written = rest;
    }
    frames
}

/// The first byte of the frame that begins here, and the length of all of it.
fn frame(bytes: &[u8]) -> Option<(u8, usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (header, payload) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?) as usize),
        short => (2, usize::from(short)),
    };
    let key = if second & 0x80 != 0 { 4 } else { 0 };
    Some((first, header + key + payload))
}
