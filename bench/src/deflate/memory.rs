//! The memory of a session in the component, by negotiated parameters.
//!
//! A guest has pages of 64 KiB and never frees one, so the memory of many sessions in one guest is divided by their
//! number, and that of as many sessions without permessage-deflate is subtracted.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use host_tests::deflate::{self, Peer, text};
use host_tests::table::Table;
use host_tests::wire::{Frame, RSV1};
use serde::Serialize;
use websocket_component::Role;
use websocket_host::protocol::{
    Compression, Config, Deflate, Extension, ExtensionParameter, Negotiated, Outgoing, OutgoingKind,
};
use websocket_host::{Cache, Guest, Sandbox, SandboxConfig, Session};

/// Enough that a page more or less is 512 bytes for each.
const SESSIONS: usize = 128;
/// The length of each message.
const LENGTH: usize = 4 << 10;
const CAPACITY: u32 = 64 << 10;

/// The memory that sessions with windows of one size keep between messages, in bytes for each.
#[derive(Serialize)]
pub(super) struct Row {
    window_bits: u8,
    receiving: usize,
    sending: usize,
    /// Both directions without context takeover.
    without_takeover: usize,
}

pub(super) fn measure(component: &Path) -> Result<Vec<Row>> {
    let config = SandboxConfig {
        guests: 1,
        cache: Cache::Off,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::load(component, config)?;
    let plain = talk(&sandbox, None, false, false)?;
    let each = |agreed: &str, receives: bool, sends: bool| -> Result<usize> {
        let all = talk(&sandbox, Some(agreed), receives, sends)?;
        Ok(all.saturating_sub(plain) / SESSIONS)
    };
    let rows = [9, 12, 15].map(|bits| {
        let windows = format!("server_max_window_bits={bits}; client_max_window_bits={bits}");
        let without = format!("{windows}; server_no_context_takeover; client_no_context_takeover");
        Ok(Row {
            window_bits: bits,
            receiving: each(&windows, true, false)?,
            sending: each(&windows, false, true)?,
            without_takeover: each(&without, true, true)?,
        })
    });
    rows.into_iter().collect()
}

/// Returns the memory of a guest whose sessions have each received a message and sent one.
fn talk(sandbox: &Sandbox, agreed: Option<&str>, receives: bool, sends: bool) -> Result<usize> {
    let mut guest = sandbox.guest()?;
    let message = text(LENGTH);
    let frame = match receives {
        true => Frame::text(Peer::with_window(9).compresses(&message)).reserved(RSV1),
        false => Frame::text(&message),
    };
    let frame = frame.by(Role::Client).bytes();
    let answer = Outgoing {
        kind: OutgoingKind::Text(match sends {
            true => Compression::Automatic,
            false => Compression::Off,
        }),
        start: 0,
        length: LENGTH as u32,
        context: None,
    };
    let sessions = (0..SESSIONS).map(|_| open(&mut guest, agreed));
    for session in &sessions.collect::<Result<Vec<_>>>()? {
        let result = guest.exchange(session, &frame, &[answer], message.as_bytes(), 0, CAPACITY)?;
        let heard = result
            .events
            .iter()
            .any(|event| event.length as usize == LENGTH);
        ensure!(
            heard && result.accepted == 1,
            "a message was lost: {:?}",
            result.failure
        );
        let written = result.output.len();
        ensure!((written < LENGTH) == sends, "{written} bytes were written");
    }
    Ok(guest.memory())
}

fn open(guest: &mut Guest, agreed: Option<&str>) -> Result<Session> {
    let mut config = Config::default();
    config.deflate = agreed.map(|_| Deflate::default());
    let extensions = agreed.map(|parameters| {
        let extension = deflate::extension(parameters);
        let parameters = extension.parameters.into_iter();
        Extension {
            name: extension.name,
            parameters: parameters
                .map(|(name, value)| ExtensionParameter { name, value })
                .collect(),
        }
    });
    let negotiated = Negotiated {
        subprotocol: None,
        extensions: extensions.into_iter().collect(),
    };
    let session = guest.open_server(&config, &negotiated, 1);
    session.context("the session doesn't open")
}

pub(super) fn table(rows: &[Row]) -> String {
    let mut table = Table::new([
        ("window", 7),
        ("receiving", 10),
        ("sending", 8),
        ("both, without takeover", 22),
    ]);
    let kib = |bytes: usize| format!("{:.1}", bytes as f64 / 1024.0);
    for row in rows {
        table.row([
            format!("2^{}", row.window_bits),
            kib(row.receiving),
            kib(row.sending),
            kib(row.without_takeover),
        ]);
    }
    format!(
        "\nWhat a session of the component keeps between messages of 4 KiB, in KiB, for windows of both sides (memory level\n\
         8; a session that receives also keeps a buffer as large as its last message)\n\n{table}"
    )
}
