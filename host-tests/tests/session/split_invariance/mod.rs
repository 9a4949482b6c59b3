//! However the input is split, and whichever way the session is driven, the results are the same: the events (chunks
//! are compared after reassembly), the bytes written, the failure.
//!
//! Two things depend on how often the output is taken, by their nature, and are left out: whether pings are a flood
//! (`limits.queued-pongs` counts what waits), and which pings the policy `latest` answers.

mod conversation;

use host_tests::engine::{ENTROPY, START, joined};
use host_tests::{Engine, Event, Pump, deflate, heads};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use websocket_component::handshake::{Acceptance, Request};
use websocket_component::{Config, Instant, Role, Rule, State};

use conversation::{Conversation, conversations};

/// The results of a conversation.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    events: Vec<Event>,
    output: Vec<u8>,
    failure: Option<Rule>,
    state: State,
}

const NOW: Instant = START;

/// A session that has queued its request if it is a client with a handshake, and all bytes of its peer.
fn start<E: Engine>(conversation: &Conversation) -> (E, Vec<u8>) {
    let Conversation { role, config, .. } = conversation;
    let Some(opening) = conversation.handshake else {
        let negotiated = conversation.deflate.map(deflate::negotiated);
        let engine = E::open(*role, config, &negotiated.unwrap_or_default()).unwrap();
        return (engine, conversation.frames.clone());
    };
    let mut engine = E::new(*role, config).unwrap();
    let mut key = String::new();
    if *role == Role::Client {
        engine.connect(&request(), NOW).unwrap();
        key = key_of_the_client(config);
    }
    let head = opening.head(*role, &key);
    (engine, [head, conversation.frames.clone()].concat())
}

fn request() -> Request {
    Request::new("example.org", "/")
}

/// The key is derived from the entropy, so another client has the same.
fn key_of_the_client(config: &Config) -> String {
    let mut client = host_tests::Native::client(config, &ENTROPY, START).unwrap();
    client.connect(&request(), NOW).unwrap();
    let head = client.exchange(b"", &[], NOW, u32::MAX).output;
    let head = String::from_utf8(head).unwrap();
    heads::field(&head, "Sec-WebSocket-Key").unwrap().into()
}

/// In batches: the chunks one after the other, with unconsumed input passed again with the next.
fn batched<E: Engine>(conversation: &Conversation, cuts: &[usize], capacity: u32) -> Outcome {
    let (mut engine, input) = start::<E>(conversation);
    let mut events = Vec::new();
    let mut output = Vec::new();
    let mut rest = &input[..];
    let mut unread = Vec::new();
    let mut cuts = cuts.iter().cycle();
    let mut idle_calls = 0;
    let config = &conversation.config;
    loop {
        let result = engine.exchange(&unread, &[], NOW, capacity);
        unread.drain(..result.consumed);
        output.extend(result.output);
        let answered = result.events.contains(&Event::Request);
        let heard = !result.events.is_empty();
        events.extend(result.events);
        if answered {
            engine.accept(&Acceptance::default(), NOW).unwrap();
        }
        if answered || result.more {
            // Class 16: every call consumes, emits, or asks for more. It may inflate what it has consumed before.
            let idle = result.consumed == 0 && !heard && engine.buffered_amount() == 0;
            idle_calls = if idle { idle_calls + 1 } else { 0 };
            assert!(
                idle_calls
                    < if config.limits.inflate_per_call > 1024 {
                        1
                    } else {
                        10
                    }
            );
            continue;
        }
        if rest.is_empty() {
            break;
        }
        let cut = (*cuts.next().unwrap()).min(rest.len());
        unread.extend(&rest[..cut]);
        rest = &rest[cut..];
    }
    Outcome {
        events: joined(&events),
        output,
        failure: engine.failure().map(|failure| failure.rule),
        state: engine.state(),
    }
}

/// By actions: reads and writes of the chunks' sizes.
fn pumped<E: Engine>(conversation: &Conversation) -> Outcome {
    let (engine, input) = start::<E>(conversation);
    let mut pump = Pump::of(engine);
    let mut rest = &input[..];
    for cut in conversation.cuts.iter().cycle() {
        pump.read_at_most = *cut;
        pump.write_at_most = *cut;
        let (chunk, others) = rest.split_at((*cut).min(rest.len()));
        pump.run(chunk);
        rest = others;
        if rest.is_empty() {
            break;
        }
    }
    Outcome {
        events: joined(&pump.events),
        output: pump.written,
        failure: pump.engine.failure().map(|failure| failure.rule),
        state: pump.engine.state(),
    }
}

/// Runs a property over random conversations.
fn check(
    cases: u32,
    property: impl Fn(&Conversation) -> Result<(), proptest::test_runner::TestCaseError>,
) {
    let config = ProptestConfig {
        cases: if cfg!(miri) { 2 } else { cases },
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&conversations(), |case| property(&case));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn class_26_cut_anywhere<E: Engine>(cases: u32) {
    check(cases, |conversation| {
        let whole = batched::<E>(conversation, &[usize::MAX], 1 << 30);
        let cut = batched::<E>(conversation, &conversation.cuts, conversation.capacity);
        prop_assert_eq!(whole, cut);
        Ok(())
    });
}

fn class_26_driven_by_actions<E: Engine>(cases: u32) {
    check(cases, |conversation| {
        let whole = batched::<E>(conversation, &[usize::MAX], 1 << 30);
        let pumped = pumped::<E>(conversation);
        prop_assert_eq!(whole, pumped);
        Ok(())
    });
}

mod native {
    use host_tests::Native;

    #[test]
    fn class_26_cut_anywhere() {
        super::class_26_cut_anywhere::<Native>(2048);
    }

    #[test]
    fn class_26_driven_by_actions() {
        super::class_26_driven_by_actions::<Native>(1024);
    }
}

#[cfg(feature = "component")]
mod component {
    use host_tests::{Native, Sandboxed};
    use proptest::prelude::*;

    #[test]
    fn class_26_cut_anywhere() {
        super::class_26_cut_anywhere::<Sandboxed>(64);
    }

    #[test]
    fn class_26_driven_by_actions() {
        super::class_26_driven_by_actions::<Sandboxed>(64);
    }

    #[test]
    fn it_gives_the_same_answers_as_the_native_engine() {
        super::check(256, |conversation| {
            let native = super::batched::<Native>(conversation, &[usize::MAX], 1 << 30);
            let component = super::batched::<Sandboxed>(conversation, &[usize::MAX], 1 << 30);
            prop_assert_eq!(native, component);
            Ok(())
        });
    }
}
