//! Proxies in front of one server, each a process with one thread for connections.
//!
//! | module | what it is |
//! |---|---|
//! | `outside` | nginx, HAProxy and Envoy, which pass the bytes on and don't look at frames |

mod outside;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use host_tests::authority::Issued;
use host_tests::gate::Gate;

use crate::plan::Plan;
use crate::servers::Server;
use crate::setting;

/// The project's own.
pub(crate) const GATE: &str = "wsgate";
/// The same, ending both connections.
pub(crate) const TERMINATING: &str = "wsgate terminate";
/// The same, with a hundred connections in a sandbox.
pub(crate) const SHARING: &str = "wsgate, shared";
/// The other one that parses frames, and the same with small buffers, which its docs advise for many connections.
pub(crate) const RELAY: &str = "tokio-tungstenite";
pub(crate) const SMALL_RELAY: &str = "the same, 4 KiB";
/// Of those that don't.
pub(crate) const HAPROXY: &str = "HAProxy";
pub(crate) const NGINX: &str = "nginx";
pub(crate) const ENVOY: &str = "Envoy";

/// Starts those that are asked for and installed, in front of this server. Those that aren't installed are said to standard
/// error. With a certificate only those that can have TLS in front.
pub(crate) fn start(
    server: SocketAddr,
    plan: &Plan,
    certificate: Option<&Issued>,
) -> Result<Vec<Server>> {
    let tls = certificate.map(Issued::arguments);
    let tls = tls.as_ref().map_or(&[][..], |tls| tls);
    let gate = |name, more: &[&str]| gate(name, server, &plan.component, &[more, tls].concat());
    let mut all = vec![
        gate(GATE, &[])?,
        gate(TERMINATING, &["--mode", "terminate"])?,
    ];
    if certificate.is_none() {
        all.push(gate(SHARING, &["--sandbox", "100"])?);
        let version = setting::version("tokio-tungstenite");
        let upstream = server.to_string();
        let relay = ["tokio-tungstenite", "--upstream", &upstream];
        let small = [&relay[..], &["--read-buffer", "4096"]].concat();
        for (name, words) in [(RELAY, &relay[..]), (SMALL_RELAY, &small)] {
            all.push(Server::own(name, version.clone(), words, &plan.component)?);
        }
    }
    all.extend(outside::start(server, certificate)?);
    all.retain(|proxy| plan.has(proxy.name));
    Ok(all)
}

fn gate(name: &'static str, server: SocketAddr, component: &Path, more: &[&str]) -> Result<Server> {
    let arguments = ["--threads", "1", "--log", "error", "--keepalive", "off"];
    let gate = Gate::before(server, component, &[&arguments, more].concat())?;
    Ok(Server {
        name,
        version: setting::version("wsgate"),
        address: gate.address,
        process: gate.process,
    })
}
