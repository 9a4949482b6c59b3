//! Proxies in front of one server, each a process with one thread for connections.
//!
//! | module | what it is |
//! |---|---|
//! | `outside` | nginx, HAProxy and Envoy, which forward the bytes without parsing frames |

mod outside;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use host_tests::authority::Issued;
use host_tests::gate::Gate;

use crate::plan::Plan;
use crate::servers::Server;
use crate::setting;

/// The other proxy that parses frames.
pub(crate) const RELAY: &str = "tokio-tungstenite";
/// One of those that don't.
pub(crate) const NGINX: &str = "nginx";

/// Starts the selected proxies in front of this server. Those that aren't installed are reported to standard error.
/// With a certificate, starts only those that can terminate TLS.
pub(crate) fn start(
    server: SocketAddr,
    plan: &Plan,
    certificate: Option<&Issued>,
) -> Result<Vec<Server>> {
    let tls = certificate.map(Issued::arguments);
    let tls = tls.as_ref().map_or(&[][..], |tls| tls);
    let gate = |name, more: &[&str]| gate(name, server, &plan.component, &[more, tls].concat());
    let mut all = vec![
        gate("wsgate", &[])?,
        gate("wsgate terminate", &["--mode", "terminate"])?,
    ];
    if certificate.is_none() {
        // A hundred connections share a sandbox.
        all.push(gate("wsgate, shared", &["--sandbox", "100"])?);
        let version = setting::version("tokio-tungstenite");
        let upstream = server.to_string();
        let relay = ["tokio-tungstenite", "--upstream", &upstream];
        // As its docs advise for many connections.
        let small = [&relay[..], &["--read-buffer", "4096"]].concat();
        for (name, words) in [(RELAY, &relay[..]), ("the same, 4 KiB", &small)] {
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
