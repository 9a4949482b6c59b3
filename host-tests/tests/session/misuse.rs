//! Calls that break a rule of the host: each is refused by its rule, and nothing changes.

use std::time::Duration;

use host_tests::engine::{ENTROPY, ROLES, START, rule};
use host_tests::wire::{FIN, Frame, TEXT};
use host_tests::{Engine, Event, Failure, Subject, heads, on_both_engines};
use websocket_component::handshake::{
    Acceptance, HandshakeKind, Header, Negotiated, Refusal, Request,
};
use websocket_component::{
    ActionId, Completion, Config, Deflate, Fault, Instant, Message, Role, Rule, State,
};

on_both_engines![
    settings_that_are_out_of_range,
    class_17_too_little_entropy,
    a_call_that_is_refused_changes_nothing,
    a_client_on_its_way_is_not_disturbed,
    a_server_with_a_request_is_not_disturbed,
];

fn settings_that_are_out_of_range<E: Engine>() {
    fn deflate(config: &mut Config, set: fn(&mut Deflate)) {
        let mut deflate = Deflate::default();
        set(&mut deflate);
        config.deflate = Some(deflate);
    }
    let set: [fn(&mut Config); 14] = [
        |config| config.receive_buffer = 255,
        |config| config.receive_buffer = 0,
        |config| config.send_buffer = 15,
        |config| config.send_buffer = 0,
        |config| config.timeouts.keepalive = Some(Duration::ZERO),
        |config| config.timeouts.keepalive = Some(Duration::from_nanos(999_999)),
        |config| config.limits.inflate_per_call = 1023,
        |config| deflate(config, |deflate| deflate.send_window_bits = 7),
        |config| deflate(config, |deflate| deflate.send_window_bits = 16),
        |config| deflate(config, |deflate| deflate.receive_window_bits = 7),
        |config| deflate(config, |deflate| deflate.receive_window_bits = 16),
        |config| deflate(config, |deflate| deflate.level = 10),
        |config| deflate(config, |deflate| deflate.memory_level = 0),
        |config| deflate(config, |deflate| deflate.memory_level = 10),
    ];
    let negotiated = Negotiated::default();
    for set in set {
        let mut config = Config::default();
        set(&mut config);
        for made in [
            E::client(&config, &ENTROPY, START).err(),
            E::server(&config, START).err(),
            E::open_client(&config, &ENTROPY, &negotiated, START).err(),
            E::open_server(&config, &negotiated, START).err(),
        ] {
            let failure = made.expect("it is out of range");
            assert_eq!(
                (failure.rule, failure.fault),
                (Rule::ConfigOutOfRange, Fault::Host)
            );
        }
    }
    let mut config = Config::default();
    config.receive_buffer = 256;
    config.send_buffer = 16;
    config.timeouts.keepalive = Some(Duration::from_millis(1));
    assert!(E::server(&config, START).is_ok());
}

fn class_17_too_little_entropy<E: Engine>() {
    let config = Config::default();
    let negotiated = Negotiated::default();
    for length in 0..32 {
        let entropy = vec![7; length];
        let refused = Some(Failure::from(Rule::EntropyTooShort));
        assert_eq!(E::client(&config, &entropy, START).err(), refused);
        let open = E::open_client(&config, &entropy, &negotiated, START);
        assert_eq!(open.err(), refused);
    }
    assert!(E::client(&config, &[7; 32], START).is_ok());
    assert!(E::client(&config, &[7; 1000], START).is_ok());
}

/// A call, and the rule that it breaks.
struct Misuse<E> {
    name: &'static str,
    rule: Rule,
    call: fn(&mut E) -> Result<(), Failure>,
}

const NOW: Instant = Instant::from_nanos(7_000_000_000);

fn send<E: Engine>(engine: &mut E, message: Message<'_>) -> Result<(), Failure> {
    engine.send(message, None, NOW)
}

/// Calls that an open session of either role refuses, inside a text message whose first fragment ended inside a
/// character.
fn misuses_when_open<E: Engine>() -> Vec<Misuse<E>> {
    let misuse = |name, rule, call| Misuse { name, rule, call };
    vec![
        misuse("text that is no UTF-8", Rule::TextNotUtf8, |engine| {
            send(engine, Message::Utf8(b"\xff"))
        }),
        misuse("a fragment that is no UTF-8", Rule::TextNotUtf8, |engine| {
            send(engine, Message::Utf8Fragment(b"\xc0"))
        }),
        misuse("a long ping", Rule::ControlPayloadTooLong, |engine| {
            send(engine, Message::Ping(&[0; 126]))
        }),
        misuse("a long pong", Rule::ControlPayloadTooLong, |engine| {
            send(engine, Message::Pong(&[0; 126]))
        }),
        misuse("a long reason", Rule::ControlPayloadTooLong, |engine| {
            send(engine, Message::CloseWith(1000, &[b'x'; 124]))
        }),
        misuse("a reserved code", Rule::CloseCodeForbidden, |engine| {
            send(engine, Message::CloseWith(1006, b""))
        }),
        misuse(
            "a frame of no extension",
            Rule::FrameHeaderInvalid,
            |engine| send(engine, Message::ExtensionFrame(FIN | TEXT, b"x")),
        ),
        misuse("more than the limit", Rule::QueueFull, |engine| {
            let fragment = [b"\xac", &[b'x'; 5000][..]].concat();
            send(engine, Message::Utf8Fragment(&fragment))
        }),
        misuse(
            "another kind of fragment",
            Rule::FragmentMismatch,
            |engine| send(engine, Message::Binary(b"x")),
        ),
        misuse("half a character", Rule::TextNotUtf8, |engine| {
            send(engine, Message::Utf8(b""))
        }),
        misuse("an unknown action", Rule::ActionUnknown, |engine| {
            engine.complete_action(ActionId(99), Completion::Acknowledged, NOW)
        }),
        misuse(
            "the end of no handshake",
            Rule::HandshakeOutOfOrder,
            |engine| engine.end_client_handshake(101, &[], NOW).map(drop),
        ),
        misuse("a handshake again", Rule::HandshakeOutOfOrder, |engine| {
            let outcome = engine.begin_client_handshake(HandshakeKind::Upgrade, &[], &[], &[], NOW);
            outcome.map(drop)
        }),
        misuse("a request again", Rule::HandshakeOutOfOrder, |engine| {
            engine.connect(&Request::new("a", "/"), NOW)
        }),
        misuse(
            "an answer to nothing",
            Rule::HandshakeOutOfOrder,
            |engine| engine.accept(&Acceptance::default(), NOW).map(drop),
        ),
        misuse(
            "a refusal of nothing",
            Rule::HandshakeOutOfOrder,
            |engine| engine.refuse(&Refusal::new(403), NOW),
        ),
    ]
}

/// Makes the wrong call, and checks that it is refused.
#[track_caller]
fn misuse<E: Engine>(engine: &mut E, misuse: &Misuse<E>) {
    let failure = (misuse.call)(engine).expect_err(misuse.name);
    assert_eq!(failure.rule, misuse.rule, "{}", misuse.name);
    assert_eq!(failure.fault, Fault::Host, "{}", misuse.name);
    assert_eq!(engine.failure(), None, "{}", misuse.name);
}

/// The further behaviour of a session.
#[derive(Debug, PartialEq)]
struct Rest {
    events: Vec<Event>,
    output: Vec<u8>,
    states: Vec<State>,
    deadlines: Vec<Option<Instant>>,
}

fn a_call_that_is_refused_changes_nothing<E: Engine>() {
    let mut config = Config::default();
    config.limits.queued_output = 4000;
    for role in ROLES {
        let undisturbed = converse::<E>(role, &config, None);
        assert_eq!(undisturbed.states.last(), Some(&State::Closed));
        for misuse in misuses_when_open::<E>() {
            let disturbed = converse(role, &config, Some(&misuse));
            assert_eq!(disturbed, undisturbed, "{role:?}: {}", misuse.name);
        }
    }
}

/// A conversation with queued output, a half-received message and a ping in flight, in which the wrong call is made.
fn converse<E: Engine>(role: Role, config: &Config, wrong: Option<&Misuse<E>>) -> Rest {
    let mut subject = Subject::<E>::open(role, config);
    subject.sends(Message::Ping(b"timed")).unwrap();
    subject.receives_frames(&[Frame::text("half ").not_last()]);
    subject.queues(Message::Utf8Fragment(b"\xe2\x82")).unwrap();
    subject.exchange_within(&[], 1);
    let mut rest = Rest {
        events: Vec::new(),
        output: Vec::new(),
        states: Vec::new(),
        deadlines: Vec::new(),
    };
    if let Some(wrong) = wrong {
        misuse(&mut subject.engine, wrong);
    }
    let say = [
        vec![],
        vec![Frame::continuation("and half")],
        vec![Frame::pong("timed"), Frame::ping("?")],
        vec![Frame::close(1000, "")],
    ];
    subject.queues(Message::Utf8(b"\xac")).unwrap();
    for frames in say {
        rest.states.push(subject.state());
        rest.deadlines.push(subject.engine.next_deadline());
        rest.events.extend(subject.receives_frames(&frames));
        rest.output.extend(subject.writes_bytes());
    }
    rest.states.push(subject.state());
    rest.deadlines.push(subject.engine.next_deadline());
    subject.engine.end_of_input(subject.now);
    rest.states.push(subject.state());
    rest
}

fn a_client_on_its_way_is_not_disturbed<E: Engine>() {
    let run = |disturb: bool| {
        let mut engine = E::client(&Config::default(), &ENTROPY, START).unwrap();
        let disturb = |engine: &mut E| {
            if disturb {
                let bad = Request::new("a b", "/");
                assert!(engine.connect(&bad, NOW).is_err());
                let accepted = engine.accept(&Acceptance::default(), NOW);
                assert_eq!(rule(accepted), Rule::WrongRole);
                assert_eq!(rule(send(engine, Message::Text("x"))), Rule::NotOpen);
                assert_eq!(rule(send(engine, Message::Close)), Rule::NotOpen);
                engine.abort();
            }
        };
        disturb(&mut engine);
        engine
            .connect(&Request::new("example.org", "/"), NOW)
            .unwrap();
        disturb(&mut engine);
        let head = engine.exchange(b"", &[], NOW, 10_000).output;
        let text = String::from_utf8(head.clone()).unwrap();
        let key = heads::field(&text, "Sec-WebSocket-Key").unwrap();
        disturb(&mut engine);
        let result = engine.exchange(&heads::response_to(key), &[], NOW, 100);
        let frame = [Message::Text("hello").into()];
        (head, result, engine.exchange(b"", &frame, NOW, 100))
    };
    assert_eq!(run(true), run(false));
}

fn a_server_with_a_request_is_not_disturbed<E: Engine>() {
    let run = |disturb: bool| {
        let mut engine = E::server(&Config::default(), START).unwrap();
        let result = engine.exchange(&heads::request(), &[], NOW, 100);
        if disturb {
            let bad = Acceptance {
                subprotocol: Some("never".into()),
                ..Acceptance::default()
            };
            assert_eq!(
                rule(engine.accept(&bad, NOW)),
                Rule::SubprotocolNotRequested
            );
            let bad = Acceptance {
                headers: vec![Header::new("a b", "")],
                ..Acceptance::default()
            };
            assert_eq!(rule(engine.accept(&bad, NOW)), Rule::HeaderNameInvalid);
            let refused = engine.refuse(&Refusal::new(99), NOW);
            assert_eq!(rule(refused), Rule::StatusInvalid);
            let began = engine.begin_server_handshake(HandshakeKind::Upgrade, &[], &bad, NOW);
            assert_eq!(rule(began), Rule::HandshakeOutOfOrder);
            assert_eq!(rule(send(&mut engine, Message::Text("x"))), Rule::NotOpen);
            engine.abort();
        }
        let negotiated = engine.accept(&Acceptance::default(), NOW).unwrap();
        (result, negotiated, engine.exchange(b"", &[], NOW, 1000))
    };
    assert_eq!(run(true), run(false));
}
