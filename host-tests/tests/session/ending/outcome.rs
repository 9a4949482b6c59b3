//! `Session::outcome`: whether a session has ended cleanly, and by whom.

use host_tests::{Frame, ROLES};
use websocket_component::handshake::Refusal;
use websocket_component::{Initiator, Message, Outcome, Rule, Session};

use super::{NOW, after, failed, hear, open, open_without_replies, refused, written};

/// The outcome as in the table of `docs/states.md`, with its code.
type Told = (
    bool,
    Option<Initiator>,
    Option<u16>,
    Option<u16>,
    Option<Rule>,
    u16,
);

fn told(session: &Session) -> Told {
    let outcome = session.outcome().expect("it has ended");
    let Outcome {
        clean,
        initiator,
        sent,
        received,
        failure,
        ..
    } = outcome;
    let rule = failure.map(|failure| failure.rule);
    (clean, initiator, sent, received, rule, outcome.code())
}

const LOCAL: Option<Initiator> = Some(Initiator::Local);
const PEER: Option<Initiator> = Some(Initiator::Peer);

#[test]
fn a_close_that_is_answered_is_clean() {
    for role in ROLES {
        let mut session = open(role);
        let close = Message::CloseWith(1000, b"bye");
        session.send(close, None, NOW).unwrap();
        written(&mut session);
        hear(&mut session, &[Frame::close(1000, "")], NOW);
        let expected = (true, LOCAL, Some(1000), Some(1000), None, 1000);
        assert_eq!(told(&session), expected);

        let mut session = open(role);
        hear(&mut session, &[Frame::close_without_code()], NOW);
        assert_eq!(session.outcome(), None);
        written(&mut session);
        let expected = (true, PEER, Some(1005), Some(1005), None, 1005);
        assert_eq!(told(&session), expected);
    }
}

#[test]
fn who_closed_first_is_told_where_both_did() {
    for role in ROLES {
        let mut session = open(role);
        let close = Message::CloseWith(1000, b"I");
        session.send(close, None, NOW).unwrap();
        hear(&mut session, &[Frame::close(3000, "no, I")], NOW);
        written(&mut session);
        let expected = (true, LOCAL, Some(1000), Some(3000), None, 3000);
        assert_eq!(told(&session), expected);

        let mut session = open_without_replies(role);
        hear(&mut session, &[Frame::close(3000, "I")], NOW);
        let close = Message::CloseWith(1000, b"yes");
        session.send(close, None, NOW).unwrap();
        written(&mut session);
        let expected = (true, PEER, Some(1000), Some(3000), None, 3000);
        assert_eq!(told(&session), expected);
    }
}

#[test]
fn a_close_frame_that_was_not_written_was_not_sent() {
    for role in ROLES {
        let mut session = open(role);
        hear(&mut session, &[Frame::close(1001, "")], NOW);
        session.take_output(1, NOW);
        session.handle_timeout(after(30));
        let failure = Some(Rule::WriteTimeout);
        assert_eq!(
            told(&session),
            (false, PEER, None, Some(1001), failure, 1001)
        );

        let mut session = open(role);
        session.send(Message::Close, None, NOW).unwrap();
        session.take_output(1, NOW);
        session.abort();
        let failure = Some(Rule::Aborted);
        assert_eq!(told(&session), (false, None, None, None, failure, 1006));
    }
}

#[test]
fn a_failure_is_not_clean_whatever_the_peer_says_to_it() {
    for role in ROLES {
        let mut session = failed(role);
        let failure = Some(Rule::ReservedOpcode);
        let expected = (false, LOCAL, Some(1002), None, failure, 1006);
        assert_eq!(told(&session), expected);
        hear(&mut session, &[Frame::close(1002, "")], NOW);
        session.end_of_input(NOW);
        assert_eq!(told(&session), expected);

        let mut session = open(role);
        let close = Message::CloseWith(1000, b"");
        session.send(close, None, NOW).unwrap();
        hear(&mut session, &[Frame::new(0x3, "")], NOW);
        written(&mut session);
        let expected = (false, LOCAL, Some(1000), None, failure, 1006);
        assert_eq!(told(&session), expected);
    }
}

#[test]
fn without_any_close_frame_there_is_no_initiator() {
    for role in ROLES {
        let mut session = open(role);
        assert_eq!(session.outcome(), None);
        session.end_of_input(NOW);
        let failure = Some(Rule::ConnectionLost);
        assert_eq!(told(&session), (false, None, None, None, failure, 1006));
    }
    let mut session = refused(Some(&Refusal::new(403)));
    session.take_output(usize::MAX, NOW);
    assert_eq!(told(&session), (false, None, None, None, None, 1006));
}
