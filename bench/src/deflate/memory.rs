//! What memory a session takes in the component, by what is agreed on.
//!
//! A guest has pages of 64 KiB and never gives one back, so what many sessions in one guest take is divided by their
//! number, and what a guest without permessage-deflate takes for as many is left out.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use host_tests::deflate::{self, Peer, text};
use host_tests::wire::{Frame, RSV1};
use serde_json::{Value, json};
use websocket_component::Role;
use websocket_host::protocol::{
    Compression, Config, Deflate, Delivery, Extension, ExtensionParameter, Negotiated, Outgoing,
    OutgoingKind, Rule,
};
use websocket_host::{Cache, Guest, Sandbox, SandboxConfig, Session};

/// So many that a page more or less is 512 bytes of each.
const SESSIONS: usize = 128;
/// Of each message.
const LENGTH: usize = 4 << 10;
const CAPACITY: u32 = 64 << 10;

/// What is measured.
pub(crate) struct Sessions {
    windows: Vec<Row>,
    /// By the memory level, what a session that sends keeps: with a window of 2^9, and of 2^15.
    levels: Vec<(u8, usize, usize)>,
}

/// What the sessions with windows of one size keep between messages, in bytes for each, and what one bomb takes.
struct Row {
    bits: u8,
    receiving: usize,
    sending: usize,
    /// Both directions without takeover.
    without_takeover: usize,
    /// All of a guest whose only session receives a bomb, and delivers it in chunks.
    bomb: usize,
}

pub(crate) fn measure(component: &Path) -> Result<Sessions> {
    let config = SandboxConfig {
        guests: 1,
        cache: Cache::Off,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::load(component, config)?;
    let default = Deflate::default();
    let plain = talk(&sandbox, None, false, false)?;
    let each = |agreed: &str, deflate: Deflate, receives: bool, sends: bool| -> Result<usize> {
        let all = talk(&sandbox, Some((agreed, deflate)), receives, sends)?;
        Ok(all.saturating_sub(plain) / SESSIONS)
    };
    let windows = (8..=15).map(|bits| {
        let windows = windows(bits);
        let without = format!("{windows}; server_no_context_takeover; client_no_context_takeover");
        Ok(Row {
            bits,
            receiving: each(&windows, default, true, false)?,
            sending: each(&windows, default, false, true)?,
            without_takeover: each(&without, default, true, true)?,
            bomb: bomb(&sandbox, &windows)?,
        })
    });
    let windows = windows.collect::<Result<_>>()?;
    let levels = (1..=9).map(|level| {
        let mut deflate = default;
        deflate.memory_level = level;
        let small = each(&self::windows(9), deflate, false, true)?;
        let large = each(&self::windows(15), deflate, false, true)?;
        Ok((level, small, large))
    });
    let levels = levels.collect::<Result<_>>()?;
    Ok(Sessions { windows, levels })
}

/// Parameters that say how large both windows are.
fn windows(bits: u8) -> String {
    format!("server_max_window_bits={bits}; client_max_window_bits={bits}")
}

/// The memory of a guest whose sessions have each heard a message and sent one.
fn talk(
    sandbox: &Sandbox,
    deflate: Option<(&str, Deflate)>,
    receives: bool,
    sends: bool,
) -> Result<usize> {
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
    let mut config = Config::default();
    config.deflate = deflate.map(|(_, deflate)| deflate);
    let agreed = deflate.map(|(agreed, _)| agreed);
    let sessions = (0..SESSIONS).map(|_| open(&mut guest, &config, agreed));
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

/// The memory of a guest whose session was sent 16 MiB in 16 KiB, and 1 byte more than it takes.
fn bomb(sandbox: &Sandbox, agreed: &str) -> Result<usize> {
    let mut guest = sandbox.guest()?;
    let mut config = Config::default();
    config.deflate = Some(Deflate::default());
    config.delivery = Delivery::Streaming;
    let session = open(&mut guest, &config, Some(agreed))?;
    let payload = Peer::default().compresses(vec![b'x'; config.limits.message as usize + 1]);
    let frame = Frame::text(payload).reserved(RSV1).by(Role::Client);
    let bytes = frame.bytes();
    let mut at = 0;
    loop {
        let result = guest.exchange(&session, &bytes[at..], &[], &[], 0, CAPACITY)?;
        at += result.consumed;
        if let Some(failure) = result.failure {
            ensure!(failure.rule() == Some(Rule::MessageTooBig), "{failure:?}");
            return Ok(guest.memory());
        }
        ensure!(result.more, "the bomb was inflated without a failure");
    }
}

fn open(guest: &mut Guest, config: &Config, agreed: Option<&str>) -> Result<Session> {
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
    let session = guest.open_server(config, &negotiated, 1);
    session.context("the session doesn't open")
}

pub(crate) fn table(sessions: &Sessions) -> String {
    let mut text = format!(
        "What a session of the component keeps between messages of 4 KiB, in KiB, for windows of both sides (memory level\n\
         8; a session that receives also keeps a buffer as large as its last message); and all of a guest that was sent a\n\
         bomb of 16 MiB and delivered it in chunks, with the code's data and stack\n\n\
         {:>7} {:>10} {:>8} {:>17} {:>12}\n{:>7} {:>10} {:>8} {:>17} {:>12}\n{}\n",
        "window",
        "receiving",
        "sending",
        "both, without",
        "a guest and",
        "",
        "",
        "",
        "takeover",
        "a bomb",
        "-".repeat(59),
    );
    for row in &sessions.windows {
        let _ = writeln!(
            text,
            "{:>7} {:>10} {:>8} {:>17} {:>12}",
            format!("2^{}", row.bits),
            kib(row.receiving),
            kib(row.sending),
            kib(row.without_takeover),
            kib(row.bomb),
        );
    }
    let _ = writeln!(
        text,
        "\nThe same of a session that sends, by the memory level\n\n{:>7} {:>12} {:>13}\n{}",
        "level",
        "window 2^9",
        "window 2^15",
        "-".repeat(34),
    );
    for (level, small, large) in &sessions.levels {
        let _ = writeln!(text, "{level:>7} {:>12} {:>13}", kib(*small), kib(*large));
    }
    text
}

fn kib(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}

pub(crate) fn report(sessions: &Sessions) -> Value {
    let windows = sessions.windows.iter().map(|row| {
        json!({
            "window_bits": row.bits,
            "receiving_bytes": row.receiving,
            "sending_bytes": row.sending,
            "without_takeover_bytes": row.without_takeover,
            "guest_with_bomb_bytes": row.bomb,
        })
    });
    let levels = sessions.levels.iter().map(|(level, small, large)| {
        json!({ "memory_level": level, "window_9_bytes": small, "window_15_bytes": large })
    });
    json!({
        "windows": windows.collect::<Vec<_>>(),
        "memory_levels": levels.collect::<Vec<_>>(),
    })
}
