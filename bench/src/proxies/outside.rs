//! nginx, HAProxy and Envoy. Settings are as they come, but for one thread and no log.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Result, bail};
use host_tests::gate::file;
use host_tests::process::Process;

use super::{ENVOY, HAPROXY, NGINX, Proxy};

/// How long one may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

struct Outside {
    name: &'static str,
    program: Option<PathBuf>,
    version: fn(&Path) -> Option<String>,
    settings: fn(SocketAddr, SocketAddr, &Path) -> String,
    file: &'static str,
    arguments: fn(&Path) -> Vec<String>,
}

/// Starts those that are installed.
pub(super) fn start(server: SocketAddr, folder: &Path) -> Result<Vec<Proxy>> {
    let mut proxies = Vec::new();
    for outside in all() {
        match &outside.program {
            Some(program) => proxies.push(outside.start(program, server, folder)?),
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
    fn start(&self, program: &Path, server: SocketAddr, folder: &Path) -> Result<Proxy> {
        let address = free_address()?;
        let file = folder.join(self.file);
        fs::write(&file, (self.settings)(address, server, folder))?;
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
        Ok(Proxy {
            name: self.name,
            version: (self.version)(program).unwrap_or_else(|| "?".to_owned()),
            address,
            process,
        })
    }
}

/// It passes an upgrade on only if told so.
fn nginx(address: SocketAddr, server: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
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
    listen {address} backlog=4096;
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

fn haproxy(address: SocketAddr, server: SocketAddr, _: &Path) -> String {
    format!(
        "global
  nbthread 1
  maxconn 9950
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend front
  bind {address} backlog 4096
  default_backend back
backend back
  server one {server}
"
    )
}

fn envoy(address: SocketAddr, server: SocketAddr, _: &Path) -> String {
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
            "address": socket(address),
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
                "lb_endpoints": [{ "endpoint": { "address": socket(server) } }],
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
