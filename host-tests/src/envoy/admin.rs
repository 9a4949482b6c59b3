//! Envoy's administration interface, by requests of HTTP/1.1.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// The longest that it may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Admin {
    address: SocketAddr,
}

impl Admin {
    pub(super) fn at(address: SocketAddr) -> Admin {
        Admin { address }
    }

    /// The body of the response, which has to be 200.
    pub(super) fn request(&self, method: &str, path: &str) -> io::Result<String> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        socket.write_all(request.as_bytes())?;
        let mut response = String::new();
        socket.read_to_string(&mut response)?;
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        if !head.starts_with("HTTP/1.1 200 ") {
            let what = format!("{method} {path}: {head}: {body}");
            return Err(io::Error::other(what));
        }
        match head.contains("transfer-encoding: chunked") {
            true => dechunk(body).ok_or_else(|| io::Error::other(format!("{path}: cut off"))),
            false => Ok(body.to_owned()),
        }
    }

    fn json(&self, path: &str) -> io::Result<Value> {
        Ok(serde_json::from_str(&self.request("GET", path)?)?)
    }

    /// The address of the only listener.
    pub(super) fn listener(&self) -> io::Result<SocketAddr> {
        let listeners = self.json("/listeners?format=json")?;
        let socket = &listeners["listener_statuses"][0]["local_address"]["socket_address"];
        let ip = socket["address"].as_str().and_then(|ip| ip.parse().ok());
        let port = socket["port_value"].as_u64();
        match (ip, port.and_then(|port| port.try_into().ok())) {
            (Some(ip), Some(port)) => Ok(SocketAddr::new(ip, port)),
            _ => Err(io::Error::other(format!("no listener: {listeners}"))),
        }
    }

    pub(super) fn version(&self) -> io::Result<String> {
        let info = self.json("/server_info")?;
        // As in `9e55809/1.40.0/Clean/RELEASE/BoringSSL`.
        let version = info["version"].as_str().unwrap_or_default();
        let number = version.split('/').nth(1).map(str::to_owned);
        number.ok_or_else(|| io::Error::other(format!("no version: {info}")))
    }

    pub(super) fn stats(&self) -> io::Result<BTreeMap<String, u64>> {
        let answer = self.json("/stats?format=json&histogram_buckets=detailed")?;
        let mut stats = BTreeMap::new();
        for stat in list(&answer["stats"]) {
            // A few are texts.
            if let (Some(name), Some(value)) = (stat["name"].as_str(), stat["value"].as_u64()) {
                stats.insert(name.to_owned(), value);
            }
            for histogram in list(&stat["histograms"]["details"]) {
                let counts = list(&histogram["totals"]).map(|bucket| bucket["count"].as_u64());
                if let Some(name) = histogram["name"].as_str() {
                    stats.insert(name.to_owned(), counts.flatten().sum());
                }
            }
        }
        Ok(stats)
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A body without its transfer coding `chunked`, if its end is there.
fn dechunk(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix("\r\n")?;
    }
}
