//! The arguments of the calls, in the types of both APIs.

pub(crate) const ENTROPY: [u8; 32] = [7; 32];

/// The peer's bytes are split into chunks of this length.
pub(crate) const PIECE: usize = 300;

/// The payload that outgoing records point into.
pub(crate) const PAYLOAD: &[u8] = b"payload, \xc5\xbc, and a reason";

/// The arguments, in types that have the same names.
macro_rules! arguments {
    () => {
        pub(crate) fn header(name: &str, value: &str) -> Header {
            Header {
                name: name.into(),
                value: value.into(),
            }
        }

        pub(crate) fn headers() -> Vec<Header> {
            vec![
                header("Sec-WebSocket-Protocol", "a, b"),
                header("X-Empty", ""),
            ]
        }

        pub(crate) fn extended_connect() -> Vec<Header> {
            vec![header("sec-websocket-version", "13")]
        }

        pub(crate) fn request() -> Request {
            Request {
                target: "/chat?room=1".into(),
                authority: "example.com".into(),
                subprotocols: vec!["a".into(), "b".into()],
                extensions: Vec::new(),
                headers: vec![header("Origin", "http://example.com")],
            }
        }

        pub(crate) fn acceptance() -> Acceptance {
            Acceptance {
                subprotocol: Some("b".into()),
                extensions: Vec::new(),
                headers: vec![header("X-Served-By", "me")],
            }
        }

        pub(crate) fn nothing_accepted() -> Acceptance {
            Acceptance {
                subprotocol: None,
                extensions: Vec::new(),
                headers: Vec::new(),
            }
        }

        pub(crate) fn refusal() -> Refusal {
            Refusal {
                status: 403,
                headers: headers(),
                body: b"no".to_vec(),
            }
        }

        pub(crate) fn messages() -> Vec<Message> {
            let (text, bytes) = ("tekst: ż", b"bytes".to_vec());
            vec![
                Message::TextFragment(text.into()),
                Message::Utf8Fragment(text.into()),
                Message::Utf8(text.into()),
                Message::Text(text.into()),
                Message::BinaryFragment(bytes.clone()),
                Message::Binary(bytes.clone()),
                Message::Ping(bytes.clone()),
                Message::Pong(Vec::new()),
                Message::ExtensionFrame(ExtensionFrame {
                    bits: 0xc2,
                    payload: bytes,
                }),
                Message::Close(Some(CloseFrame {
                    code: 4000,
                    reason: "enough".into(),
                })),
                Message::Close(None),
            ]
        }

        pub(crate) fn completions() -> Vec<Completion> {
            vec![
                Completion::Sent(3),
                Completion::Read(b"\x81\x01!".to_vec()),
                Completion::Acknowledged,
            ]
        }

        pub(crate) fn outgoing() -> Vec<Outgoing> {
            let record = |kind, start, length, context| Outgoing {
                kind,
                start,
                length,
                context,
            };
            vec![
                record(OutgoingKind::Text(Compression::Off), 0, 7, Some(1)),
                record(OutgoingKind::Ping, 0, 3, None),
                record(
                    OutgoingKind::BinaryFragment(Compression::Automatic),
                    3,
                    5,
                    Some(u64::MAX),
                ),
                record(OutgoingKind::Close(Some(4001)), 17, 8, None),
            ]
        }
    };
}

pub(crate) mod by_core {
    use websocket_host::protocol::{
        Acceptance, CloseFrame, Completion, Compression, ExtensionFrame, Header, Message, Outgoing,
        OutgoingKind, Refusal, Request,
    };

    arguments!();
}

pub(crate) mod by_model {
    use crate::model::session::{
        Acceptance, CloseFrame, Completion, Compression, ExtensionFrame, Message, Outgoing,
        OutgoingKind, Refusal, Request,
    };
    use crate::model::types::{Header, Negotiated};

    arguments!();

    pub(crate) fn nothing_negotiated() -> Negotiated {
        Negotiated {
            subprotocol: None,
            extensions: Vec::new(),
        }
    }
}
