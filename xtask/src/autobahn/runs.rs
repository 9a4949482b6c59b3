//! One run: the test suite on one side, the engine's peer on the other, as processes that end with it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::envoy;
use super::report::{self, Case, Verdict};
use super::sections::Section;
use crate::background::Background;
use crate::shell;

/// How many cases run at a time: a case mostly waits.
const PARALLEL: &str = "2";

/// The longest that a run may take: many times what it takes on two busy processors.
const RUN_TIME: Duration = Duration::from_secs(30 * 60);

/// The longest that a program may take to say where it listens: a component is compiled meanwhile.
const START_TIME: Duration = Duration::from_secs(60);

/// The longest that the test suite may take to write its report once all cases are through.
const REPORT_TIME: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// The Rust crate, which needs none.
    Native,
    /// wasmtime, around the component.
    Wasmtime,
    /// Node, with the npm package.
    Node,
    /// The gate, which inspects, in front of a peer or behind it.
    Inspect,
    /// The gate, which terminates.
    Terminate,
    /// wasmtime with TLS, and two gates behind each other with TLS between them.
    WasmtimeTls,
    InspectTls,
    TerminateTls,
    /// Envoy, without the filter and with it.
    Envoy,
    EnvoyFilter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

/// Which build of the engine in which role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) host: Host,
    pub(crate) role: Role,
}

impl Host {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasmtime => "component",
            Self::Node => "node",
            Self::Inspect => "inspect",
            Self::Terminate => "terminate",
            Self::WasmtimeTls => "component-tls",
            Self::InspectTls => "inspect-tls",
            Self::TerminateTls => "terminate-tls",
            Self::Envoy => "envoy",
            Self::EnvoyFilter => "envoy-filter",
        }
    }

    /// Whether there are two gates.
    fn has_two_gates(self) -> bool {
        matches!(self, Self::InspectTls | Self::TerminateTls)
    }

    /// The arguments of a gate, if there is one: of that beside the suite, where there are two. One that terminates does as
    /// the peer does.
    fn gate(self, role: Role) -> Option<&'static [&'static str]> {
        match (self, role) {
            (Self::Inspect | Self::InspectTls, _) => Some(&["--mode=inspect"]),
            (Self::Terminate | Self::TerminateTls, Role::Server) => Some(&[
                "--mode=terminate",
                "--deflate-min-length=0",
                "--deflate-client",
            ]),
            (Self::Terminate | Self::TerminateTls, Role::Client) => Some(&[
                "--mode=terminate",
                "--deflate-min-length=0",
                "--deflate-upstream",
                "--deflate-no-takeover",
            ]),
            _ => None,
        }
    }

    /// Whether what is between the peers knows the rules, so that neither sees one broken.
    fn inspects(self) -> bool {
        self.has_two_gates() || matches!(self, Self::Inspect | Self::Terminate | Self::EnvoyFilter)
    }

    /// The engine of the peer.
    fn engine(self) -> &'static str {
        match self {
            Self::Wasmtime | Self::WasmtimeTls => Self::Wasmtime.name(),
            _ => Self::Native.name(),
        }
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.host {
            Host::Native => "The native engine",
            Host::Wasmtime => "The component in its sandbox",
            Host::Node => "The npm package in Node",
            Host::Inspect => "A gate (inspect)",
            Host::Terminate => "A gate (terminate)",
            Host::WasmtimeTls => "The component in its sandbox with TLS",
            Host::InspectTls => "Two gates (inspect) with TLS between them",
            Host::TerminateTls => "Two gates (terminate) with TLS between them",
            Host::Envoy => "Envoy without the filter",
            Host::EnvoyFilter => "Envoy with the filter",
        };
        match (self.host, self.role) {
            (Host::Native | Host::Wasmtime | Host::WasmtimeTls | Host::Node, role) => {
                write!(f, "{host} as {}", role.name())
            }
            (_, Role::Server) => write!(f, "{host} in front of a server"),
            (_, Role::Client) => write!(f, "{host} between a client and the suite"),
        }
    }
}

/// The programs.
pub(crate) struct Tools {
    /// The folder with the programs of the test suite's environment.
    pub(crate) environment: PathBuf,
    peer: PathBuf,
    gate: PathBuf,
    /// If it is installed.
    pub(crate) envoy: Option<PathBuf>,
    /// The folder in which the npm package is installed.
    node_tests: PathBuf,
    pub(crate) component: PathBuf,
    reports: PathBuf,
}

impl Tools {
    /// The peer is looked for where cargo puts it, beside the folder of this program.
    pub(crate) fn new(environment: PathBuf, component: &Path) -> Result<Self> {
        let own = std::env::current_exe().context("this program has no file")?;
        let target = own.ancestors().nth(2).context("it is in no folder")?;
        let program = |name: &str| {
            let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
            target.join("release").join(name)
        };
        Ok(Self {
            environment,
            peer: program("autobahn-peer"),
            gate: program("wsgate"),
            envoy: None,
            node_tests: shell::root()?.join("js/test"),
            component: component.to_path_buf(),
            reports: target.join("autobahn"),
        })
    }

    fn suite(&self, mode: &str, address: &str, sections: &[Section], folder: &Path) -> Command {
        let mut suite = Command::new(self.environment.join("kosoku"));
        suite.args(["--mode", mode, address, "--parallelism", PARALLEL]);
        for section in sections {
            suite.arg("--include").arg(format!("{}.*", section.number));
        }
        suite.arg("--outdir").arg(folder);
        suite
    }

    fn peer(&self, host: Host) -> Command {
        if host == Host::Node {
            let mut peer = Command::new("node");
            peer.arg(self.node_tests.join("autobahn.mjs"));
            return peer;
        }
        let mut peer = Command::new(&self.peer);
        peer.args(["--engine", host.engine(), "--component"])
            .arg(&self.component);
        if host == Host::WasmtimeTls {
            peer.arg("--tls");
        }
        peer
    }

    /// Starts the proxies of this host, if it has any, in front of an upstream. Returns them, and the URL to connect to.
    fn proxies(&self, run: Run, upstream: String) -> Result<(Vec<Background>, String)> {
        if let Host::Envoy | Host::EnvoyFilter = run.host {
            let program = self.envoy.as_ref().context("Envoy is not installed")?;
            let filters = run.host == Host::EnvoyFilter;
            let (envoy, url) = envoy::start(program, &self.reports, &upstream, filters)?;
            return Ok((vec![envoy], url));
        }
        let Some(arguments) = run.host.gate(run.role) else {
            return Ok((Vec::new(), upstream));
        };
        if !run.host.has_two_gates() {
            let (gate, address) = self.gate(&upstream, arguments)?;
            return Ok((vec![gate], format!("ws://{address}")));
        }
        let folder = self.reports.join("certificate");
        let mut certificate = Command::new(&self.peer);
        certificate.args(["--engine", "native", "certificate"]);
        shell::run(certificate.arg(&folder))?;
        let file = |name: &str| folder.join(name).display().to_string();
        let (chain, key, issuer) = (file("a.crt"), file("a.key"), file("ca.pem"));
        // The one beside the suite speaks with it as a single one would, and with the other without compression.
        let mode = arguments.get(..1).unwrap_or_default();
        let (first, second) = match run.role {
            Role::Server => (arguments, mode),
            Role::Client => (mode, arguments),
        };
        let tls = ["--tls-certificate", &chain, "--tls-key", &key];
        let (behind, address) = self.gate(&upstream, &[second, &tls].concat())?;
        let upstream = format!("wss://{address}");
        let tls = ["--upstream-ca", &issuer];
        let (front, address) = self.gate(&upstream, &[first, &tls].concat())?;
        Ok((vec![front, behind], format!("ws://{address}")))
    }

    /// Starts a gate. Returns it, and where it listens.
    fn gate(&self, upstream: &str, arguments: &[&str]) -> Result<(Background, String)> {
        let mut gate = Command::new(&self.gate);
        gate.arg("--component").arg(&self.component);
        gate.args(["--listen", "127.0.0.1:0", "--upstream", upstream]);
        let mut gate = Background::start(gate.args(arguments).env("NO_COLOR", "1"))?;
        let address = gate.says("listening on ", START_TIME)?;
        Ok((gate, address))
    }
}

/// What came of a run.
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) cases: Vec<Case>,
    pub(crate) time: Duration,
}

impl Finished {
    /// The cases that stand against the engine.
    ///
    /// A message right before a broken rule is not answered through the filter, which closes both sides at once.
    pub(crate) fn bad(&self) -> impl Iterator<Item = &Case> {
        let is_filtered = self.run.host == Host::EnvoyFilter;
        self.cases.iter().filter(move |case| match case.verdict {
            Verdict::Ok | Verdict::Informational => false,
            Verdict::NonStrict => !is_filtered,
            Verdict::Failed => true,
        })
    }
}

/// Runs these sections, and reads the report.
pub(crate) fn finish(tools: &Tools, run: Run, sections: &[Section]) -> Result<Finished> {
    let name = format!("{}-{}", run.host.name(), run.role.name());
    let folder = tools.reports.join(name);
    // A report of an earlier run must not be taken for this one's.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
    }
    let started = Instant::now();
    let mut suite = match run.role {
        Role::Server => against_server(tools, run, sections, &folder)?,
        Role::Client => against_client(tools, run, sections, &folder)?,
    };
    let time = started.elapsed();
    // The test suite's own status and words count every case that isn't implemented as a failure: the report is what counts.
    let cases = report::read(&folder, sections).with_context(|| {
        let (folder, log) = (folder.display(), suite.log());
        format!("the report in {folder} is no good{log}")
    })?;
    Ok(Finished { run, cases, time })
}

fn against_server(
    tools: &Tools,
    run: Run,
    sections: &[Section],
    folder: &Path,
) -> Result<Background> {
    let mut server = Background::start(tools.peer(run.host).arg("server"))?;
    let address = server.says("listening on ", START_TIME)?;
    let (_proxies, url) = tools.proxies(run, format!("ws://{address}"))?;
    let mut suite = Background::start(&mut tools.suite("fuzzingclient", &url, sections, folder))?;
    suite.ends_within(RUN_TIME)?;
    check_peer(run, &mut server)?;
    Ok(suite)
}

fn against_client(
    tools: &Tools,
    run: Run,
    sections: &[Section],
    folder: &Path,
) -> Result<Background> {
    let mut suite = tools.suite("fuzzingserver", "127.0.0.1:0", sections, folder);
    let mut suite = Background::start(&mut suite)?;
    let url = suite.says("fuzzingserver listening on ", START_TIME)?;
    let (_proxies, url) = tools.proxies(run, url)?;
    let mut client = tools.peer(run.host);
    let mut client = Background::start(client.args(["client", &url, "--parallel", PARALLEL]))?;
    let status = client.ends_within(RUN_TIME)?;
    ensure!(
        status.success(),
        "the client failed ({status}){}",
        client.log()
    );
    suite.ends_within(REPORT_TIME)?;
    check_peer(run, &mut client)?;
    Ok(suite)
}

/// An error if the peer has seen a broken rule that the proxy in front of it should not have let pass, or none through a
/// proxy that lets all of them pass.
fn check_peer(run: Run, peer: &mut Background) -> Result<()> {
    let log = peer.log();
    let broken: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("broken rule: "))
        .collect();
    let (count, first) = (broken.len(), broken[..broken.len().min(3)].join(", "));
    ensure!(
        count == 0 || !run.host.inspects(),
        "the peer has seen {count} broken rules, such as {first}"
    );
    ensure!(
        count > 0 || run.host != Host::Envoy,
        "the peer has seen no broken rule"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(id: &str, verdict: Verdict) -> bool {
        bad_through(Host::Native, id, verdict)
    }

    fn bad_through(host: Host, id: &str, verdict: Verdict) -> bool {
        let case = Case {
            id: id.parse().unwrap(),
            verdict,
            story: String::new(),
        };
        let done = Finished {
            run: Run {
                host,
                role: Role::Server,
            },
            cases: vec![case],
            time: Duration::ZERO,
        };
        done.bad().count() == 1
    }

    #[test]
    fn what_is_not_strict_counts_as_a_failure_does() {
        assert!(bad("6.4.1", Verdict::Failed));
        assert!(bad("6.4.1", Verdict::NonStrict));
        assert!(!bad("6.4.1", Verdict::Ok));
        assert!(!bad("7.1.6", Verdict::Informational));
    }

    #[test]
    fn only_through_the_filter_what_is_not_strict_is_no_failure() {
        for host in [
            Host::Envoy,
            Host::Inspect,
            Host::Terminate,
            Host::EnvoyFilter,
        ] {
            let is_bad = host != Host::EnvoyFilter;
            assert_eq!(bad_through(host, "3.2", Verdict::NonStrict), is_bad);
            assert!(bad_through(host, "3.2", Verdict::Failed));
        }
    }
}
