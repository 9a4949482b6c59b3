//! The table of explained differences: docs/fuzzing.md has a row of the same name for each.

use websocket_component::Rule;

use super::{Difference, Library, What};

/// A class of differences.
pub struct Row {
    /// As in docs/fuzzing.md.
    pub name: &'static str,
    is: fn(&Difference<'_>) -> bool,
}

impl Row {
    pub(super) fn explains(&self, difference: &Difference<'_>) -> bool {
        (self.is)(difference)
    }
}

/// Those of one library first, and then those of both.
pub const ROWS: &[Row] = &[
    Row {
        name: "tungstenite takes lengths that are not minimal",
        is: |difference| {
            difference.library == Library::Tungstenite
                && matches!(
                    difference.rule,
                    Some(Rule::LengthNotMinimal | Rule::ControlTooLong)
                )
                && difference.frame().is_some_and(|frame| !frame.is_minimal)
        },
    },
    Row {
        name: "tungstenite shows a close with a forbidden code as one with 1002",
        is: |difference| {
            difference.library == Library::Tungstenite
                && difference.rule == Some(Rule::CloseCodeReserved)
                && difference.peer_says(&What::Close(1002, b"Protocol violation".into()))
                && difference.at_the_same_byte()
        },
    },
    Row {
        name: "tungstenite takes 1014 for a forbidden code",
        is: |difference| {
            difference.library == Library::Tungstenite
                && matches!(&difference.engine, Some(engine)
                    if matches!(engine.what, What::Close(1014, _)))
                && difference.peer_says(&What::Close(1002, b"Protocol violation".into()))
                && difference.at_the_same_byte()
        },
    },
    Row {
        name: "tokio-websockets takes text that an empty frame ends inside a character",
        is: |difference| {
            difference.library == Library::TokioWebsockets
                && difference.rule == Some(Rule::InvalidUtf8)
                && difference.at_the_same_byte()
                && difference.frame().is_some_and(|frame| frame.payload == 0)
                && matches!(&difference.peer, Some(peer)
                    if matches!(&peer.what, What::Text(text) if str::from_utf8(text).is_err()))
        },
    },
    Row {
        name: "tokio-websockets refuses a close of one byte at its header",
        is: |difference| {
            difference.library == Library::TokioWebsockets
                && difference.peer_says(&What::Failed(1002))
                && difference
                    .frame()
                    .is_some_and(|frame| frame.first == 0x88 && frame.payload == 1)
        },
    },
    Row {
        name: "a frame that breaks two rules",
        is: |difference| {
            let codes = (&difference.engine, &difference.peer);
            let (Some(engine), Some(peer)) = codes else {
                return false;
            };
            matches!((&engine.what, &peer.what), (What::Failed(one), What::Failed(other)) if one != other)
                && difference.is_within_the_frame(peer.at)
        },
    },
    Row {
        name: "the frame is judged when more of it has come",
        is: |difference| {
            let Some(engine) = &difference.engine else {
                return false;
            };
            let What::Failed(_) = engine.what else {
                return false;
            };
            match &difference.peer {
                Some(peer) => {
                    peer.what == engine.what
                        && peer.at > engine.at
                        && difference.is_within_the_frame(peer.at)
                }
                None => difference.frame().is_none_or(|frame| frame.end.is_none()),
            }
        },
    },
];

/// A frame in a conversation, by its header.
pub(super) struct Span {
    pub(super) first: u8,
    pub(super) payload: u64,
    pub(super) is_minimal: bool,
    /// Where it ends, if it does.
    pub(super) end: Option<usize>,
}

impl Difference<'_> {
    /// Returns the frame of the first difference, or `None` if its header was not received.
    pub(super) fn frame(&self) -> Option<Span> {
        let at = [&self.engine, &self.peer]
            .into_iter()
            .flatten()
            .map(|heard| heard.at)
            .min()?;
        let bytes = &self.conversation.bytes;
        let mut start = 0;
        loop {
            let (span, end) = span(bytes.get(start..)?)?;
            let end = usize::try_from(end)
                .ok()
                .and_then(|length| start.checked_add(length));
            let span = Span {
                end: end.filter(|end| *end <= bytes.len()),
                ..span
            };
            match span.end {
                Some(end) if end < at => start = end,
                _ => return Some(span),
            }
        }
    }

    fn is_within_the_frame(&self, at: usize) -> bool {
        let end = self.frame().and_then(|frame| frame.end);
        end.is_none_or(|end| at <= end)
    }

    fn peer_says(&self, what: &What) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.what == *what)
    }

    fn at_the_same_byte(&self) -> bool {
        matches!((&self.engine, &self.peer), (Some(engine), Some(peer)) if engine.at == peer.at)
    }
}

/// The frame at the start, and the length that its header claims for header and payload.
fn span(bytes: &[u8]) -> Option<(Span, u64)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let number = |count: usize| -> Option<u64> {
        let digits = bytes.get(2..2 + count)?;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number << 8 | u64::from(*digit)),
        )
    };
    let (length_bytes, payload, least) = match second & 0x7f {
        126 => (2, number(2)?, 126),
        127 => (8, number(8)?, 1 << 16),
        short => (0, u64::from(short), 0),
    };
    let header = 2 + length_bytes + if second & 0x80 != 0 { 4 } else { 0 };
    let span = Span {
        first,
        payload,
        is_minimal: payload >= least,
        end: None,
    };
    Some((span, payload.saturating_add(header)))
}
