//! Random traffic between a client and a server: however the wire splits the bytes, each receives what the other sent.

use std::time::Duration;

use host_tests::engine::joined;
use host_tests::{Engine, Event, Native, Pair, deflate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use websocket_component::{Config, Delivery, Message, State};

/// What happens on one side of a pair, or between them.
#[derive(Clone, Debug)]
enum Step {
    Say { client: bool, what: Said },
    Wait(Duration),
}

#[derive(Clone, Debug)]
enum Said {
    Text(String),
    /// The number of fragments.
    Binary(Vec<u8>, usize),
    Ping(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Traffic {
    steps: Vec<Step>,
    chunks: [Vec<usize>; 2],
    latency: Duration,
    configs: [Config; 2],
    /// With this answer about permessage-deflate, if with any.
    deflate: Option<&'static str>,
    client_closes: bool,
}

const ANSWERS: [&str; 3] = [
    "",
    "server_no_context_takeover; client_max_window_bits=8",
    "client_no_context_takeover; server_max_window_bits=8",
];

fn traffic() -> impl Strategy<Value = Traffic> {
    let said = prop_oneof![
        3 => "\\PC{0,50}".prop_map(Said::Text),
        3 => (vec(any::<u8>(), 0..2000), 1..5usize).prop_map(|(bytes, n)| Said::Binary(bytes, n)),
        1 => (60_000..200_000usize).prop_map(|length| Said::Binary(vec![0x5a; length], 1)),
        2 => vec(any::<u8>(), 0..=125).prop_map(Said::Ping),
    ];
    let steps = prop_oneof![
        3 => (any::<bool>(), said).prop_map(|(client, what)| Step::Say { client, what }),
        1 => (0..60_000u64).prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
    ];
    let chunks = || prop_oneof![Just(vec![usize::MAX]), vec(1..3000usize, 1..5)];
    let configs = || {
        (any::<bool>(), select(&[256, 4096, 65_536][..])).prop_map(|(pieces, buffer)| {
            let mut config = deflate::config();
            config.deflate.as_mut().unwrap().min_length = 0;
            if pieces {
                config.delivery = Delivery::Streaming;
            }
            config.receive_buffer = buffer;
            config
        })
    };
    (
        vec(steps, 0..12),
        [chunks(), chunks()],
        (0..2000u64).prop_map(Duration::from_millis),
        [configs(), configs()],
        prop::option::of(select(&ANSWERS[..])),
        any::<bool>(),
    )
        .prop_map(
            |(steps, chunks, latency, configs, deflate, client_closes)| Traffic {
                steps,
                chunks,
                latency,
                configs,
                deflate,
                client_closes,
            },
        )
}

/// Sends it, and records what the other side has to receive.
fn say<E: Engine>(engine: &mut E, what: &Said, now: websocket_component::Instant) -> Option<Event> {
    let mut send = |message| engine.send(message, None, now).unwrap();
    match what {
        Said::Text(text) => {
            send(Message::Text(text));
            Some(Event::text(text))
        }
        Said::Binary(bytes, fragments) => {
            let size = bytes.len().div_ceil(*fragments).max(1);
            let mut rest = &bytes[..];
            while rest.len() > size {
                let (fragment, others) = rest.split_at(size);
                send(Message::BinaryFragment(fragment));
                rest = others;
            }
            send(Message::Binary(rest));
            Some(Event::binary(bytes))
        }
        Said::Ping(payload) => {
            send(Message::Ping(payload));
            None
        }
    }
}

fn check<C: Engine, S: Engine>(cases: u32) {
    let config = ProptestConfig {
        cases: if cfg!(miri) { 2 } else { cases },
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&traffic(), |traffic| {
        let [client, server] = &traffic.configs;
        let negotiated = traffic.deflate.map(deflate::negotiated).unwrap_or_default();
        let mut pair = Pair::<C, S>::open_with(client, server, &negotiated);
        [pair.client.wire.chunks, pair.server.wire.chunks] = traffic.chunks;
        pair.client.wire.latency = traffic.latency;
        pair.server.wire.latency = traffic.latency;
        let mut for_client = Vec::new();
        let mut for_server = Vec::new();
        for step in &traffic.steps {
            match step {
                Step::Say { client: true, what } => {
                    for_server.extend(say(&mut pair.client.engine, what, pair.now));
                }
                Step::Say { what, .. } => {
                    for_client.extend(say(&mut pair.server.engine, what, pair.now));
                }
                Step::Wait(span) => pair.run_for(*span),
            }
        }
        let close = Message::CloseWith(1000, b"");
        if traffic.client_closes {
            pair.client_sends(close).unwrap();
        } else {
            pair.server_sends(close).unwrap();
        }
        pair.drive();
        let closed = Event::close(1000, "");
        for_client.push(closed.clone());
        for_server.push(closed);
        prop_assert_eq!(joined(&pair.client.events()), for_client);
        prop_assert_eq!(joined(&pair.server.events()), for_server);
        prop_assert_eq!(pair.states(), (State::Closed, State::Closed));
        prop_assert_eq!(pair.client.engine.failure(), None);
        prop_assert_eq!(pair.server.engine.failure(), None);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn native_with_native() {
    check::<Native, Native>(512);
}

#[cfg(feature = "component")]
#[test]
fn component_with_component() {
    check::<host_tests::Sandboxed, host_tests::Sandboxed>(48);
}

#[cfg(feature = "component")]
#[test]
fn native_with_component() {
    check::<Native, host_tests::Sandboxed>(48);
    check::<host_tests::Sandboxed, Native>(48);
}
