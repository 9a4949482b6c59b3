//! The engine in its sandbox returns the same as the native engine for every call: exchanges, errors, actions,
//! deadlines, and all queries.

mod call;
mod player;

use arbitrary::Unstructured;
use host_tests::{Native, Sandboxed};

use call::Script;
use player::{Answer, Player};

/// # Panics
///
/// If the two give different answers.
pub fn holds(input: &[u8]) {
    let Ok(script) = Script::read(&mut Unstructured::new(input)) else {
        return;
    };
    let native = play::<Native>(&script);
    let component = play::<Sandboxed>(&script);
    for (step, (native, component)) in native.iter().zip(&component).enumerate() {
        assert_eq!(native, component, "answer {step} of {script:?}");
    }
    assert_eq!(native.len(), component.len());
}

fn play<E: host_tests::Engine>(script: &Script<'_>) -> Vec<Answer> {
    let mut player = match Player::<E>::new(script) {
        Ok(player) => player,
        // The component's failure also names the setting that is out of range: only the rules are compared.
        Err(failure) => return vec![Answer::Done(Err(failure.rule.into()))],
    };
    let mut answers = vec![player.look()];
    for call in &script.calls {
        answers.push(player.make(call));
        answers.push(player.look());
    }
    answers
}
