//! `wsgate`: a reverse proxy for WebSockets that parses everything in a sandbox.

mod args;
mod close;
mod connection;
mod converse;
mod fault;
mod gate;
mod headers;
mod open_files;
mod opening;
mod origin;
mod page;
mod relay;
mod report;
mod route;
mod scratch;
mod server;
mod shutdown;
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
use websocket_host::{Sandbox, SandboxConfig};

use crate::args::{Args, Log};
use crate::gate::Gate;
use crate::route::Routes;
use crate::server::Server;
use crate::signals::Signals;

const WRONG_ARGUMENTS: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
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
    let sandbox = sandbox(args)?;
    let routes = Routes::new(&args.upstream);
    let server = Server {
        gate: Gate::new(args, sandbox, routes),
        max_connections: args.max_connections,
        shutdown_timeout: args.shutdown_timeout,
    };
    let result = runtime.block_on(listen(args, server));
    // What is still there was to be cut off.
    runtime.shutdown_background();
    result
}

async fn listen(args: &Args, server: Server) -> Result<(), String> {
    let signals = Signals::listen().map_err(|error| format!("can't listen to signals: {error}"))?;
    let failed = |error| format!("can't listen on {}: {error}", args.listen);
    let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    // Whoever started this program may have gone since.
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "listening on {address}").and_then(|()| stdout.flush());
    server::run(server, listener, signals).await;
    Ok(())
}

fn sandbox(args: &Args) -> Result<Sandbox, String> {
    let config = SandboxConfig {
        guests: args.max_connections,
        memory: args.memory,
        call_time: args.call_time,
        ..SandboxConfig::default()
    };
    Sandbox::load(args.component()?, config).map_err(|error| error.to_string())
}
