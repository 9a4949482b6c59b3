//! nginx, HAProxy and Envoy. Settings are as they come, but for one thread and no log.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Result, bail};
use host_tests::authority::Issued;
use host_tests::gate::file;
use host_tests::process::Process;

use super::{ENVOY, HAPROXY, NGINX};
use crate::servers::Server;

/// How long one may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

struct Outside {
    name: &'static str,
    program: Option<PathBuf>,
    version: fn(&Path) -> Option<String>,
    settings: fn(&Settings<'_>) -> String,
    /// The settings have TLS in front if there is a certificate.
    has_tls: bool,
    file: &'static str,
    arguments: fn(&Path) -> Vec<String>,
}

/// What a proxy is told.
struct Settings<'a> {
    address: SocketAddr,
    server: SocketAddr,
    folder: &'a Path,
    certificate: Option<&'a Issued>,
}

/// Starts those that are installed, with TLS in front if there is a certificate.
pub(super) fn start(
    server: SocketAddr,
    folder: &Path,
    certificate: Option<&Issued>,
) -> Result<Vec<Server>> {
    let mut proxies = Vec::new();
    for outside in all() {
        if certificate.is_some() && !outside.has_tls {
            continue;
        }
        let settings = Settings {
            address: free_address()?,
            server,
            folder,
            certificate,
        };
        match &outside.program {
            Some(program) => proxies.push(outside.start(program, &settings)?),
            None => eprintln!("{} isn't installed, and left out", outside.name),
        }
    }
    Ok(proxies)
}

fn all() -> [Outside; 3] {
    [
        Outside {
            name: NGINX,
            program: find("nginx"),
            version: |program| word_after(&said(program, "-v")?, "nginx/"),
            settings: nginx,
            has_tls: true,
            file: "nginx.conf",
            arguments: |file| {
                let folder = file.parent().unwrap_or(file);
                let of = |path: &Path| path.display().to_string();
                vec![
                    "-p".into(),
                    of(folder),
                    "-e".into(),
                    "stderr".into(),
                    "-c".into(),
                    of(file),
                ]
            },
        },
        Outside {
            name: HAPROXY,
            program: find("haproxy"),
            version: |program| word_after(&said(program, "-v")?, "version "),
            settings: haproxy,
            has_tls: true,
            file: "haproxy.cfg",
            arguments: |file| {
                vec![
                    "-db".into(),
                    "-q".into(),
                    "-f".into(),
                    file.display().to_string(),
                ]
            },
        },
        Outside {
            name: ENVOY,
            program: Some(file("", "target/envoy/bin/envoy")).filter(|path| path.is_file()),
            version: |program| {
                // As in `envoy version: 9e55809/1.40.0/Clean/RELEASE/BoringSSL`.
                let version = word_after(&said(program, "--version")?, "version: ")?;
                version.split('/').nth(1).map(str::to_owned)
            },
            settings: envoy,
            has_tls: false,
            file: "envoy.json",
            arguments: |file| {
                let fixed = [
                    "--concurrency",
                    "1",
                    "--log-level",
                    "error",
                    "--use-dynamic-base-id",
                    "-c",
                ];
                let mut arguments: Vec<_> = fixed.map(str::to_owned).into();
                arguments.push(file.display().to_string());
                arguments
            },
        },
    ]
}

impl Outside {
    fn start(&self, program: &Path, settings: &Settings<'_>) -> Result<Server> {
        let address = settings.address;
        let file = settings.folder.join(self.file);
        fs::write(&file, (self.settings)(settings))?;
        let mut process = Process::start(
            self.name,
            Command::new(program).args((self.arguments)(&file)),
        )?;
        let since = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            if process.ended()?.is_some() || since.elapsed() > PATIENCE {
                // What it wrote last may be on its way yet.
                thread::sleep(Duration::from_millis(100));
                bail!("{} doesn't start: {}", self.name, process.log());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Server {
            name: self.name,
            version: (self.version)(program).unwrap_or_else(|| "?".to_owned()),
            address,
            process,
        })
    }
}

/// It passes an upgrade on only if told so.
fn nginx(settings: &Settings<'_>) -> String {
    let Settings {
        address, server, ..
    } = settings;
    let folder = settings.folder.display();
    let (ssl, certificate) = match settings.certificate {
        None => ("", String::new()),
        Some(issued) => (
            " ssl",
            format!(
                "ssl_certificate {}; ssl_certificate_key {};",
                issued.certificate(),
                issued.key()
            ),
        ),
    };
    format!(
        "daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr error;
# It closes connections when a sixteenth of these is left.
events {{ worker_connections 40000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {address}{ssl} backlog=4096;
    {certificate}
    location / {{
      proxy_pass http://{server};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection \"upgrade\";
      proxy_read_timeout 1h;
    }}
  }}
}}
"
    )
}

fn haproxy(settings: &Settings<'_>) -> String {
    let Settings {
        address, server, ..
    } = settings;
    // It finds the key beside the certificate.
    let (key, ssl) = match settings.certificate {
        None => ("", String::new()),
        Some(issued) => (
            "ssl-load-extra-del-ext",
            format!(" ssl crt {}", issued.certificate()),
        ),
    };
    format!(
        "global
  nbthread 1
  maxconn 9950
  {key}
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend front
  bind {address} backlog 4096{ssl}
  default_backend back
backend back
  server one {server}
"
    )
}

fn envoy(settings: &Settings<'_>) -> String {
    let socket = |address: SocketAddr| serde_json::json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } });
    let manager = serde_json::json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "upgrade_configs": [{ "upgrade_type": "websocket" }],
        "stream_idle_timeout": "0s",
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
        }],
        "route_config": { "virtual_hosts": [{
            "name": "all",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "server", "timeout": "0s" } }],
        }] },
    });
    let thresholds = serde_json::json!([{ "max_connections": 100_000, "max_requests": 100_000, "max_pending_requests": 100_000 }]);
    let settings = serde_json::json!({ "static_resources": {
        "listeners": [{
            "address": socket(settings.address),
            "tcp_backlog_size": 4096,
            "filter_chains": [{ "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": manager,
            }] }],
        }],
        "clusters": [{
            "name": "server",
            "type": "STATIC",
            "circuit_breakers": { "thresholds": thresholds },
            "load_assignment": { "cluster_name": "server", "endpoints": [{
                "lb_endpoints": [{ "endpoint": { "address": socket(settings.server) } }],
            }] },
        }],
    } });
    settings.to_string()
}

/// An address that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A program on PATH, or where Debian puts those for administrators.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut places = folders.map(|folder| folder.join(name));
    places.find(|place| place.is_file())
}

/// What a program says of itself.
fn said(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8(both).ok()
}

/// The word behind another one.
fn word_after(text: &str, before: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_whitespace().next().map(str::to_owned)
}
