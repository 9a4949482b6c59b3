//! The output of a session whose host sends nothing: a head, pongs, one close frame.

use host_tests::wire::{self, CLOSE, FIN, PONG};
use host_tests::{Event, Frame, heads};
use websocket_component::{PongPolicy, Role, Rule};

use crate::case::Case;
use crate::outcome::Outcome;

/// How many mask keys are compared with each other, since that takes quadratic time.
const KEYS: usize = 64;

/// Checks all that was written in a run.
pub(crate) fn is_sound(case: &Case, outcome: &Outcome) {
    let rest = match case.begins_with_heads() {
        true => after_head(case, outcome),
        false => &outcome.output,
    };
    let frames = wire::read_frames(rest);
    are_masked(case, &frames);
    let (closes, pongs): (Vec<&Frame>, Vec<&Frame>) =
        frames.iter().partition(|frame| frame.first == FIN | CLOSE);
    for pong in &pongs {
        assert_eq!(pong.first, FIN | PONG, "neither pong nor close");
    }
    let pongs: Vec<&[u8]> = pongs.iter().map(|frame| &frame.payload[..]).collect();
    answer_pings(case, outcome, &pongs);
    let close = closes.first().map(|frame| &frame.payload[..]);
    assert_eq!(
        close,
        due_close(case, outcome).as_deref(),
        "the close frame"
    );
    assert!(closes.len() <= 1, "two close frames");
    if close.is_some() {
        assert_eq!(frames.last().map(|frame| frame.first), Some(FIN | CLOSE));
    }
}

/// What follows the head, if a head was due.
fn after_head<'a>(case: &Case, outcome: &'a Outcome) -> &'a [u8] {
    let output = &outcome.output;
    if output.is_empty() {
        assert_eq!(case.role, Role::Server, "a client begins");
        return output;
    }
    let end = heads::end(output).expect("a whole head");
    let (head, rest) = output.split_at(end);
    let head = str::from_utf8(head).expect("a head in ASCII");
    assert!(
        head.lines()
            .all(|line| !line.contains(|c: char| c.is_control()))
    );
    if case.role == Role::Client {
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        return rest;
    }
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status: u16 = status
        .and_then(|digits| digits.parse().ok())
        .expect("a status");
    assert_eq!(status == 101, outcome.negotiated.is_some(), "{head}");
    if status == 101 {
        let said = String::from_utf8_lossy(&case.said);
        let key = heads::field(said.trim_start(), "Sec-WebSocket-Key").expect("a key was sent");
        assert_eq!(
            heads::field(head, "Sec-WebSocket-Accept"),
            Some(&*heads::accept_for(key))
        );
        return rest;
    }
    if let Some(failure) = &outcome.failure {
        assert_eq!(failure.status(), Some(status), "{head}");
    }
    let length = heads::field(head, "Content-Length").expect("the length of the body");
    // The method of a request counts once its head has come and is sound, so both are possible.
    let is_head = case.said.trim_ascii_start().starts_with(b"HEAD ");
    assert!(
        rest.len().to_string() == length || is_head && rest.is_empty(),
        "{head}"
    );
    b""
}

/// RFC 6455, sections 5.1 and 5.3; hostile class 17.
fn are_masked(case: &Case, frames: &[Frame]) {
    let mut keys = Vec::new();
    for frame in frames {
        assert_eq!(frame.key.is_some(), case.role == Role::Client, "the mask");
        assert!(frame.payload.len() <= 125, "a long control frame");
        keys.extend(frame.key);
    }
    if !case.config.masking {
        assert!(keys.iter().all(|key| *key == [0; 4]), "masking is off");
        return;
    }
    keys.truncate(KEYS);
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count, "a mask key twice");
}

/// RFC 6455, sections 5.5.2 and 5.5.3, as far as the host has seen the pings.
fn answer_pings(case: &Case, outcome: &Outcome, pongs: &[&[u8]]) {
    let pings = outcome.events.iter().filter_map(|event| match event {
        Event::Ping(payload) => Some(&payload[..]),
        _ => None,
    });
    match case.config.pongs {
        PongPolicy::Manual => assert!(pongs.is_empty(), "pongs are the host's"),
        _ if !case.config.report_control_frames => {}
        // The pongs that were too many are dropped, and the ping that they were too many for is not shown.
        _ if outcome.failure == Some(Rule::PingFlood) => {}
        PongPolicy::Each => assert_eq!(pongs, pings.collect::<Vec<_>>()),
        PongPolicy::Latest => {
            let mut pings = pings;
            for pong in pongs {
                assert!(pings.any(|ping| ping == *pong), "a pong without its ping");
            }
        }
        other => panic!("what is answered with {other:?}?"),
    }
}

/// The payload of the close frame that has to be written (RFC 6455, sections 5.5.1 and 7.1.7).
fn due_close(case: &Case, outcome: &Outcome) -> Option<Vec<u8>> {
    if let Some(rule) = outcome.failure {
        let code = rule.close_code()?;
        let reason = rule.description();
        return case
            .config
            .close_on_failure
            .then(|| Frame::close(code, reason).payload);
    }
    let code = outcome.events.iter().find_map(|event| match event {
        Event::Close(code, _) => Some(*code),
        _ => None,
    })?;
    let payload = match code {
        1005 => Vec::new(),
        code => code.to_be_bytes().into(),
    };
    case.config.reply_to_close.then_some(payload)
}
