//! Servers, each a process: this program's own, and others.
//!
//! | module | what it is |
//! |---|---|
//! | `connection` | what one of this program's own servers does with a connection |

mod connection;

use std::env;
use std::future::pending;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};
use host_tests::authority::Issued;
use host_tests::envoy;
use host_tests::process::Process;
use tokio::net::TcpListener;
use tokio::runtime;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use websocket_component::Deflate;
use websocket_host::protocol::Config;
use websocket_host::{Guests, Sandbox, SandboxConfig};

use connection::Kind;

/// The most guests of a server: twice as many as connections are opened to it, since those of the previous repetition
/// may still be closing.
const GUESTS: u32 = 2000;

/// A listening server, which is stopped when this is dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

impl Server {
    /// Starts a program that prints where it listens.
    pub(crate) fn start(
        name: &'static str,
        version: String,
        command: &mut Command,
    ) -> Result<Self> {
        let process = Process::start(name, command)?;
        Ok(Self {
            name,
            version,
            address: process.address()?,
            process,
        })
    }

    pub(crate) fn envoy(name: &'static str, envoy: envoy::Builder) -> io::Result<Self> {
        let envoy = envoy.start()?;
        Ok(Self {
            name,
            version: envoy.version()?,
            address: envoy.address,
            process: envoy.process,
        })
    }

    /// Starts this program as a server: `--serve` with these arguments.
    pub(crate) fn own(
        name: &'static str,
        version: String,
        words: &[&str],
        component: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("--serve").args(words);
        command.arg("--component").arg(component);
        Self::start(name, version, &mut command)
    }
}

/// Returns their names, and the versions that are known.
pub(crate) fn versions(servers: &[Server]) -> String {
    let named = |server: &Server| format!("{} {}", server.name, server.version);
    let all = servers.iter().map(named);
    let all: Vec<_> = all.map(|name| name.trim_end().to_owned()).collect();
    all.join(", ")
}

/// Which of its own servers this program runs as.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Run as an echo server on this library, with one thread, until killed.
    #[arg(long = "serve", hide = true, value_enum)]
    library: Option<Library>,

    /// With permessage-deflate, for every message.
    #[arg(long, hide = true, requires = "library")]
    deflate: bool,

    /// With TLS, with this certificate.
    #[arg(long, hide = true, requires = "library", requires = "key")]
    certificate: Option<PathBuf>,

    /// The certificate's key.
    #[arg(long, hide = true, requires = "certificate")]
    key: Option<PathBuf>,

    /// How many connections share a guest, at most.
    #[arg(long, hide = true, requires = "library", default_value = "1")]
    each: NonZero<u32>,

    /// Run as a relay to this echo server instead, on tokio-tungstenite.
    #[arg(long, hide = true, requires = "library")]
    upstream: Option<SocketAddr>,

    /// How much the relay reads at a time, in bytes.
    #[arg(long, hide = true, requires = "upstream")]
    read_buffer: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Library {
    Component,
    Native,
    TokioTungstenite,
    Yawc,
}

impl Options {
    /// If that is requested, prints where it listens, and serves until the process is killed.
    pub(crate) fn serve(&self, component: &Path) -> Option<Result<()>> {
        self.library
            .map(|library| self.serve_on(library, component))
    }

    fn serve_on(&self, library: Library, component: &Path) -> Result<()> {
        let acceptor = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (certificate.clone(), key.clone());
                let config = Issued { certificate, key }.server_config()?;
                Some(TlsAcceptor::from(Arc::new(config)))
            }
            _ => None,
        };
        let kind = self.kind(library, component)?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let mut out = io::stdout();
        writeln!(out, "listening on {}", listener.local_addr()?)?;
        out.flush()?;
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, kind) = (acceptor.clone(), kind.clone());
                // Clients that disconnect are not reported.
                tokio::spawn(async move { kind.serve(socket, acceptor).await });
            }
        });
        runtime.block_on(pending())
    }

    fn kind(&self, library: Library, component: &Path) -> Result<Kind> {
        let mut config = Config::default();
        if self.deflate {
            let mut deflate = Deflate::default();
            deflate.min_length = 0;
            config.deflate = Some(deflate);
        }
        Ok(match (library, self.upstream) {
            (Library::Component, _) => {
                let guests = SandboxConfig {
                    guests: GUESTS,
                    ..SandboxConfig::default()
                };
                let sandbox = Sandbox::load(component, guests)?;
                Kind::Component(Guests::new(sandbox, self.each), config)
            }
            (Library::Native, _) => Kind::Native(config),
            (Library::TokioTungstenite, None) => Kind::Tungstenite,
            (Library::TokioTungstenite, Some(upstream)) => {
                let mut config = WebSocketConfig::default();
                if let Some(size) = self.read_buffer {
                    config = config.read_buffer_size(size);
                }
                Kind::Relay(upstream, config)
            }
            (Library::Yawc, _) => Kind::Yawc,
        })
    }
}
