use alloc::string::String;

use super::*;
use crate::handshake::extensions;

fn parsed(value: &str) -> Vec<Extension> {
    extensions::parse(&[crate::handshake::Header::new(
        "Sec-WebSocket-Extensions",
        value,
    )])
    .unwrap()
}

fn written(extensions: &[Extension]) -> String {
    extensions::write(extensions)
}

fn answered(settings: &Deflate, offers: &str) -> Option<String> {
    answer(settings, &parsed(offers)).map(|answer| written(&[answer]))
}

fn windows(send: u8, receive: u8) -> Deflate {
    Deflate {
        send_window_bits: send,
        receive_window_bits: receive,
        ..Deflate::default()
    }
}

fn takeovers(send: bool, receive: bool) -> Deflate {
    Deflate {
        send_context_takeover: send,
        receive_context_takeover: receive,
        ..Deflate::default()
    }
}

#[test]
fn a_client_offers_what_its_settings_ask_for() {
    for (settings, offer) in [
        (
            Deflate::default(),
            "permessage-deflate; client_max_window_bits",
        ),
        (
            windows(10, 15),
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            takeovers(false, false),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits",
        ),
        (
            windows(15, 9),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits, \
             permessage-deflate; server_no_context_takeover; client_max_window_bits",
        ),
    ] {
        assert_eq!(written(&offers(&settings)), offer);
    }
}

#[test]
fn a_server_answers_the_first_offer_that_it_can() {
    let all = Deflate::default();
    for (settings, offers, answer) in [
        (&all, "permessage-deflate", "permessage-deflate"),
        (
            &all,
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate",
        ),
        (
            &all,
            "x-other, permessage-deflate; client_max_window_bits=\"10\"",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            &all,
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=8",
        ),
        (
            &all,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            &takeovers(false, false),
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            &windows(9, 15),
            "permessage-deflate; server_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=9",
        ),
        (
            &windows(9, 15),
            "permessage-deflate",
            "permessage-deflate; server_max_window_bits=9",
        ),
        (
            &windows(15, 10),
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            &windows(15, 10),
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8",
        ),
        // The client's window can't be limited, so nothing is kept of it.
        (
            &windows(15, 10),
            "permessage-deflate",
            "permessage-deflate; client_no_context_takeover",
        ),
        // Offers with something wrong are declined (RFC 7692, section 7.1).
        (
            &all,
            "permessage-deflate; x, permessage-deflate; server_max_window_bits=16, \
             permessage-deflate; client_max_window_bits=9, permessage-deflate",
            "permessage-deflate; client_max_window_bits=9",
        ),
    ] {
        assert_eq!(
            answered(settings, offers).as_deref(),
            Some(answer),
            "{offers}"
        );
    }
}

#[test]
fn class_05_offers_with_something_wrong_are_declined() {
    for offers in [
        "x-webkit-deflate-frame",
        "Permessage-Deflate",
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=\"08\"",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
    ] {
        assert_eq!(answered(&Deflate::default(), offers), None, "{offers}");
    }
}

#[test]
fn a_client_takes_no_answer_that_it_did_not_ask_for() {
    const ALL: &str = "permessage-deflate; server_no_context_takeover; \
                       server_max_window_bits=10; client_max_window_bits";
    for (offers, answer, sound) in [
        ("permessage-deflate", "permessage-deflate", true),
        (
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=8",
            true,
        ),
        (
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits=15",
            false,
        ),
        (ALL, ALL, false),
        (ALL, "permessage-deflate", false),
        (
            ALL,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
            true,
        ),
        (
            ALL,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; \
             client_max_window_bits=8",
            true,
        ),
        (
            ALL,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
            false,
        ),
        (ALL, "permessage-deflate; server_no_context_takeover", false),
        (ALL, "permessage-deflate; server_max_window_bits=10", false),
        ("permessage-deflate", "permessage-deflate; unknown", false),
        (
            "permessage-deflate",
            "permessage-deflate; server_max_window_bits=7",
            false,
        ),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=08",
            false,
        ),
        (
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            false,
        ),
        // The answer may be to any of several.
        (
            "permessage-deflate; server_max_window_bits=9, permessage-deflate",
            "permessage-deflate",
            true,
        ),
    ] {
        let [answer] = &parsed(answer)[..] else {
            panic!("one answer");
        };
        let expected = if sound {
            Ok(())
        } else {
            Err(Rule::DeflateAnswerInvalid)
        };
        assert_eq!(
            check(&parsed(offers), answer),
            expected,
            "{offers} -> {answer:?}"
        );
    }
}

/// All settings that negotiation depends on, with a few sizes of windows.
fn all_settings() -> Vec<Deflate> {
    let bits: &[u8] = if cfg!(miri) {
        &[8, 15]
    } else {
        &[8, 9, 12, 15]
    };
    let mut all = Vec::new();
    for &send in bits {
        for &receive in bits {
            for takeover in 0..4 {
                all.push(Deflate {
                    send_context_takeover: takeover & 1 != 0,
                    receive_context_takeover: takeover & 2 != 0,
                    ..windows(send, receive)
                });
            }
        }
    }
    all
}

#[test]
fn two_sides_always_agree_and_no_window_is_larger_than_it_may_be() {
    let keeps = |direction: Direction| direction.takeover;
    for client in all_settings() {
        for server in all_settings() {
            let offers = offers(&client);
            let answer = answer(&server, &offers).expect("each offer can be answered");
            assert_eq!(check(&offers, &answer), Ok(()));
            let agreed = agreed(&answer).unwrap();
            for (receive, sends, receives) in [
                (agreed.client, &client, &server),
                (agreed.server, &server, &client),
            ] {
                let send = receive.within(sends);
                assert!(send.window_bits <= receive.window_bits);
                assert!(send.window_bits <= sends.send_window_bits);
                assert!(keeps(receive) || !keeps(send));
                assert!(sends.send_context_takeover || !keeps(send));
                assert!(receives.receive_context_takeover || !keeps(receive));
                // What is kept between messages is within the setting.
                assert!(receive.window_bits <= receives.receive_window_bits || !keeps(receive));
            }
        }
    }
}

#[test]
fn what_was_agreed_on_elsewhere_is_an_answer() {
    for (answer, sound) in [
        ("permessage-deflate; client_max_window_bits=9", true),
        ("permessage-deflate; client_max_window_bits", false),
        ("permessage-deflate; server_max_window_bits=7", false),
    ] {
        let [answer] = &parsed(answer)[..] else {
            panic!("one answer");
        };
        assert_eq!(agreed(answer).is_ok(), sound, "{answer:?}");
    }
}
