//! `wsgate`: a reverse proxy for WebSockets that parses everything in a sandbox.
//!
//! Each connection has a guest in the sandbox. What the client and the upstream send goes on as it is, as far as an
//! inspector in the guest lets it; or the client's WebSocket ends here and another one goes to the upstream, as two
//! sessions in the guest. This program moves bytes between the guest and the sockets, and decides where they go.
//!
//! | module | what it is |
//! |---|---|
//! | `args`, `settings` | the command line, and what comes of it |
//! | `server`, `signals`, `open_files` | accepting connections, and ending |
//! | `demo`, `echo` | what `--demo` adds |
//! | `connection` | one connection, from its first byte to the worker that carries it, or to its line in the log |
//! | `opening`, `refused`, `plain` | the client's request, the upstream's answer, and what each is told: **statuses** |
//! | `worker` | the threads that carry open connections |
//! | `client`, `endpoint`, `connect`, `proxy_protocol`, `fault` | who has connected; one side's handshake; connecting to an upstream; the PROXY protocol; the response when a sandbox has failed |
//! | `gate`, `route`, `path`, `origin`, `headers`, `forwarded`, `fields`, `compression` | what all connections share, and what decides where requests go and with what |
//! | `report` | what is logged of a connection |
//! | `record`, `socket`, `units` | recordings, bytes, time |
//! | `log`, `throttle` | how things are logged, and how often |
//!
//! Each module uses those in its own line and below.

mod args;
mod client;
mod compression;
mod connect;
mod connection;
mod demo;
mod echo;
mod endpoint;
mod fault;
mod fields;
mod forwarded;
mod gate;
mod headers;
mod log;
mod open_files;
mod opening;
mod origin;
mod path;
mod plain;
mod proxy_protocol;
mod record;
mod refused;
mod report;
mod route;
mod server;
mod settings;
mod signals;
mod socket;
mod throttle;
mod units;
mod worker;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::net::TcpListener;
use tokio::runtime;
use websocket_host::Sandbox;

use crate::args::Args;
use crate::record::Recorder;
use crate::server::Server;
use crate::signals::Signals;

const WRONG_ARGUMENTS: u8 = 2;

/// How long the disk may take at the end to write what was recorded.
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
    // Before the component is compiled, which may take seconds: until then a SIGHUP would end the program.
    let signals = {
        let _runtime = runtime.enter();
        Signals::listen().map_err(|error| format!("can't listen to signals: {error}"))?
    };
    let sandbox = settings::sandbox(args)?;
    let (recorder, writing) = settings::recorder(args)?.unzip();
    let result = runtime.block_on(serve(args, sandbox, recorder, signals));
    // What is still there was to be cut off.
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
) -> Result<(), String> {
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for address in &args.listen {
        let failed = |error| format!("can't listen on {address}: {error}");
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        addresses.push(listener.local_addr().map_err(failed)?);
        listeners.push(listener);
    }
    let rules = match args.demo {
        true => vec![demo::upstream(&sandbox, args.max_message).await?],
        false => args.upstream.clone(),
    };
    let gate = settings::gate(args, sandbox, &rules, recorder)?;
    open_files::raise(args.max_connections, settings::files_each(args));
    let has_page = gate.plain.page.is_some();
    // Whoever reads that it listens finds all of it there.
    let server = Server::new(gate, args.max_connections, args.threads())
        .map_err(|error| format!("can't start threads: {error}"))?;
    let mut stdout = io::stdout();
    let mut hello = String::new();
    for address in &addresses {
        // Writing to a string can't fail.
        let _ = writeln!(hello, "listening on {address}");
    }
    if args.demo
        && let Some(address) = addresses.first()
    {
        hello.push_str(&demo::what_to_try(*address, has_page));
    }
    // Whoever started this program may have gone since.
    let _ = stdout
        .write_all(hello.as_bytes())
        .and_then(|()| stdout.flush());
    server.run(listeners, signals, args.shutdown_timeout).await;
    Ok(())
}
