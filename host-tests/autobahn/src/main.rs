//! The engine as the Autobahn test suite wants to meet it: a server and a client that send back what they get.
//!
//! | module | what it is |
//! |---|---|
//! | `server`, `client` | the two roles |
//! | `echo` | what both do once a connection is open |
//! | `tls` | TLS between the test suite, which has none, and a connection |
//! | `connection` | opens connections, by either build of the engine |
//!
//! Each module uses only those below it.

mod client;
mod connection;
mod echo;
mod server;
mod tls;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use host_tests::authority::Authority;
use tokio::runtime::Runtime;

use crate::connection::Opener;
use crate::tls::Tls;

const ABOUT: &str = "\
An echo server and an echo client for the Autobahn test suite.

Both send back every message that they get, as a message of the same type. The server waits for a fuzzing client. The \
client asks a fuzzing server how many cases there are, runs each of them, and asks for the report.

Usually run by `cargo xtask autobahn`, which brings the test suite along and checks the reports.";

const EXAMPLES: &str = "\
Examples:
  autobahn-peer --engine component server --listen 127.0.0.1:9001
  autobahn-peer --engine native client ws://127.0.0.1:9002";

#[derive(Parser)]
#[command(name = "autobahn-peer", about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
struct Args {
    /// Which build of the engine.
    #[arg(long, value_enum)]
    engine: Choice,

    /// Have TLS between the test suite, which has none, and the stream.
    #[arg(long)]
    tls: bool,

    /// The component: websocket.wasm.
    #[arg(
        long,
        env = "WEBSOCKET_COMPONENT",
        value_name = "PATH",
        default_value = "target/component/websocket.wasm"
    )]
    component: PathBuf,

    #[command(subcommand)]
    role: Role,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// The Rust crate.
    Native,
    /// The component in its wasmtime sandbox.
    Component,
}

#[derive(Subcommand)]
enum Role {
    /// Write a certificate for this machine, its key and that of who has issued it: a.crt, a.key, ca.pem.
    Certificate {
        /// Where to.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
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

        /// What the report calls this client.
        #[arg(long, value_name = "NAME", default_value = "websocket-component")]
        agent: String,

        /// How many cases run at a time.
        #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
        parallel: u32,
    },
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    let tls = args.tls.then(Tls::new).transpose()?;
    let opener = match args.engine {
        Choice::Native => Opener::native(tls),
        Choice::Component => Opener::component(&args.component, tls)
            .context("run `cargo xtask autobahn`, which builds the component first")?,
    };
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        match args.role {
            Role::Certificate { folder } => certificate(&folder),
            Role::Server { listen } => server::run(opener, listen).await,
            Role::Client {
                url,
                agent,
                parallel,
            } => client::run(&opener, &url, &agent, parallel).await,
        }
    })
}

fn certificate(folder: &Path) -> Result<()> {
    let authority = Authority::new()?;
    let issued = authority.issue("a", &["127.0.0.1"])?;
    fs::create_dir_all(folder)?;
    fs::copy(&issued.certificate, folder.join("a.crt"))?;
    fs::copy(&issued.key, folder.join("a.key"))?;
    fs::copy(authority.path(), folder.join("ca.pem"))?;
    Ok(())
}
