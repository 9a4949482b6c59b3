//! Echo servers in Rust, of this program's own.

use std::future::pending;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use futures_util::{SinkExt, StreamExt};
use host_tests::peer;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use websocket_component::Deflate;
use websocket_host::protocol::Config;
use websocket_host::stream::{Error, accept_async_with_config};
use websocket_host::{Sandbox, SandboxConfig};

use super::yawc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Library {
    Native,
    Component,
    Yawc,
}

impl Library {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Component => "component",
            Self::Yawc => "yawc",
        }
    }
}

/// Says where it listens, and serves until the process is killed.
pub(crate) fn serve(library: Library, component: &Path) -> Result<()> {
    let runtime = Runtime::new()?;
    let address = match library {
        Library::Native => native(&runtime)?,
        Library::Component => sandboxed(&runtime, component)?,
        Library::Yawc => each(&runtime, |socket| async move {
            if let Err(error) = yawc::echo(socket).await {
                eprintln!("{error:#}");
            }
        })?,
    };
    let mut out = std::io::stdout();
    writeln!(out, "listening on {address}")?;
    out.flush()?;
    runtime.block_on(pending())
}

fn native(runtime: &Runtime) -> Result<SocketAddr> {
    let mut deflate = Deflate::default();
    deflate.min_length = 0;
    let mut config = peer::config();
    config.deflate = Some(deflate);
    Ok(peer::echo_server_with(runtime, config)?)
}

fn sandboxed(runtime: &Runtime, component: &Path) -> Result<SocketAddr> {
    let sandbox = Sandbox::load(component, SandboxConfig::default())?;
    let mut deflate = Deflate::default();
    deflate.min_length = 0;
    let mut config = Config::default();
    config.deflate = Some(deflate);
    each(runtime, move |socket| {
        let sandbox = sandbox.clone();
        async move {
            if let Err(error) = echo(socket, &sandbox, config).await {
                eprintln!("{error}");
            }
        }
    })
}

async fn echo(socket: TcpStream, sandbox: &Sandbox, config: Config) -> Result<(), Error> {
    let mut stream = accept_async_with_config(socket, sandbox, config).await?;
    while let Some(message) = stream.next().await.transpose()? {
        if message.is_data() {
            stream.send(message).await?;
        }
    }
    Ok(())
}

/// A task for each connection, at an address of its own.
fn each<F>(
    runtime: &Runtime,
    connection: impl Fn(TcpStream) -> F + Send + 'static,
) -> Result<SocketAddr>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            // Small answers go out at once, as the peers' do.
            if socket.set_nodelay(true).is_ok() {
                tokio::spawn(connection(socket));
            }
        }
    });
    Ok(address)
}
