//! Proxies in front of one server, each a process with one thread for connections.
//!
//! | module | what it is |
//! |---|---|
//! | `relay` | what one would write on tokio-tungstenite |
//! | `outside` | nginx, HAProxy and Envoy, which pass the bytes on and don't look at frames |

mod outside;
mod relay;

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use host_tests::authority::Issued;
use host_tests::gate::Gate;
use host_tests::process::Process;
use tempfile::TempDir;

use crate::pin::Processors;
use crate::plan::Plan;
use crate::setting;

pub(crate) use relay::Relay;

/// The project's own.
pub(crate) const GATE: &str = "wsgate";
/// The same, ending both connections.
pub(crate) const TERMINATING: &str = "wsgate terminate";
/// The same, with a hundred connections in a sandbox.
pub(crate) const SHARING: &str = "wsgate, shared";
/// The other one that parses frames, and the same with small buffers, which its docs advise for many connections.
pub(crate) const RELAY: &str = "tokio-tungstenite";
pub(crate) const SMALL_RELAY: &str = "the same, 4 KiB";
const SMALL: usize = 4 << 10;
/// Of those that don't.
pub(crate) const HAPROXY: &str = "HAProxy";
pub(crate) const NGINX: &str = "nginx";
pub(crate) const ENVOY: &str = "Envoy";

pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

/// All of them, until this is dropped.
pub(crate) struct Proxies {
    pub(crate) all: Vec<Proxy>,
    /// With the settings of some.
    _folder: TempDir,
}

impl Proxies {
    /// Starts those that are asked for and installed, in front of this server, on a processor of theirs; this thread
    /// has the other one from now on. Those that aren't installed are said to standard error.
    pub(crate) fn start(server: SocketAddr, plan: &Plan, processors: &Processors) -> Result<Self> {
        Self::gather(server, plan, processors, None)
    }

    /// The same of those that can have TLS in front, with this certificate.
    pub(crate) fn with_tls(
        server: SocketAddr,
        plan: &Plan,
        processors: &Processors,
        certificate: &Issued,
    ) -> Result<Self> {
        Self::gather(server, plan, processors, Some(certificate))
    }

    fn gather(
        server: SocketAddr,
        plan: &Plan,
        processors: &Processors,
        certificate: Option<&Issued>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the proxies' settings")?;
        processors.pin(processors.proxy)?;
        let tls = certificate.map(Issued::arguments);
        let tls = tls.as_ref().map_or(&[][..], |tls| tls);
        let gate = |name, more: &[&str]| gate(name, server, &plan.component, &[more, tls].concat());
        let mut all = vec![
            gate(GATE, &[])?,
            gate(TERMINATING, &["--mode", "terminate"])?,
        ];
        if certificate.is_none() {
            all.push(gate(SHARING, &["--sandbox", "100"])?);
            all.push(relay(RELAY, server, None)?);
            all.push(relay(SMALL_RELAY, server, Some(SMALL))?);
        }
        all.extend(outside::start(server, folder.path(), certificate)?);
        processors.pin(processors.load)?;
        all.retain(|proxy| plan.has(proxy.name));
        Ok(Self {
            all,
            _folder: folder,
        })
    }
}

fn gate(name: &'static str, server: SocketAddr, component: &Path, more: &[&str]) -> Result<Proxy> {
    let arguments = ["--threads", "1", "--log", "error", "--keepalive", "off"];
    let gate = Gate::before(server, component, &[&arguments, more].concat())?;
    Ok(Proxy {
        name,
        version: setting::version("wsgate"),
        address: gate.address,
        process: gate.process,
    })
}

fn relay(name: &'static str, server: SocketAddr, read_buffer: Option<usize>) -> Result<Proxy> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("--relay").arg(server.to_string());
    if let Some(size) = read_buffer {
        command.arg("--read-buffer").arg(size.to_string());
    }
    let process = Process::start(name, &mut command)?;
    Ok(Proxy {
        name,
        version: setting::version("tokio-tungstenite"),
        address: process.address()?,
        process,
    })
}
