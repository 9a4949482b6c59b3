//! The proxies between the test suite and its peer.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use host_tests::authority::Authority;
use host_tests::envoy::Envoy;
use host_tests::gate::{self, Gate, root};

use crate::host::{Host, Role};

/// Below the root: what the filter is published with.
const CONFIGURATION: &str = "envoy/config/http1.yaml";

/// What a connection goes through, until it is dropped.
#[derive(Default)]
pub(crate) struct Between {
    /// Where to connect to.
    pub(crate) url: String,
    _gates: Vec<Gate>,
    _envoy: Option<Envoy>,
    _authority: Option<Authority>,
}

impl Between {
    /// Starts the proxies of this host, if it has any, in front of this `ws://` URL.
    pub(crate) fn start(host: Host, role: Role, upstream: String, folder: &Path) -> Result<Self> {
        match host {
            Host::Component | Host::Native | Host::Node | Host::ComponentTls => Ok(Self {
                url: upstream,
                ..Self::default()
            }),
            Host::Inspect | Host::Terminate => {
                let gate = start_gate(&upstream, mode(host, role))?;
                Ok(Self {
                    url: format!("ws://{}", gate.address),
                    _gates: vec![gate],
                    ..Self::default()
                })
            }
            Host::InspectTls | Host::TerminateTls => two_gates(host, role, &upstream),
            Host::Envoy | Host::EnvoyFilter => {
                let envoy = start_envoy(&upstream, host == Host::EnvoyFilter, folder)?;
                Ok(Self {
                    url: format!("ws://{}", envoy.address),
                    _envoy: Some(envoy),
                    ..Self::default()
                })
            }
        }
    }
}

/// The arguments of a gate. One that terminates compresses as the peer does.
fn mode(host: Host, role: Role) -> &'static [&'static str] {
    match (host, role) {
        (Host::Terminate | Host::TerminateTls, Role::Server) => &[
            "--mode=terminate",
            "--deflate-min-length=0",
            "--deflate-client",
        ],
        (Host::Terminate | Host::TerminateTls, Role::Client) => &[
            "--mode=terminate",
            "--deflate-min-length=0",
            "--deflate-upstream",
            "--deflate-no-takeover",
        ],
        _ => &["--mode=inspect"],
    }
}

fn start_gate(upstream: &str, arguments: &[&str]) -> Result<Gate> {
    let arguments = [&["--upstream", upstream], arguments].concat();
    Ok(Gate::start(&gate::component(), &arguments)?)
}

/// The gate beside the test suite compresses as a single one would, and speaks with the other without compression.
fn two_gates(host: Host, role: Role, upstream: &str) -> Result<Between> {
    let authority = Authority::new()?;
    let issued = authority.issue("gate", &["127.0.0.1"])?;
    let issuer = authority.path();
    let (beside, plain) = (mode(host, role), &mode(host, role)[..1]);
    let (first, second) = match role {
        Role::Server => (beside, plain),
        Role::Client => (plain, beside),
    };
    let behind = start_gate(upstream, &[second, &issued.arguments()].concat())?;
    let upstream = format!("wss://{}", behind.address);
    let front = start_gate(&upstream, &[first, &["--upstream-ca", &issuer]].concat())?;
    Ok(Between {
        url: format!("ws://{}", front.address),
        _gates: vec![front, behind],
        _envoy: None,
        _authority: Some(authority),
    })
}

/// Envoy with the configuration that the filter is published with, for the messages that the test suite sends.
fn start_envoy(upstream: &str, has_filter: bool, folder: &Path) -> Result<Envoy> {
    let published = root().join(CONFIGURATION);
    let mut text = fs::read_to_string(&published)
        .with_context(|| format!("can't read {}", published.display()))?;
    // Messages are of up to 16 MiB; and a ping that the test suite hasn't asked for is an answer to it.
    let settings = r#"{"max_message_bytes": 1048576, "ping_seconds": 30}"#;
    let mut changes = vec![(settings, r#"{"max_message_bytes": 16777216}"#)];
    if !has_filter {
        let name = "- name: websocket-filter\n";
        changes.push((
            name,
            "- name: websocket-filter\n            disabled: true\n",
        ));
    }
    for (from, to) in changes {
        let count = text.matches(from).count();
        ensure!(
            count == 1,
            "{CONFIGURATION} has {from:?} {count} times, not once"
        );
        text = text.replace(from, to);
    }
    let file = folder.with_extension("yaml");
    fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))?;
    let address: SocketAddr = upstream
        .trim_start_matches("ws://")
        .trim_end_matches('/')
        .parse()
        .context("no address of an upstream")?;
    let envoy = Envoy::builder(address).filter(gate::filter()).file(file);
    Ok(envoy.start()?)
}
