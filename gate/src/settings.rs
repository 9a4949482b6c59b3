//! Makes the shared state from the arguments.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use websocket_host::driver::{CAPACITY, GRACE, RelayOptions};
use websocket_host::protocol::{Config, Deflate, Delivery};
use websocket_host::{CallError, Clock, Sandbox, SandboxConfig, inspector};

use crate::args::{Args, DeflateMode};
use crate::connector::Connector;
use crate::demo;
use crate::gate::{Gate, Sessions};
use crate::net::tls::{Back, Front};
use crate::plain::Plain;
use crate::record::{Recorder, Writing};
use crate::route::{Routes, Rule};

/// How long small chunks of a message are coalesced, since many servers limit the number of fragments. Short, because a
/// peer may send a message in small parts on purpose.
const COALESCE: Duration = Duration::from_millis(20);

/// How long the close frame to a side that broke a rule is deferred, for the other side to answer the messages before
/// it and to close: about one round trip to a distant server.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// Creates the sandbox.
pub(crate) fn sandbox(args: &Args) -> Result<Sandbox, String> {
    let guests = match args.demo {
        true => demo::guests(args.max_connections),
        false => args.max_connections,
    };
    let config = SandboxConfig {
        guests,
        memory: memory(args),
        call_time: args.call_time,
        ..SandboxConfig::default()
    };
    let sandbox = match &args.component {
        Some(path) => Sandbox::load(path, config),
        None => Sandbox::bundled(config),
    };
    sandbox.map_err(|error| error.to_string())
}

/// Returns the memory limit of a guest: that of a connection times the connections in it, up to 4 GiB.
fn memory(args: &Args) -> usize {
    const MOST: u64 = 4 << 30;
    let all = u64::from(args.sandbox.0.get()).saturating_mul(args.memory as u64);
    usize::try_from(all.min(MOST)).unwrap_or(args.memory)
}

/// Returns how many files and sockets a connection uses.
pub(crate) fn files_each(args: &Args) -> u64 {
    let sockets = 2;
    let echo_server = u64::from(args.demo);
    let recording = u64::from(args.record.is_some());
    sockets + echo_server + recording
}

/// Creates the recorder and its thread.
pub(crate) fn recorder(args: &Args) -> Result<Option<(Recorder, Writing)>, String> {
    let folder = args.record.as_ref();
    let started = folder.map(|path| Recorder::start(path).map_err(|error| about(path, &error)));
    started.transpose()
}

/// Creates the state that all connections share.
pub(crate) fn gate(
    args: &Args,
    sandbox: Sandbox,
    rules: &[Rule],
    recorder: Option<Recorder>,
    front: Option<Front>,
) -> Result<Gate, String> {
    let page = args.page.as_ref();
    let page = page.map(|path| fs::read(path).map_err(|error| about(path, &error)));
    let plain = Plain {
        page: page.transpose()?,
        health: args.health.clone(),
    };
    let can_deflate = can_deflate(&sandbox)?;
    if !can_deflate && (args.deflate_client || args.deflate_upstream) {
        return Err("this component was built without permessage-deflate".into());
    }
    let back = Routes::any_secure(rules).then(|| Back::load(args.tls.back()));
    Ok(Gate {
        clock: Clock::start(),
        sessions: sessions(args, &plain),
        inspector: Arc::new(inspector(args)),
        park_after: args.park_after.0,
        passes_deflate: args.deflate == DeflateMode::Pass && can_deflate,
        sandbox,
        connections_in_a_guest: args.sandbox.0,
        routes: Routes::new(rules, &args.mode)?,
        connector: Connector::new(back.transpose()?, args.upstream_proxy_protocol),
        front,
        origins: args.origin.clone(),
        plain,
        recorder,
        keep_host: args.keep_host,
        trusted_proxies: args.trusted_proxy.clone(),
        expects_proxy_header: args.proxy_protocol,
        connect_timeout: args.connect_timeout,
        handshake_timeout: args.handshake_timeout,
        relay: RelayOptions {
            whole_frame: args.whole_frames,
            coalesce: COALESCE,
            close_timeout: args.close_timeout,
        },
    })
}

/// Returns the settings of sessions.
fn sessions(args: &Args, plain: &Plain) -> Sessions {
    let mut config = Config::default();
    config.receive_buffer = CAPACITY;
    config.send_buffer = CAPACITY;
    config.max_whole_frame = args.whole_frames;
    config.verify_utf8 = !args.allow_invalid_utf8;
    config.delivery = Delivery::Streaming;
    config.timeouts.coalesce = Some(COALESCE);
    // The other side answers.
    config.reply_to_close = false;
    config.expose_invalid_requests = plain.answers_any();
    config.allow_http10_response = args.allow_http10_upstream;
    config.limits.head = args.max_head;
    config.limits.headers = args.max_headers;
    config.limits.message = args.max_message;
    config.limits.frame = longest_frame(args);
    // Enough for the result of one exchange. More would only be queued here needlessly.
    config.limits.queued_output = 8 * u64::from(CAPACITY) + u64::from(args.whole_frames);
    config.timeouts.handshake = Some(args.handshake_timeout);
    config.timeouts.idle = args.idle_timeout.0;
    config.timeouts.message = args.message_timeout.0;
    config.timeouts.keepalive = args.keepalive.0;
    config.timeouts.pong = args.pong_timeout.0;
    config.timeouts.write = args.write_timeout.0;
    config.timeouts.answer = Some(ANSWER_TIME);
    // The gate answers for a side that doesn't, and that answer takes time, too.
    config.timeouts.close = Some(args.close_timeout.saturating_add(GRACE));
    let mut deflate = Deflate::default();
    deflate.min_length = args.deflate_min_length;
    deflate.send_context_takeover = !args.deflate_no_takeover;
    let compressing = |compresses: bool| {
        let mut config = config;
        config.deflate = compresses.then_some(deflate);
        config
    };
    Sessions {
        handshake: config,
        client: compressing(args.deflate_client),
        upstream: compressing(args.deflate_upstream),
    }
}

/// Returns the maximum length of a frame: data that doesn't compress grows slightly.
fn longest_frame(args: &Args) -> u64 {
    let growth = args.max_message / 1024 + 1024;
    args.max_message.saturating_add(growth)
}

/// Returns the settings of inspectors.
fn inspector(args: &Args) -> inspector::Options {
    let mut options = inspector::Options::default();
    for direction in [&mut options.client, &mut options.server] {
        direction.limits.message = args.max_message;
        direction.limits.frame = longest_frame(args);
        direction.view.verify_utf8 = !args.allow_invalid_utf8;
        direction.hold_frame = args.whole_frames;
        direction.idle = args.idle_timeout.0;
        direction.message = args.message_timeout.0;
        direction.keepalive = args.keepalive.0;
        direction.pong = args.pong_timeout.0;
        direction.write = args.write_timeout.0;
    }
    options.timeouts.answer = Some(ANSWER_TIME);
    options.timeouts.close = Some(args.close_timeout);
    options
}

/// Whether the component was built with permessage-deflate.
fn can_deflate(sandbox: &Sandbox) -> Result<bool, String> {
    let mut config = Config::default();
    config.deflate = Some(Default::default());
    let made = sandbox.guest().map_err(CallError::from);
    match made.and_then(|mut guest| guest.server(&config, 0)) {
        Ok(_) => Ok(true),
        Err(CallError::Failure(_)) => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

fn about(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
