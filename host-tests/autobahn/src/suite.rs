//! A run: the test suite on one side, the engine's peer on the other, as processes that end with it.

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host_tests::gate::{file, root};
use host_tests::process::Process;

use crate::between::Between;
use crate::host::{Host, Role};
use crate::report::{self, Case, Section, Verdict};

/// How many cases run at a time: a case mostly waits.
const PARALLEL: &str = "2";

/// The longest that a run may take: many times what it takes on two busy processors.
const RUN_TIME: Duration = Duration::from_secs(30 * 60);

/// The longest that the test suite may take to write its report once all cases are through.
const REPORT_TIME: Duration = Duration::from_secs(60);

/// The results of a run.
pub(crate) struct Finished {
    host: Host,
    cases: Vec<Case>,
    time: Duration,
}

impl Finished {
    /// The cases that stand against the engine.
    ///
    /// A message right before a broken rule is not answered through the filter, which closes both sides at once.
    pub(crate) fn bad(&self) -> impl Iterator<Item = &Case> {
        let is_filtered = self.host == Host::EnvoyFilter;
        self.cases.iter().filter(move |case| match case.verdict {
            Verdict::Ok | Verdict::Informational => false,
            Verdict::NonStrict => !is_filtered,
            Verdict::Failed => true,
        })
    }
}

/// A line of counts; and each case that isn't OK, with the expected and the actual result.
impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |verdict| {
            let cases = self.cases.iter();
            cases.filter(|case| case.verdict == verdict).count()
        };
        let seconds = self.time.as_secs();
        writeln!(
            f,
            "{} cases in {} min {:02} s: {} OK, {} NON-STRICT, {} INFORMATIONAL, {} failed",
            self.cases.len(),
            seconds / 60,
            seconds % 60,
            count(Verdict::Ok),
            count(Verdict::NonStrict),
            count(Verdict::Informational),
            count(Verdict::Failed),
        )?;
        let others = self.cases.iter();
        for case in others.filter(|case| case.verdict != Verdict::Ok) {
            writeln!(f, "* {}: {}", case.id, case.story)?;
        }
        Ok(())
    }
}

/// Runs the test suite, and reads its report.
pub(crate) fn run(host: Host, role: Role, is_fast: bool) -> Result<Finished> {
    let sections = report::sections(is_fast);
    let folder = root().join("target/autobahn");
    let folder = folder.join(format!("{}-{}", host.name(), role.name()));
    // A report of an earlier run must not be taken for this one's.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("can't empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let started = Instant::now();
    let suite = match role {
        Role::Server => against_server(host, &sections, &folder)?,
        Role::Client => against_client(host, &sections, &folder)?,
    };
    let time = started.elapsed();
    // The test suite's own status and words count every case that isn't implemented as a failure: the report is what counts.
    let cases = report::read(&folder, &sections).with_context(|| {
        let (folder, log) = (folder.display(), suite.log());
        format!("the report in {folder} is no good; the test suite says:\n{log}")
    })?;
    Ok(Finished { host, cases, time })
}

fn against_server(host: Host, sections: &[Section], folder: &Path) -> Result<Process> {
    let server = Process::start("the server", peer(host)?.arg("server"))?;
    let upstream = format!("ws://{}", server.address()?);
    let between = Between::start(host, Role::Server, upstream, folder)?;
    let mut suite = suite("fuzzingclient", &between.url, sections, folder);
    let mut suite = Process::start("the test suite", &mut suite)?;
    suite.ends_within(RUN_TIME)?;
    check_peer(host, &server)?;
    Ok(suite)
}

fn against_client(host: Host, sections: &[Section], folder: &Path) -> Result<Process> {
    let mut suite = suite("fuzzingserver", "127.0.0.1:0", sections, folder);
    let mut suite = Process::start("the test suite", &mut suite)?;
    let url = suite.logs("fuzzingserver listening on ")?;
    let between = Between::start(host, Role::Client, url, folder)?;
    let mut client = peer(host)?;
    client.args(["client", &between.url, "--parallel", PARALLEL]);
    let mut client = Process::start("the client", &mut client)?;
    let status = client.ends_within(RUN_TIME)?;
    ensure!(
        status.success(),
        "the client failed ({status}); it says:\n{}",
        client.log()
    );
    suite.ends_within(REPORT_TIME)?;
    check_peer(host, &client)?;
    Ok(suite)
}

fn suite(mode: &str, address: &str, sections: &[Section], folder: &Path) -> Command {
    let mut suite = Command::new(file("WEBSOCKET_TEST_AUTOBAHN", "target/kosoku/bin/kosoku"));
    suite.args(["--mode", mode, address, "--parallelism", PARALLEL]);
    for section in sections {
        suite.arg("--include").arg(format!("{}.*", section.number));
    }
    suite.arg("--outdir").arg(folder);
    suite
}

fn peer(host: Host) -> Result<Command> {
    if host == Host::Node {
        let mut peer = Command::new("node");
        peer.arg(file("WEBSOCKET_TEST_JS_DIR", "js/test").join("autobahn.mjs"));
        return Ok(peer);
    }
    let mut peer = Command::new(env::current_exe().context("this program has no file")?);
    peer.arg("peer");
    if let Host::Component | Host::ComponentTls = host {
        peer.arg("--component");
    }
    if host == Host::ComponentTls {
        peer.arg("--tls");
    }
    Ok(peer)
}

/// An error if the peer has seen a broken rule that the proxy in front of it should not have let pass, or none through a
/// proxy that lets all of them pass.
fn check_peer(host: Host, peer: &Process) -> Result<()> {
    let log = peer.log();
    let broken: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("broken rule: "))
        .collect();
    let (count, first) = (broken.len(), broken[..broken.len().min(3)].join(", "));
    ensure!(
        count == 0 || !host.inspects(),
        "the peer has seen {count} broken rules, such as {first}"
    );
    ensure!(
        count > 0 || host != Host::Envoy,
        "the peer has seen no broken rule"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_bad(host: Host, verdict: Verdict) -> bool {
        let case = Case {
            id: "6.4.1".parse().unwrap(),
            verdict,
            story: String::new(),
        };
        let finished = Finished {
            host,
            cases: vec![case],
            time: Duration::ZERO,
        };
        finished.bad().count() == 1
    }

    #[test]
    fn what_is_not_strict_counts_as_a_failure_but_through_the_filter() {
        for host in [Host::Native, Host::Envoy, Host::Inspect, Host::Terminate] {
            assert!(is_bad(host, Verdict::Failed));
            assert!(is_bad(host, Verdict::NonStrict));
            assert!(!is_bad(host, Verdict::Ok));
            assert!(!is_bad(host, Verdict::Informational));
        }
        assert!(!is_bad(Host::EnvoyFilter, Verdict::NonStrict));
        assert!(is_bad(Host::EnvoyFilter, Verdict::Failed));
    }
}
