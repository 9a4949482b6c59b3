//! The same steps in two ways: other cuts of the input and of the output, input or actions.

use host_tests::Event;
use host_tests::engine::joined;
use websocket_component::{PongPolicy, Rule, State};

use super::script::Script;
use super::side::Side;

/// All that has come of a side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    written: Vec<u8>,
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
        Outcome {
            written: side.written,
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
