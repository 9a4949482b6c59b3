//! The closing handshake, and other ends.

use host_tests::engine::rule;
use host_tests::wire::{self, CLOSE, Frame};
use host_tests::{Engine, Event, Pair, ROLES, Subject, on_both_engines};
use websocket_component::{Config, Message, Role, Rule, State};

on_both_engines![
    class_28_every_close_code_that_is_received,
    class_28_every_close_code_that_is_sent,
    a_close_is_answered_with_its_code,
    a_close_without_a_code_is_answered_without_one,
    a_close_is_not_answered_if_the_host_says_so,
    nothing_counts_after_a_close,
    a_close_goes_after_the_data_before_it,
    the_client_closes,
    the_server_closes,
    both_close_at_once,
    no_pong_follows_both_close_frames,
    messages_arrive_until_the_close_is_answered,
    a_close_inside_a_fragmented_message,
    control_payloads_that_are_too_long_to_send,
    a_transport_that_ends_early_is_a_lost_connection,
    a_transport_that_ends_after_the_close_is_fine,
    abort_in_the_middle_of_a_frame,
];

/// RFC 6455, section 7.4, and the registry it founded, row by row.
fn may_be_in_a_close_frame(code: u16) -> bool {
    match code {
        0..=999 => false,
        1000..=1003 => true,
        1004..=1006 => false,
        1007..=1014 => true,
        1015..=2999 => false,
        3000..=4999 => true,
        5000..=u16::MAX => false,
    }
}

/// All codes; for the component, where each needs a guest, those at the boundaries of the ranges and some inside; under
/// Miri those at the boundaries.
fn codes<E: Engine>() -> Vec<u16> {
    if E::NAME == "native" && !cfg!(miri) {
        return (0..=u16::MAX).collect();
    }
    let borders = [999, 1000, 1014, 2999, 3000, 4999, 5000, u16::MAX];
    if cfg!(miri) {
        return borders.into();
    }
    let inside = (0..65_000).step_by(331);
    borders
        .into_iter()
        .chain(1000..1050)
        .chain(inside)
        .collect()
}

fn class_28_every_close_code_that_is_received<E: Engine>() {
    for role in ROLES {
        for code in codes::<E>() {
            let mut subject = Subject::<E>::open(role, &Config::default());
            let events = subject.receives_frames(&[Frame::close(code, "why")]);
            if may_be_in_a_close_frame(code) {
                assert_eq!(events, [Event::close(code, "why")]);
                assert_eq!(subject.writes(), [Frame::close(code, "")]);
                assert_eq!(subject.failed_by(), None);
            } else {
                assert_eq!(events, [], "{code}");
                assert_eq!(subject.has_failed(Rule::CloseCodeReserved), []);
            }
        }
    }
}

fn class_28_every_close_code_that_is_sent<E: Engine>() {
    for role in ROLES {
        for code in codes::<E>() {
            let mut subject = Subject::<E>::open(role, &Config::default());
            // In a batch the code 1005 without a reason means no code: `send` has a case for that.
            let outcome = subject.queues(Message::CloseWith(code, b"why"));
            if may_be_in_a_close_frame(code) {
                assert_eq!(outcome, Ok(()), "{code}");
                assert_eq!(subject.writes(), [Frame::close(code, "why")]);
            } else {
                assert_eq!(rule(outcome), Rule::CloseCodeForbidden, "{code}");
                assert_eq!(subject.state(), State::Open);
            }
            let batch = [Message::CloseWith(code, b"why").into()];
            let mut subject = Subject::<E>::open(role, &Config::default());
            let result = subject.exchange(&batch);
            let allowed = usize::from(may_be_in_a_close_frame(code));
            assert_eq!(result.accepted, allowed, "{code}");
        }
    }
}

/// RFC 6455, section 7.1.1: once the closing handshake is complete the server closes, and the client waits for that.
#[track_caller]
fn assert_closes_cleanly<E: Engine>(subject: &mut Subject<E>) {
    if subject.role == Role::Client {
        assert_eq!(subject.state(), State::Draining);
        subject.engine.end_of_input(subject.now);
    }
    assert_eq!(subject.state(), State::Closed);
    assert_eq!(subject.failed_by(), None);
    assert_eq!(subject.next_deadline(), None);
}

fn a_close_is_answered_with_its_code<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let events = subject.receives_frames(&[Frame::close(1001, "away")]);
        assert_eq!(events, [Event::close(1001, "away")]);
        assert_eq!(subject.writes(), [Frame::close(1001, "")]);
        assert_closes_cleanly(&mut subject);
    }
}

fn a_close_without_a_code_is_answered_without_one<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let events = subject.receives_frames(&[Frame::close_without_code()]);
        assert_eq!(events, [Event::close(1005, "")]);
        assert_eq!(subject.writes(), [Frame::close_without_code()]);
    }
}

fn a_close_is_not_answered_if_the_host_says_so<E: Engine>() {
    let mut config = Config::default();
    config.reply_to_close = false;
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        let events = subject.receives_frames(&[Frame::close(1001, "away")]);
        assert_eq!(events, [Event::close(1001, "away")]);
        assert_eq!(subject.writes(), []);
        assert_eq!(subject.state(), State::Closing);
        // The host may still send messages.
        subject.sends(Message::Text("last words")).unwrap();
        subject.sends(Message::CloseWith(1000, b"bye")).unwrap();
        let expected = [Frame::text("last words"), Frame::close(1000, "bye")];
        assert_eq!(subject.writes(), expected);
        assert_closes_cleanly(&mut subject);
    }
}

fn nothing_counts_after_a_close<E: Engine>() {
    for reply in [true, false] {
        let mut config = Config::default();
        config.reply_to_close = reply;
        config.report_control_frames = true;
        for role in ROLES {
            let mut subject = Subject::<E>::open(role, &config);
            let close = [Frame::close(1000, "")];
            let after = [
                Frame::text("x"),
                Frame::ping("?"),
                Frame::close(1001, "again"),
                Frame::new(0x3, "not even this"),
            ];
            let both = subject.peers(&[&close[..], &after].concat());
            assert_eq!(subject.receives(both), [Event::close(1000, "")]);
            assert_eq!(subject.receives_frames(&after), []);
            assert_eq!(subject.failed_by(), None);
            let answer = if reply { &close[..] } else { &[] };
            assert_eq!(subject.writes(), answer);
        }
    }
}

fn a_close_goes_after_the_data_before_it<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.queues(Message::Binary(&[1; 70_000])).unwrap();
        subject.queues(Message::Text("2")).unwrap();
        subject.queues(Message::CloseWith(1000, b"")).unwrap();
        subject.queues(Message::Ping(b"first")).unwrap();
        let expected = [
            Frame::ping("first"),
            Frame::binary(vec![1; 70_000]),
            Frame::text("2"),
            Frame::close(1000, ""),
        ];
        assert_eq!(subject.writes(), expected);
    }
}

/// Checks what both sides of a pair receive of a closing handshake, and that it ends.
#[track_caller]
fn assert_closed<E: Engine>(pair: &mut Pair<E>, client: &[Event], server: &[Event]) {
    pair.drive();
    assert_eq!(pair.client.events(), client);
    assert_eq!(pair.server.events(), server);
    assert_eq!(pair.states(), (State::Closed, State::Closed));
    assert_eq!(pair.client.engine.failure(), None);
    assert_eq!(pair.server.engine.failure(), None);
}

fn the_client_closes<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.client_sends(Message::Text("last")).unwrap();
    pair.client_sends(Message::CloseWith(3001, b"done"))
        .unwrap();
    assert_eq!(pair.states(), (State::Closing, State::Open));
    assert_closed(
        &mut pair,
        &[Event::close(3001, "")],
        &[Event::text("last"), Event::close(3001, "done")],
    );
}

fn the_server_closes<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.server_sends(Message::Close).unwrap();
    assert_closed(
        &mut pair,
        &[Event::close(1005, "")],
        &[Event::close(1005, "")],
    );
}

fn both_close_at_once<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.client_sends(Message::CloseWith(1000, b"I")).unwrap();
    pair.server_sends(Message::CloseWith(1001, b"no, I"))
        .unwrap();
    assert_closed(
        &mut pair,
        &[Event::close(1001, "no, I")],
        &[Event::close(1000, "I")],
    );
}

/// RFC 6455, section 5.5.2: a ping is not answered once a close frame was received.
fn no_pong_follows_both_close_frames<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.sends(Message::CloseWith(1000, b"")).unwrap();
        assert_eq!(subject.writes().len(), 1);
        subject.receives_frames(&[Frame::ping("?"), Frame::close(1000, "")]);
        let state = match role {
            Role::Server => State::Closed,
            Role::Client => State::Draining,
        };
        assert_eq!(subject.state(), state);
        assert_eq!(subject.writes(), []);
    }
}

fn messages_arrive_until_the_close_is_answered<E: Engine>() {
    let mut pair = Pair::<E>::open(&Config::default(), &Config::default());
    pair.client_sends(Message::CloseWith(1000, b"")).unwrap();
    pair.server_sends(Message::Text("on its way")).unwrap();
    assert_closed(
        &mut pair,
        &[Event::text("on its way"), Event::close(1000, "")],
        &[Event::close(1000, "")],
    );
}

fn a_close_inside_a_fragmented_message<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.sends(Message::TextFragment("half")).unwrap();
        let frames = [Frame::text("half").not_last(), Frame::close(1000, "")];
        let events = subject.receives_frames(&frames);
        assert_eq!(events, [Event::close(1000, "")]);
        let expected = [Frame::text("half").not_last(), Frame::close(1000, "")];
        assert_eq!(subject.writes(), expected);
        assert_closes_cleanly(&mut subject);
    }
}

fn control_payloads_that_are_too_long_to_send<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        for message in [
            Message::Ping(&[b'x'; 126]),
            Message::Pong(&[b'x'; 126]),
            Message::CloseWith(1000, &[b'x'; 124]),
        ] {
            let refused = subject.sends(message);
            assert_eq!(rule(refused), Rule::ControlPayloadTooLong);
        }
        let not_utf8 = subject.sends(Message::CloseWith(1000, b"\xff"));
        assert_eq!(rule(not_utf8), Rule::TextNotUtf8);
        assert_eq!(subject.writes(), []);
        let longest = [b'x'; 123];
        subject.sends(Message::CloseWith(1000, &longest)).unwrap();
        assert_eq!(subject.writes(), [Frame::close(1000, longest)]);
    }
}

fn a_transport_that_ends_early_is_a_lost_connection<E: Engine>() {
    for role in ROLES {
        for closing in [false, true] {
            let mut subject = Subject::<E>::open(role, &Config::default());
            subject.receives_frames(&[Frame::text("half").not_last()]);
            if closing {
                subject.sends(Message::Close).unwrap();
            }
            subject.writes();
            subject.queues(Message::Ping(b"in vain")).unwrap();
            subject.engine.end_of_input(subject.now);
            let failure = subject.engine.failure().unwrap();
            assert_eq!(failure, Rule::ConnectionLost.into());
            assert_eq!(subject.writes(), []);
            assert_eq!(subject.state(), State::Closed);
        }
    }
}

fn a_transport_that_ends_after_the_close_is_fine<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        let close = subject.peers(&[Frame::close(1000, "")]);
        let result = subject.engine.exchange(&close, &[], subject.now, 1);
        subject.engine.end_of_input(subject.now);
        assert_eq!(subject.failed_by(), None);
        // The answer is still to be written.
        assert_eq!(subject.state(), State::Closing);
        let written = [result.output, subject.writes_bytes()].concat();
        assert_eq!(wire::read_frames(&written)[0].first, wire::FIN | CLOSE);
        assert_eq!(subject.state(), State::Closed);
    }
}

fn abort_in_the_middle_of_a_frame<E: Engine>() {
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &Config::default());
        subject.queues(Message::Text("hello")).unwrap();
        let begun = subject.exchange_within(&[], 3).output;
        assert_eq!(begun.len(), 3);
        subject.engine.abort();
        assert_eq!(subject.writes_bytes(), begun);
        assert_eq!(subject.state(), State::Closed);
        assert_eq!(subject.failed_by(), Some(Rule::Aborted));
        assert_eq!(subject.receives_frames(&[Frame::text("x")]), []);
        assert_eq!(rule(subject.sends(Message::Text("x"))), Rule::Aborted);
    }
}
