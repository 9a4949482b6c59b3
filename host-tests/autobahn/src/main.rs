//! The Autobahn test suite against each host of the engine, in both roles.
//!
//! | module | what it is |
//! |---|---|
//! | `suite` | a run: the test suite on one side, its peer on the other, and its results |
//! | `between` | the proxies between them, if there are any |
//! | `host` | what runs the engine |
//! | `report` | what the test suite found, checked to be complete |
//! | `server`, `client` | the peer in Rust, in both roles |
//! | `echo` | what both do once a connection is open |
//! | `tls` | TLS between the test suite, which has none, and a connection |
//! | `connection` | opens connections, by either build of the engine |
//!
//! Each module uses only those below it.

mod between;
mod client;
mod connection;
mod echo;
mod host;
mod report;
mod server;
mod suite;
mod tls;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use host_tests::gate;
use tokio::runtime::Runtime;

use crate::connection::Opener;
use crate::host::{Host, Role};
use crate::tls::Tls;

const ABOUT: &str = "\
Runs the Autobahn test suite against the engine: the component, the native engine, the npm package, the gate and Envoy.

Usually run by `cargo xtask autobahn`, which builds and installs what a run needs.";

#[derive(Parser)]
#[command(name = "autobahn", about = ABOUT, max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the test suite, and fail unless every case passes.
    ///
    /// Prints the counts of each run, and for each case that isn't OK the expected and the actual result. Its reports, with
    /// a page for each case, go to target/autobahn/.
    Run {
        /// Leave out the long messages (9.*) and compression (12.*, 13.*).
        #[arg(long)]
        fast: bool,

        /// What runs the engine [default: all].
        #[arg(long, value_enum)]
        host: Vec<Host>,

        /// The engine's role; the test suite has the other one [default: both].
        #[arg(long, value_enum)]
        role: Vec<Role>,
    },
    /// Be the peer of a test suite, which sends back every message that it gets.
    Peer {
        /// With the component in its wasmtime sandbox, and not the native engine.
        #[arg(long)]
        component: bool,

        /// Have TLS between the test suite, which has none, and the stream.
        #[arg(long)]
        tls: bool,

        #[command(subcommand)]
        role: Peer,
    },
}

#[derive(Subcommand)]
enum Peer {
    /// Serve until killed.
    Server {
        /// Where to listen; port 0 is any free one. The first line of output is `listening on ADDRESS`.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Run all cases of a fuzzing server.
    Client {
        /// The fuzzing server, such as ws://127.0.0.1:9001.
        #[arg(value_name = "URL")]
        url: String,

        /// How many cases run at a time.
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
        parallel: u32,
    },
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Run { fast, host, role } => run(fast, &host, &role),
        Task::Peer {
            component,
            tls,
            role,
        } => be_peer(component, tls, role),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(is_fast: bool, hosts: &[Host], roles: &[Role]) -> Result<()> {
    let hosts = match hosts {
        [] => Host::value_variants(),
        hosts => hosts,
    };
    let roles = match roles {
        [] => Role::value_variants(),
        roles => roles,
    };
    let mut bad = Vec::new();
    for &host in hosts {
        for &role in roles {
            println!("\n{}", host.described(role));
            let finished = suite::run(host, role, is_fast)?;
            print!("{finished}");
            let failed = finished.bad().map(|case| case.id.to_string());
            let failed: Vec<_> = failed.collect();
            if !failed.is_empty() {
                bad.push(format!("{}: {}", host.described(role), failed.join(", ")));
            }
        }
    }
    ensure!(bad.is_empty(), "not passed: {}", bad.join("; "));
    Ok(())
}

fn be_peer(component: bool, tls: bool, role: Peer) -> Result<()> {
    let tls = tls.then(Tls::new).transpose()?;
    let opener = match component {
        false => Opener::native(tls),
        true => Opener::component(&gate::component(), tls)
            .context("run `cargo xtask autobahn`, which builds the component first")?,
    };
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        match role {
            Peer::Server { listen } => server::run(opener, listen).await,
            Peer::Client { url, parallel } => client::run(&opener, &url, parallel).await,
        }
    })
}
