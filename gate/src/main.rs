//! `wsgate`: a reverse proxy for WebSockets that parses everything in a sandbox.
//!
//! The client's WebSocket ends here, and another one goes to an upstream. Both are sessions in one guest of the sandbox,
//! a guest for each connection; this program moves bytes between them and the sockets, and decides where they go.
//!
//! | module | what it is |
//! |---|---|
//! | `args`, `settings` | the command line, and what comes of it |
//! | `server`, `signals`, `open_files` | accepting connections, and ending |
//! | `demo`, `echo` | what `--demo` adds |
//! | `connection` | one connection, from its first byte to its line in the log |
//! | `opening`, `refused`, `page` | the client's request, the upstream's answer, and what each is told: **statuses** |
//! | `relay` | two open sides, and what goes from one to the other |
//! | `converse`, `connect`, `fault` | one side's handshake; connecting to an upstream; the last word when a sandbox has failed |
//! | `gate`, `route`, `path`, `origin`, `headers`, `forwarded`, `fields` | what all connections share, and what decides where requests go and with what |
//! | `report`, `close`, `side` | what is logged, **close codes**, a socket with its session |
//! | `socket`, `alarm`, `scratch`, `units` | bytes, time, and buffers that threads lend |
//!
//! Each module uses those in its own line and below.

mod alarm;
mod args;
mod close;
mod connect;
mod connection;
mod converse;
mod demo;
mod echo;
mod fault;
mod fields;
mod forwarded;
mod gate;
mod headers;
mod open_files;
mod opening;
mod origin;
mod page;
mod path;
mod record;
mod refused;
mod relay;
mod report;
mod route;
mod scratch;
mod server;
mod settings;
mod side;
mod signals;
mod socket;
mod units;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tokio::net::TcpListener;
use tokio::runtime;
use tracing::level_filters::LevelFilter;
use websocket_host::Sandbox;

use crate::args::{Args, Log};
use crate::server::Server;
use crate::signals::Signals;

const WRONG_ARGUMENTS: u8 = 2;

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
    log(args.log);
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("wsgate: {why}");
            ExitCode::FAILURE
        }
    }
}

fn log(level: Log) {
    let level = match level {
        Log::Off => LevelFilter::OFF,
        Log::Error => LevelFilter::ERROR,
        Log::Warn => LevelFilter::WARN,
        Log::Info => LevelFilter::INFO,
        Log::Debug => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(io::stderr)
        .init();
}

fn run(args: &Args) -> Result<(), String> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(args.threads())
        .enable_all()
        .build()
        .map_err(|error| format!("can't start threads: {error}"))?;
    open_files::raise();
    let sandbox = settings::sandbox(args)?;
    let result = runtime.block_on(serve(args, sandbox));
    // What is still there was to be cut off.
    runtime.shutdown_background();
    result
}

async fn serve(args: &Args, sandbox: Sandbox) -> Result<(), String> {
    let signals = Signals::listen().map_err(|error| format!("can't listen to signals: {error}"))?;
    let failed = |error| format!("can't listen on {}: {error}", args.listen);
    let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let rules = match args.demo {
        true => vec![demo::upstream(&sandbox).await?],
        false => args.upstream.clone(),
    };
    let gate = settings::gate(args, sandbox, &rules)?;
    let mut stdout = io::stdout();
    let mut hello = format!("listening on {address}\n");
    if args.demo {
        hello.push_str(&demo::what_to_try(address, gate.page.is_some()));
    }
    // Whoever started this program may have gone since.
    let _ = stdout
        .write_all(hello.as_bytes())
        .and_then(|()| stdout.flush());
    let server = Server {
        gate,
        max_connections: args.max_connections,
        shutdown_timeout: args.shutdown_timeout,
    };
    server::run(server, listener, signals).await;
    Ok(())
}
