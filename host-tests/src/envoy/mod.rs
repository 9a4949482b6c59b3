//! A real Envoy as a process, with or without the filter.

mod admin;
mod bootstrap;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::gate::file;
use crate::process::{Process, poll};
use admin::Admin;

/// How long Envoy may take to listen, or to write what a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The path prefix of the route that has the filter turned off.
pub const UNCHECKED: &str = "/unchecked";

/// The filter's fields of the access log: each is `%FILTER_STATE(wasm.NAME:PLAIN)%`, null if the filter has not set it.
pub const FIELDS: [&str; 10] = [
    "ws_verdict",
    "ws_close_client",
    "ws_close_server",
    "ws_close_to_client",
    "ws_close_to_server",
    "ws_messages_client",
    "ws_messages_server",
    "ws_bytes_client",
    "ws_bytes_server",
    "ws_duration_ms",
];

/// A version of HTTP on one side of Envoy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http {
    #[default]
    One,
    /// Without TLS by prior knowledge; WebSockets by extended CONNECT (RFC 8441).
    Two,
}

/// What an Envoy is to be started with.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    program: PathBuf,
    upstream: SocketAddr,
    upstream_http: Http,
    downstream_http: Http,
    filter: Option<PathBuf>,
    configuration: String,
    failure_policy: String,
    tls: bool,
    tcp_proxy: bool,
    manager: Map<String, Value>,
    concurrency: u32,
    is_measured: bool,
    file: Option<PathBuf>,
}

impl Builder {
    /// Another Envoy than the one that `ENVOY` names, or `cargo xtask` installs.
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = path.into();
        self
    }

    /// Puts this module before the router, or before `tcp_proxy`. By default there is no filter.
    pub fn filter(mut self, module: impl Into<PathBuf>) -> Self {
        self.filter = Some(module.into());
        self
    }

    /// The configuration of the filter: a string, or a [`Value`] that is passed as its JSON. By default it is empty.
    pub fn configuration(mut self, text: impl ToString) -> Self {
        self.configuration = text.to_string();
        self
    }

    /// The failure policy of the filter. By default `FAIL_RELOAD`.
    pub fn failure_policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.failure_policy);
        self
    }

    /// The HTTP of clients. By default 1.1.
    pub fn downstream(mut self, http: Http) -> Self {
        self.downstream_http = http;
        self
    }

    /// The HTTP of the upstream. By default 1.1.
    pub fn upstream(mut self, http: Http) -> Self {
        self.upstream_http = http;
        self
    }

    /// Clients have to use TLS; [`Envoy::certificate`] is what they have to trust.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Forwards bytes with `tcp_proxy`, and the filter is a network filter.
    pub fn tcp_proxy(mut self) -> Self {
        self.tcp_proxy = true;
        self
    }

    /// Sets a field of the HTTP connection manager.
    pub fn manager(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.manager.insert(field.to_owned(), value.into());
        self
    }

    /// The number of worker threads, each with a VM of its own. By default 1.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// Does nothing beside forwarding that Envoy doesn't do by default: no access log, and statistics every 5 s.
    pub fn for_measuring(mut self) -> Self {
        self.is_measured = true;
        self
    }

    /// Starts it with a file of `envoy/config`, whose ports, module, certificate and access log are replaced. The other
    /// settings have no effect then, but [`tls`](Self::tls) makes the certificate.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// The program or the module doesn't exist, or Envoy doesn't start: then the error has its log.
    pub fn start(self) -> io::Result<Envoy> {
        if let Some(module) = self.filter.as_deref().filter(|module| !module.is_file()) {
            let module = module.display();
            let what = format!("there is no filter at {module}: run `cargo xtask envoy`");
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        let folder = tempfile::tempdir()?;
        if self.tls {
            make_certificate(folder.path())?;
        }
        // JSON is YAML.
        let settings = folder.path().join("envoy.yaml");
        let bootstrap = match &self.file {
            Some(file) => self.adapt(&fs::read_to_string(file)?, folder.path()),
            None => self.bootstrap(folder.path()).to_string(),
        };
        fs::write(&settings, bootstrap)?;
        let address_file = folder.path().join("admin");
        let mut command = Command::new(&self.program);
        command
            .args(["--concurrency", &self.concurrency.to_string()])
            .args(["--log-level", "warning"])
            .args(["--component-log-level", "wasm:info"])
            .args(["--file-flush-interval-msec", "20"])
            // Otherwise each one leaves a file in /dev/shm.
            .arg("--disable-hot-restart")
            .arg("--admin-address-path")
            .arg(&address_file)
            .arg("-c")
            .arg(&settings);
        let mut process = Process::start("Envoy", &mut command)?;
        let started = poll(PATIENCE, || match listening(&address_file) {
            Some(found) => Ok(Some(Ok(found))),
            None => Ok(process.ended()?.map(Err)),
        })?;
        let Some(Ok((admin, address))) = started else {
            // What it wrote last may be on its way yet.
            thread::sleep(Duration::from_millis(100));
            let what = format!("Envoy doesn't start; its log:\n{}", process.log());
            return Err(io::Error::other(what));
        };
        Ok(Envoy {
            address,
            process,
            admin,
            tls: self.tls,
            folder,
        })
    }
}

/// An Envoy that listens on a port of its own, and ends when it is dropped.
#[derive(Debug)]
pub struct Envoy {
    pub address: SocketAddr,
    pub process: Process,
    admin: Admin,
    tls: bool,
    folder: TempDir,
}

impl Envoy {
    /// An Envoy that forwards to this address.
    pub fn builder(upstream: SocketAddr) -> Builder {
        Builder {
            program: file("ENVOY", "target/envoy/bin/envoy"),
            upstream,
            upstream_http: Http::default(),
            downstream_http: Http::default(),
            filter: None,
            configuration: String::new(),
            failure_policy: "FAIL_RELOAD".to_owned(),
            tls: false,
            tcp_proxy: false,
            manager: Map::new(),
            concurrency: 1,
            is_measured: false,
            file: None,
        }
    }

    /// The certificate of a TLS listener, for `localhost` and `127.0.0.1`, as a PEM file that clients can trust.
    #[must_use]
    pub fn certificate(&self) -> Option<PathBuf> {
        self.tls.then(|| self.folder.path().join(CERTIFICATE))
    }

    /// All counters and gauges, and of each histogram how many values it has. Those of the filter begin with
    /// `wasmcustom.`. Histograms are 0.1 s behind.
    ///
    /// # Errors
    ///
    /// Envoy doesn't answer.
    pub fn stats(&self) -> io::Result<BTreeMap<String, u64>> {
        self.admin.stats()
    }

    /// The answer of the administration interface to this request.
    ///
    /// # Errors
    ///
    /// Envoy doesn't answer, or not with 200.
    pub fn admin(&self, method: &str, path: &str) -> io::Result<String> {
        self.admin.request(method, path)
    }

    /// As in `1.40.0`.
    ///
    /// # Errors
    ///
    /// Envoy doesn't answer.
    pub fn version(&self) -> io::Result<String> {
        self.admin.version()
    }

    /// The log: warnings of Envoy, and what the filter logs from the level `info` on.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until a line of the log has this text, and returns the first one.
    ///
    /// # Errors
    ///
    /// There is none in time.
    pub fn wait_for_log(&self, text: &str) -> io::Result<String> {
        self.wait_for(&format!("no {text:?} in the log"), || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains(text));
            Ok(line.map(str::to_owned))
        })
    }

    /// The entries of the access log: one for each stream that has ended, with [`FIELDS`] and `path`, `code`, `flags`
    /// and `details`. Waits until there are at least `count`.
    ///
    /// # Errors
    ///
    /// There are fewer, and no more in time.
    pub fn access_log(&self, count: usize) -> io::Result<Vec<Value>> {
        let path = self.folder.path().join(ACCESS_LOG);
        self.wait_for(&format!("no {count} entries in the access log"), || {
            let text = fs::read_to_string(&path)?;
            // The last line may be on its way yet.
            let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            let entries: Vec<Value> = complete
                .lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?;
            Ok((entries.len() >= count).then_some(entries))
        })
    }

    fn wait_for<T>(
        &self,
        otherwise: &str,
        get: impl FnMut() -> io::Result<Option<T>>,
    ) -> io::Result<T> {
        poll(PATIENCE, get)?.ok_or_else(|| {
            let what = format!("{otherwise}; Envoy's log:\n{}", self.log());
            io::Error::other(what)
        })
    }
}

const ACCESS_LOG: &str = "access.log";
const CERTIFICATE: &str = "certificate.pem";
const PRIVATE_KEY: &str = "private-key.pem";

/// Where the administration interface and the listener are, once Envoy is ready.
fn listening(address_file: &Path) -> Option<(Admin, SocketAddr)> {
    let admin = Admin::at(fs::read_to_string(address_file).ok()?.trim().parse().ok()?);
    let ready = admin.request("GET", "/ready").ok()?;
    let address = admin.listener().ok()?;
    ready.starts_with("LIVE").then_some((admin, address))
}

/// A self-signed certificate and its key.
fn make_certificate(folder: &Path) -> io::Result<()> {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-nodes", "-days", "2"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .arg("-keyout")
        .arg(folder.join(PRIVATE_KEY))
        .arg("-out")
        .arg(folder.join(CERTIFICATE));
    Process::start("openssl", &mut command)?.succeed()
}
