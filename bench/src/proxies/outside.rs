//! nginx, HAProxy and Envoy, with default settings except for one thread and no log.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use anyhow::{Context, Result};
use host_tests::authority::Issued;
use host_tests::envoy::Envoy;
use host_tests::process::Process;

use super::NGINX;
use crate::servers::Server;

/// The settings of a proxy.
struct Settings<'a> {
    address: SocketAddr,
    server: SocketAddr,
    folder: &'a Path,
    certificate: Option<&'a Issued>,
}

/// Starts those that are installed, with TLS in front if there is a certificate.
pub(super) fn start(server: SocketAddr, certificate: Option<&Issued>) -> Result<Vec<Server>> {
    // What is in it is read when they start.
    let folder = tempfile::tempdir().context("a folder for the proxies' settings")?;
    let folder = folder.path();
    let mut proxies = Vec::new();
    for (name, program) in [(NGINX, "nginx"), ("HAProxy", "haproxy")] {
        let Some(program) = find(program) else {
            note_left_out(name);
            continue;
        };
        let file = folder.join(format!("{name}.conf"));
        // It was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = Settings {
            address,
            server,
            folder,
            certificate,
        };
        let version = version(&program);
        let mut command = Command::new(program);
        let text = match name {
            NGINX => {
                command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c");
                nginx(&settings)
            }
            _ => {
                command.args(["-db", "-q", "-f"]);
                haproxy(&settings)
            }
        };
        fs::write(&file, text)?;
        let mut process = Process::start(name, command.arg(file))?;
        process.listens(address)?;
        proxies.push(Server {
            name,
            version: version.context(name)?,
            address,
            process,
        });
    }
    if certificate.is_none() {
        match Server::envoy("Envoy", Envoy::builder(server).for_measuring()) {
            Ok(envoy) => proxies.push(envoy),
            Err(error) if error.kind() == io::ErrorKind::NotFound => note_left_out("Envoy"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(proxies)
}

fn note_left_out(name: &str) {
    eprintln!("{name} isn't installed, and left out");
}

/// It forwards an upgrade only if configured to.
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

/// A program on PATH, or where Debian puts those for administrators.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    let mut places = folders.map(|folder| folder.join(name));
    places.find(|place| place.is_file())
}

/// As in `nginx version: nginx/1.22.1` and `HAProxy version 2.6.12 2023/12/16`.
fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("-v").output()?;
    let said = String::from_utf8([output.stdout, output.stderr].concat())?;
    let mut words = said.split([' ', '/', '\n']);
    let version = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    Ok(version.context("it has no version")?.to_owned())
}
