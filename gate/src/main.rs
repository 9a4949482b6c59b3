//! `wsgate`: a reverse proxy for WebSockets that parses everything in a sandbox.
//!
//! The README has the options, the log and the status codes; to try it, run `wsgate --demo`.
//!
//! Each connection has a guest in the sandbox. In the mode `inspect`, an inspector in the guest checks what the client
//! and the upstream send, and the gate forwards it unchanged. In the mode `terminate`, the guest has two sessions, one
//! with the client and one with the upstream, and relays messages between them. The gate itself moves bytes between the
//! guest and the sockets, and routes requests.
//!
//! | module | what it is |
//! |---|---|
//! | `args`, `settings` | the command line, and the settings made from it |
//! | `server`, `signals`, `open_files` | accepting connections, and shutting down |
//! | `demo`, `echo` | what `--demo` adds |
//! | `connection` | one connection, until a worker takes it over or it is refused |
//! | `opening`, `refused`, `plain` | the client's request, the upstream's response, and **status codes** |
//! | `worker` | the threads that carry open connections |
//! | `endpoint`, `fault` | one side's handshake; the response when a sandbox has failed |
//! | `gate`, `connector` | the state that all connections share; connecting to upstreams |
//! | `route`, `path`, `origin`, `headers`, `forwarded`, `fields`, `compression` | routing, and the header fields that are passed on |
//! | `report` | the log events of a connection |
//! | `net` | listeners, TLS, the PROXY protocol, sockets |
//! | `record`, `address`, `units` | recordings, addresses, sizes and times |
//! | `log`, `throttle` | logging, and its rate |
//!
//! Each module uses those in its own line and below.

mod address;
mod args;
mod compression;
mod connection;
mod connector;
mod demo;
mod echo;
mod endpoint;
mod fault;
mod fields;
mod forwarded;
mod gate;
mod headers;
mod log;
mod net;
mod open_files;
mod opening;
mod origin;
mod path;
mod plain;
mod record;
mod refused;
mod report;
mod route;
mod server;
mod settings;
mod signals;
mod throttle;
mod units;
mod worker;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::runtime;
use websocket_host::Sandbox;

use crate::address::Address;
use crate::args::Args;
use crate::net::listener::Listener;
use crate::net::tls::{Back, Front, keep_up_to_date};
use crate::record::Recorder;
use crate::server::Server;
use crate::signals::{Hangups, Signals};

#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const WRONG_ARGUMENTS: u8 = 2;

/// How long writing the recordings may take at shutdown.
const WRITING: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args = match Args::try_parse().and_then(Args::check) {
        Ok(args) => args,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("wsgate: {}", args::one_line(&error));
            return ExitCode::from(WRONG_ARGUMENTS);
        }
    };
    log::start(args.log, args.log_format);
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("wsgate: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(args.threads())
        .enable_all()
        .build()
        .map_err(|error| format!("can't start threads: {error}"))?;
    // Before the component is compiled, which may take seconds: without a handler a SIGHUP would end the program.
    let (signals, hangups) = {
        let _runtime = runtime.enter();
        Signals::listen().map_err(|error| format!("can't listen to signals: {error}"))?
    };
    let sandbox = settings::sandbox(args)?;
    let (recorder, writing) = settings::recorder(args)?.unzip();
    let result = runtime.block_on(serve(args, sandbox, recorder, signals, hangups));
    // Remaining connections are dropped.
    runtime.shutdown_background();
    if let Some(writing) = writing {
        writing.finish(WRITING);
    }
    result
}

async fn serve(
    args: &Args,
    sandbox: Sandbox,
    recorder: Option<Recorder>,
    signals: Signals,
    hangups: Hangups,
) -> Result<(), String> {
    let files = args.tls.front()?;
    let front = files.clone().map(Front::load).transpose()?;
    let mut listeners = Vec::new();
    for address in &args.listen {
        listeners.push(Listener::bind(address, front.is_some()).await?);
    }
    for address in &args.tls.listen_plain {
        listeners.push(Listener::bind(address, false).await?);
    }
    let rules = match args.demo {
        true => vec![demo::upstream(&sandbox, args.max_message).await?],
        false => args.upstream.clone(),
    };
    let gate = settings::gate(args, sandbox, &rules, recorder, front)?;
    open_files::raise(args.max_connections, settings::files_each(args));
    let has_page = gate.plain.page.is_some();
    // Everything has started before `listening on` is printed.
    let server = Server::new(gate, args.max_connections, args.threads())
        .map_err(|error| format!("can't start threads: {error}"))?;
    let mut stdout = io::stdout();
    let mut hello = String::new();
    for listener in &listeners {
        // Writing to a string can't fail.
        let _ = writeln!(hello, "listening on {}", listener.address());
    }
    if args.demo
        && let Some(Address::Ip(address)) = listeners.first().map(Listener::address)
    {
        hello.push_str(&demo::what_to_try(*address, has_page, files.as_ref()));
    }
    // Stdout may be closed.
    let _ = stdout
        .write_all(hello.as_bytes())
        .and_then(|()| stdout.flush());
    let gate = server.gate();
    let front = gate.front.as_ref().map(Front::reloadable);
    let back = gate.connector.back().map(Back::reloadable);
    let reloadable: Vec<_> = [front, back].into_iter().flatten().collect();
    tokio::select! {
        () = Arc::clone(&server).run(listeners, signals, args.shutdown_timeout) => {}
        () = keep_up_to_date(&reloadable, hangups) => {}
    }
    Ok(())
}
