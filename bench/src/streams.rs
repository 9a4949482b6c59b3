//! The stream for tokio beside tokio-tungstenite: echo servers, each a process with one thread, under the load of the proxies,
//! with TLS and without; and what a connection costs by how many share a guest.

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
use futures_util::{SinkExt, StreamExt};
use host_tests::authority::{Authority, Issued};
use host_tests::process::Process;
use host_tests::usage;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio_rustls::{TlsAcceptor, TlsStream};
use websocket_host::stream::{Engine, accept_async};
use websocket_host::transport::MaybeTlsStream;
use websocket_host::{Guests, Native, Sandbox, SandboxConfig};

use crate::load::{Content, Load};
use crate::pin::Processors;
use crate::plan::Plan;
use crate::proxies::Proxy;
use crate::scale;
use crate::setting;
use crate::size::Size;
use crate::sockets::measure::{self, Cell, Compared, Effort};
use crate::sockets::table::{self, Columns};

const SIZES: [Size; 2] = [Size(125), Size(16 << 10)];
const CONNECTIONS: [usize; 2] = [1, 500];

const OWN: &str = "websocket-host";
const NATIVE: &str = "without a sandbox";
/// What it is compared with.
const PEER: &str = "tokio-tungstenite";

/// An echo server: what it is called, and how this program is told to be it.
type Server = (&'static str, &'static [&'static str]);

const SERVERS: [Server; 3] = [
    (OWN, &["--echo", "own"]),
    (NATIVE, &["--echo", "native"]),
    (PEER, &["--echo", "peer"]),
];

/// By how many connections a guest has.
const PLACEMENTS: [Server; 6] = [
    ("1 in a guest", &["--echo", "own"]),
    ("10 in a guest", &["--echo", "own", "--each", "10"]),
    ("100 in a guest", &["--echo", "own", "--each", "100"]),
    ("1000 in a guest", &["--echo", "own", "--each", "1000"]),
    (NATIVE, &["--echo", "native"]),
    (PEER, &["--echo", "peer"]),
];

/// As many connections as the last of these has in a guest.
const PLACED: usize = 1000;
/// Twice as many: connections of the repetition before may still be closing.
const GUESTS: u32 = 2 * PLACED as u32;

const COLUMNS: Columns = Columns {
    reference: PEER,
    short: "peer",
    unit: ("GB", 1e9),
};

const LEGEND: &str = "\
Echo servers on tokio with one thread, with the settings that they come with; the clients are one thread on the other
processor. `no proxy` is what they do with an echo server of their own. websocket-host has each connection in a guest of
its own, and `without a sandbox` it runs the native engine. The columns are those of the proxies";

/// An echo server, as a process of its own.
#[derive(Clone, Debug, Args)]
pub(crate) struct Echo {
    /// Be an echo server on this library, until killed.
    #[arg(long, hide = true, value_enum)]
    echo: Option<Library>,

    /// With TLS, by this certificate.
    #[arg(long, hide = true, requires = "echo", requires = "key")]
    certificate: Option<PathBuf>,

    /// And its key.
    #[arg(long, hide = true, requires = "certificate")]
    key: Option<PathBuf>,

    /// How many connections share a guest, at most.
    #[arg(long, hide = true, requires = "echo", default_value = "1")]
    each: NonZero<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Library {
    Own,
    Native,
    Peer,
}

impl Echo {
    /// If that is what is asked for, says where it listens, and serves until the process is killed.
    pub(crate) fn serve(&self, component: &Path) -> Option<Result<()>> {
        self.echo.map(|library| self.serve_on(library, component))
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
        let config = SandboxConfig {
            guests: GUESTS,
            ..SandboxConfig::default()
        };
        let guests = Guests::new(Sandbox::load(component, config)?, self.each);
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
                let (acceptor, guests) = (acceptor.clone(), guests.clone());
                tokio::spawn(async move {
                    let transport = transport(socket, acceptor).await?;
                    match library {
                        Library::Own => own(transport, &guests).await,
                        Library::Native => own(transport, &Native).await,
                        Library::Peer => peer(transport).await,
                    }
                });
            }
        });
        runtime.block_on(pending())
    }
}

async fn transport(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
) -> Result<MaybeTlsStream<TcpStream>> {
    socket.set_nodelay(true)?;
    Ok(match acceptor {
        None => MaybeTlsStream::Plain(socket),
        Some(acceptor) => TlsStream::from(acceptor.accept(socket).await?).into(),
    })
}

async fn own(transport: MaybeTlsStream<TcpStream>, engine: &impl Engine) -> Result<()> {
    let mut stream = accept_async(transport, engine).await?;
    while let Some(message) = stream.next().await.transpose()? {
        if message.is_data() {
            stream.send(message).await?;
        }
    }
    Ok(())
}

async fn peer(transport: MaybeTlsStream<TcpStream>) -> Result<()> {
    let mut stream = tokio_tungstenite::accept_async(transport).await?;
    while let Some(message) = stream.next().await.transpose()? {
        if message.is_text() || message.is_binary() {
            stream.send(message).await?;
        }
    }
    Ok(())
}

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan) -> Result<Value> {
    let cells = Cell::wanted(plan, &SIZES, &CONNECTIONS, &[false, true])?;
    let (secure, plain): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.is_secure);
    let processors = Processors::of_this_thread()?;
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let effort = Effort::of(plan);
    let mut out = io::stdout();
    writeln!(
        out,
        "\nThe stream for tokio, through sockets, {} repetitions\n{LEGEND}",
        effort.repetitions
    )?;
    let authority = Authority::new()?;
    let issued = authority.issue("bench", &["127.0.0.1"])?;
    let mut rows: Vec<Compared> = Vec::new();
    for (cells, certificate) in [(plain, None), (secure, Some(&issued))] {
        if cells.is_empty() {
            continue;
        }
        if certificate.is_some() {
            load.begin_with_tls(authority.roots()?)?;
        }
        processors.pin(processors.proxy)?;
        let servers = SERVERS
            .into_iter()
            .filter(|(name, _)| plan.has(name))
            .map(|it| server(it, plan, certificate))
            .collect::<Result<Vec<_>>>()?;
        processors.pin(processors.load)?;
        for cell in cells {
            let measured = measure::compare(cell, &mut load, &servers, effort)?;
            write!(out, "{}", table::of(&measured, COLUMNS))?;
            rows.push(measured);
        }
    }
    let mut load = Load::new(Content::new(SIZES[0]))?;
    let placements = placements(plan, &processors, &mut load)?;
    Ok(json!({
        "placements": placements,
        "cells": rows.iter().map(table::report).collect::<Vec<_>>(),
    }))
}

/// Prints what a connection costs by how many share a guest, and returns it.
fn placements(plan: &Plan, processors: &Processors, load: &mut Load) -> Result<Vec<Value>> {
    let repetitions = plan.repetitions(3, 1);
    let count = if plan.is_quick { PLACED / 10 } else { PLACED };
    let mut out = io::stdout();
    writeln!(
        out,
        "\n{count} connections to each echo server, {repetitions} repetitions. The columns are those of many connections"
    )?;
    usage::allow_files(u64::from(GUESTS))?;
    let mut rows = Vec::new();
    for placement in PLACEMENTS {
        if !plan.has(placement.0) {
            continue;
        }
        processors.pin(processors.proxy)?;
        let server = server(placement, plan, None)?;
        processors.pin(processors.load)?;
        let row = scale::measure(&server, load, count, repetitions, plan)?;
        rows.push(row);
    }
    write!(out, "{}", scale::table(&rows, count))?;
    Ok(rows.iter().map(scale::report).collect())
}

fn server((name, be): Server, plan: &Plan, certificate: Option<&Issued>) -> Result<Proxy> {
    let mut command = Command::new(env::current_exe()?);
    command.args(be).arg("--component").arg(&plan.component);
    if let Some(issued) = certificate {
        command.args(["--certificate", issued.certificate(), "--key", issued.key()]);
    }
    let process = Process::start(name, &mut command)?;
    let address: SocketAddr = process.address()?;
    Ok(Proxy {
        name,
        version: setting::version(name),
        address,
        process,
    })
}
