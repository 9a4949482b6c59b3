//! Closing handshakes that don't complete.

use host_tests::engine::ROLES;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, Subject, heads, on_both_engines};
use websocket_component::handshake::Refusal;
use websocket_component::{Message, Role, Rule, State};

use super::{SECOND, config, fails_in};

on_both_engines![
    class_22_a_close_that_is_not_answered,
    class_22_a_close_stuck_behind_a_queue,
    class_22_a_close_that_is_not_taken,
    class_23_a_close_that_trickles,
    a_refusal_has_all_its_time_however_late_it_is_given,
    a_close_behind_data_that_goes_out_has_all_its_time,
    a_close_after_a_quiet_spell_is_sent,
    a_close_that_the_host_has_to_answer_waits_for_it,
];

fn class_22_a_close_that_is_not_answered<E: Engine>() {
    let config = config(|timeouts| timeouts.close = Some(10 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.sends(Message::CloseWith(1000, b"bye")).unwrap();
        assert_eq!(subject.writes(), [Frame::close(1000, "bye")]);
        // Other frames don't postpone it.
        subject.waits(5 * SECOND);
        subject.receives_frames(&[Frame::text("still here"), Frame::ping("?")]);
        subject.writes();
        fails_in(&mut subject, 5 * SECOND, Rule::CloseTimeout);
        assert_eq!(subject.state(), State::Closed);
        assert_eq!(subject.writes(), []);
        assert_eq!(subject.next_deadline(), None);
    }
}

fn class_22_a_close_stuck_behind_a_queue<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Binary(&[0; 100_000])).unwrap();
    subject.queues(Message::Close).unwrap();
    let result = subject.exchange_within(&[], 5);
    assert_eq!(result.state, State::Closing);
    subject.now = subject.now.after(10 * SECOND);
    let result = subject.exchange_within(&[], 5);
    assert_eq!(result.state, State::Closed);
    assert_eq!(result.output, b"");
    assert_eq!(subject.failed_by(), Some(Rule::WriteTimeout));
    assert_eq!(subject.engine.buffered_amount(), 0);
}

/// The close frames are exchanged, but the transport accepts no more.
fn class_22_a_close_that_is_not_taken<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.queues(Message::Text("stuck")).unwrap();
    let close = subject.peers(&[Frame::close(1000, "")]);
    let result = subject.engine.exchange(&close, &[], subject.now, 1);
    assert_eq!(result.events, [Event::close(1000, "")]);
    assert_eq!(result.state, State::Closing);
    subject.now = subject.now.after(10 * SECOND);
    let result = subject.exchange_within(&[], 1);
    assert_eq!(result.state, State::Closed);
    assert_eq!(result.next_deadline, None);
}

/// The host took longer to refuse than a closing handshake may take.
fn a_refusal_has_all_its_time_however_late_it_is_given<E: Engine>() {
    let config = config(|timeouts| timeouts.write = Some(10 * SECOND));
    let refused = || {
        let mut subject = Subject::<E>::new(Role::Server, &config);
        assert_eq!(subject.receives(heads::request()), [Event::Request]);
        subject.now = subject.now.after(60 * SECOND);
        subject
            .engine
            .refuse(&Refusal::new(504), subject.now)
            .unwrap();
        subject
    };
    let mut subject = refused();
    subject.exchange(&[]);
    assert!(subject.writes_text().starts_with("HTTP/1.1 504 "));
    // A response that the transport doesn't accept.
    let mut subject = refused();
    assert_eq!(subject.exchange_within(&[], 1).output, b"H");
    assert_eq!(subject.state(), State::Closing);
    subject.now = subject.now.after(10 * SECOND);
    assert_eq!(subject.exchange_within(&[], 1).output, b"");
    assert_eq!(subject.state(), State::Closed);
    assert_eq!(subject.failed_by(), Some(Rule::WriteTimeout));
    assert_eq!(subject.next_deadline(), None);
}

/// The peer gets its time to answer from when it was sent the close, however long the data before it takes.
fn a_close_behind_data_that_goes_out_has_all_its_time<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.close = Some(10 * SECOND);
        timeouts.write = Some(10 * SECOND);
    });
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.queues(Message::Binary(&[0; 60_000])).unwrap();
        subject.queues(Message::CloseWith(1000, b"bye")).unwrap();
        let mut seconds = 0;
        while subject.engine.buffered_amount() > 0 {
            subject.exchange_within(&[], 1000);
            assert_eq!(subject.failed_by(), None, "after {seconds} s");
            seconds += 1;
            subject.now = subject.now.after(SECOND);
        }
        assert!(seconds > 60);
        assert_eq!(subject.state(), State::Closing);
        assert_eq!(subject.next_deadline(), Some(9 * SECOND));
        fails_in(&mut subject, 9 * SECOND, Rule::CloseTimeout);
        assert_eq!(subject.writes().last(), Some(&Frame::close(1000, "bye")));
    }
}

/// Timeouts that a send starts count from the send, however long ago the session was last called.
fn a_close_after_a_quiet_spell_is_sent<E: Engine>() {
    let config = config(|timeouts| timeouts.close = Some(10 * SECOND));
    for role in ROLES {
        let mut subject = Subject::<E>::open(role, &config);
        subject.now = subject.now.after(15 * SECOND);
        subject.queues(Message::CloseWith(1000, b"bye")).unwrap();
        assert_eq!(subject.writes(), [Frame::close(1000, "bye")]);
        assert_eq!(subject.state(), State::Closing);
        fails_in(&mut subject, 10 * SECOND, Rule::CloseTimeout);
    }
}

/// The host's time to answer a close doesn't count against the peer.
fn a_close_that_the_host_has_to_answer_waits_for_it<E: Engine>() {
    let mut config = config(|timeouts| timeouts.close = Some(10 * SECOND));
    config.reply_to_close = false;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    subject.receives_frames(&[Frame::close(1000, "")]);
    assert_eq!(subject.next_deadline(), None);
    subject.waits(60 * SECOND);
    subject.sends(Message::CloseWith(1000, b"")).unwrap();
    assert_eq!(subject.writes(), [Frame::close(1000, "")]);
    assert_eq!(
        (subject.state(), subject.failed_by()),
        (State::Closed, None)
    );
}

fn class_23_a_close_that_trickles<E: Engine>() {
    let config = config(|timeouts| {
        timeouts.close = Some(10 * SECOND);
        timeouts.message = Some(20 * SECOND);
    });
    let mut subject = Subject::<E>::open(Role::Client, &config);
    // Not initiated by us: any unfinished frame has the message timeout.
    subject.receives(&Frame::close(1000, "bye").bytes()[..3]);
    fails_in(&mut subject, 20 * SECOND, Rule::MessageTimeout);
    let mut subject = Subject::<E>::open(Role::Client, &config);
    subject.sends(Message::Close).unwrap();
    for byte in &Frame::close(1000, "so long").bytes()[..9] {
        subject.waits(SECOND);
        subject.receives([*byte]);
    }
    fails_in(&mut subject, SECOND, Rule::CloseTimeout);
}
