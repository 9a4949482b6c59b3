//! UTF-8 is checked byte by byte (RFC 6455, section 8.1).

use host_tests::engine::rule;
use host_tests::wire::Frame;
use host_tests::{Engine, Event, ROLES, Subject, on_both_engines};
use websocket_component::{Config, Message, Role, Rule};

use super::pieces;

on_both_engines![
    pieces_of_a_text_that_goes_wrong_end_before_the_bad_byte,
    utf8_is_checked_over_frames_and_inputs,
    text_that_ends_inside_a_character,
    utf8_is_left_alone_if_the_host_says_so,
    text_that_is_sent_is_checked_over_fragments,
];

fn piece(payload: &[u8]) -> Event {
    Event::Text {
        payload: payload.into(),
        last: false,
    }
}

fn pieces_of_a_text_that_goes_wrong_end_before_the_bad_byte<E: Engine>() {
    for role in ROLES {
        for (text, bad) in BAD_UTF8 {
            let mut subject = Subject::<E>::open(role, &pieces());
            let events = subject.receives_frames(&[Frame::text([text, b" not"].concat())]);
            let sound = (bad > 0).then(|| piece(&text[..bad]));
            assert_eq!(events, Vec::from_iter(sound));
            assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
        }
    }
}

/// Each text with the index of the first byte that no continuation can make valid.
const BAD_UTF8: [(&[u8], usize); 9] = [
    (b"\xff", 0),
    (b"ab\x80", 2),
    (b"\xc0\xaf", 0),
    (b"\xc3\x28", 1),
    (b"\xe0\x9f\xbf", 1),
    (b"\xed\xa0\x80", 1),
    (b"\xe2\x82\x28", 2),
    (b"\xf4\x90\x80\x80", 1),
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf5", 11),
];

fn utf8_is_checked_over_frames_and_inputs<E: Engine>() {
    for role in ROLES {
        for (text, bad) in BAD_UTF8 {
            for seam in 0..=text.len() {
                let frames = [
                    Frame::text(&text[..seam]).not_last(),
                    Frame::continuation(&text[seam..]).not_last(),
                ];
                let mut subject = Subject::<E>::open(role, &Config::default());
                let second = subject.peers(&frames[1..]);
                let mut failed_at = None;
                let first_header = subject.peers(&frames[..1]).len() - seam;
                let second_header = second.len() - (text.len() - seam);
                let bytes = subject.peers(&frames);
                for (at, byte) in bytes.iter().enumerate() {
                    subject.receives([*byte]);
                    if subject.failed_by().is_some() {
                        failed_at = Some(at);
                        break;
                    }
                }
                let header = if bad < seam {
                    first_header
                } else {
                    first_header + second_header
                };
                assert_eq!(failed_at, Some(header + bad), "{text:x?} cut at {seam}");
                assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
            }
        }
        let text = "\u{3ba}\u{1f79}\u{20ac}\u{1f600}";
        for seam in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(seam);
            let mut subject = Subject::<E>::open(role, &Config::default());
            let frames = [Frame::text(head).not_last(), Frame::continuation(tail)];
            assert_eq!(subject.receives_frames(&frames), [Event::text(text)]);
        }
    }
}

fn text_that_ends_inside_a_character<E: Engine>() {
    for role in ROLES {
        for (config, heard) in [
            (Config::default(), vec![]),
            (pieces(), vec![piece(b"a\xe2\x82")]),
        ] {
            for frames in [
                vec![Frame::text(b"a\xe2\x82")],
                vec![
                    Frame::text(b"a\xe2\x82").not_last(),
                    Frame::continuation(""),
                ],
            ] {
                let mut subject = Subject::<E>::open(role, &config);
                assert_eq!(subject.receives_frames(&frames), heard);
                assert_eq!(subject.has_failed(Rule::InvalidUtf8), []);
            }
        }
    }
}

fn utf8_is_left_alone_if_the_host_says_so<E: Engine>() {
    let mut config = Config::default();
    config.verify_utf8 = false;
    let mut subject = Subject::<E>::open(Role::Server, &config);
    let events = subject.receives_frames(&[Frame::text(b"\xff\xfe")]);
    assert_eq!(events, [Event::text(b"\xff\xfe")]);
    subject.sends(Message::Utf8(b"\xff\xfe")).unwrap();
    assert_eq!(subject.writes(), [Frame::text(b"\xff\xfe")]);
    // The reason of a close is checked all the same.
    subject.receives_frames(&[Frame::close(1000, b"\xff")]);
    assert_eq!(subject.has_failed(Rule::CloseReasonNotUtf8), []);
}

fn text_that_is_sent_is_checked_over_fragments<E: Engine>() {
    let mut subject = Subject::<E>::open(Role::Client, &Config::default());
    for (text, _) in BAD_UTF8 {
        let refused = subject.sends(Message::Utf8(text));
        assert_eq!(rule(refused), Rule::TextNotUtf8);
    }
    subject.sends(Message::Utf8Fragment(b"\xe2")).unwrap();
    for wrong in [
        Message::Utf8(b"\x82"),
        Message::Utf8(b""),
        Message::Utf8Fragment(b"\x28"),
        Message::Text("a"),
        Message::TextFragment("a"),
    ] {
        assert_eq!(rule(subject.sends(wrong)), Rule::TextNotUtf8);
    }
    subject.sends(Message::Utf8Fragment(b"\x82")).unwrap();
    subject.sends(Message::Utf8(b"\xac")).unwrap();
    let expected = [
        Frame::text(b"\xe2").not_last(),
        Frame::continuation(b"\x82").not_last(),
        Frame::continuation(b"\xac"),
    ];
    assert_eq!(subject.writes(), expected);
}
