//! The engine and two other libraries receive the same frames, byte by byte.
//!
//! Where they disagree, a row of `rows` explains it, and docs/fuzzing.md says who is right; a difference without a
//! row is a finding.

mod engine;
mod frames;
mod rows;
mod tokio_websockets;
mod transport;
mod tungstenite;

use arbitrary::Unstructured;
use websocket_component::{Role, Rule};

pub use rows::{ROWS, Row};

/// The libraries that the engine is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    Tungstenite,
    TokioWebsockets,
}

/// What was received, or the end, and after how many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    at: usize,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame: its code, 1005 if there is none, and its reason.
    Close(u16, Vec<u8>),
    /// With the code that the error calls for (RFC 6455, section 7.4.1).
    Failed(u16),
}

/// Frames to one side of a connection that is open.
#[derive(Clone, Debug)]
struct Conversation {
    /// The role of the receiver.
    role: Role,
    /// The longest frame and the longest message.
    limit: usize,
    bytes: Vec<u8>,
}

/// The first difference between the engine and a library.
#[derive(Debug)]
struct Difference<'a> {
    library: Library,
    conversation: &'a Conversation,
    engine: Option<Heard>,
    peer: Option<Heard>,
    /// The rule that has ended the engine's session.
    rule: Option<Rule>,
}

/// # Panics
///
/// If a library disagrees with the engine and no row explains it.
pub fn holds(input: &[u8]) {
    let Ok(conversation) = frames::read(&mut Unstructured::new(input)) else {
        return;
    };
    explain(&conversation);
}

/// Returns the rows that explain the differences of the libraries.
fn explain(conversation: &Conversation) -> Vec<&'static Row> {
    let (engine, rule) = engine::hear(conversation);
    let libraries = [
        (Library::Tungstenite, tungstenite::hear(conversation)),
        (
            Library::TokioWebsockets,
            tokio_websockets::hear(conversation),
        ),
    ];
    let mut rows = Vec::new();
    for (library, peer) in libraries {
        if engine == peer {
            continue;
        }
        let same = engine
            .iter()
            .zip(&peer)
            .take_while(|(one, other)| one == other)
            .count();
        let difference = Difference {
            library,
            conversation,
            engine: engine.get(same).cloned(),
            peer: peer.get(same).cloned(),
            rule,
        };
        let row = ROWS.iter().find(|row| row.explains(&difference));
        rows.push(row.unwrap_or_else(|| panic!("not explained: {difference:02x?}")));
    }
    rows
}

/// Test inputs by hand: frames to a side of this role.
///
/// # Panics
///
/// As [`holds`].
#[must_use]
pub fn rows_for(role: Role, limit: usize, bytes: &[u8]) -> Vec<&'static str> {
    let bytes = bytes.to_vec();
    let conversation = Conversation { role, limit, bytes };
    explain(&conversation).iter().map(|row| row.name).collect()
}
