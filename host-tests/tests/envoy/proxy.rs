//! An Envoy with the filter in it, between clients and servers that are the test.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use host_tests::envoy::{Builder, Envoy};
use host_tests::gate::{file, filter};
use host_tests::heads::{KEY, REQUEST, field, head, response_to};
use host_tests::tools;
use serde_json::Value;
use websocket_component::Role::{Client, Server};

use crate::side::Side;

/// The longest wait for a connection, or a statistic.
const PATIENCE: Duration = Duration::from_secs(20);

/// The versions of Envoy whose behaviour is tested.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Version {
    /// The one that everything is tested with.
    Latest,
    /// The oldest that is supported.
    Oldest,
}

impl Version {
    /// Its program. Nothing if the test can't run here, which is then printed.
    pub(crate) fn program(self) -> Option<PathBuf> {
        let program = match self {
            _ if tools::is_fast() => None,
            Version::Latest => std::env::var_os("WEBSOCKET_TEST_ENVOY")
                .map(PathBuf::from)
                .or_else(|| {
                    Some(file("ENVOY", "target/envoy/bin/envoy"))
                        .filter(|program| program.is_file())
                }),
            Version::Oldest => std::env::var_os("WEBSOCKET_TEST_ENVOY_OLD").map(PathBuf::from),
        };
        if program.is_none() {
            let this = thread::current();
            let needs = match self {
                Version::Latest => "Envoy",
                Version::Oldest => "an older Envoy",
            };
            tools::note_skipped(this.name().unwrap_or("a test"), needs);
        }
        program
    }
}

pub(crate) struct Proxy {
    pub(crate) envoy: Envoy,
    /// The listener for connections to the test's own servers.
    upstream: Option<TcpListener>,
}

/// The fields that a connection is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) path: &'a str,
    /// Added to the request.
    pub(crate) request: &'a [(&'a str, &'a str)],
    /// Added to the response.
    pub(crate) response: &'a [(&'a str, &'a str)],
}

impl Default for Opening<'_> {
    fn default() -> Self {
        Opening {
            path: "/chat",
            request: &[],
            response: &[],
        }
    }
}

impl Opening<'_> {
    /// The request, as bytes of HTTP/1.1.
    pub(crate) fn request(&self) -> Vec<u8> {
        let fields: Vec<_> = REQUEST.iter().chain(self.request).copied().collect();
        head(&format!("GET {} HTTP/1.1", self.path), &fields)
    }
}

impl Proxy {
    /// Starts the Envoy that everything is tested with, with these settings of the filter.
    pub(crate) fn with(settings: Value) -> Option<Proxy> {
        Proxy::start(Version::Latest, |builder| builder.configuration(settings))
    }

    /// Starts an Envoy. Nothing if the test can't run here, which is then printed.
    pub(crate) fn start(version: Version, set: impl FnOnce(Builder) -> Builder) -> Option<Proxy> {
        let upstream = TcpListener::bind("127.0.0.1:0").expect("a port");
        upstream.set_nonblocking(true).expect("a socket");
        let address = upstream.local_addr().expect("its address");
        let proxy = Proxy::before(version, address, set)?;
        Some(Proxy {
            upstream: Some(upstream),
            ..proxy
        })
    }

    /// The same in front of a server that is not the test itself.
    pub(crate) fn before(
        version: Version,
        upstream: SocketAddr,
        set: impl FnOnce(Builder) -> Builder,
    ) -> Option<Proxy> {
        let builder = Envoy::builder(upstream).program(version.program()?);
        let envoy = set(builder.filter(filter())).start();
        let envoy = envoy.unwrap_or_else(|error| panic!("{error}"));
        Some(Proxy {
            envoy,
            upstream: None,
        })
    }

    /// A client that has sent nothing yet.
    pub(crate) fn dial(&self) -> Side {
        let address = self.envoy.address;
        match self.envoy.certificate() {
            Some(certificate) => Side::tls(address.port(), &certificate),
            None => Side::tcp(Client, TcpStream::connect(address).expect("Envoy listens")),
        }
    }

    /// A server that has read nothing yet.
    #[track_caller]
    pub(crate) fn accept(&self) -> Side {
        wait_for("Envoy connects to the server", || self.connected())
    }

    /// The same, if Envoy connects to it in this time.
    pub(crate) fn accepted_within(&self, time: Duration) -> Option<Side> {
        let since = Instant::now();
        while since.elapsed() < time {
            if let Some(server) = self.connected() {
                return Some(server);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// A server that Envoy has connected to, if there is one.
    fn connected(&self) -> Option<Side> {
        let upstream = self.upstream.as_ref().expect("the test is the server");
        match upstream.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(false).expect("a socket");
                Some(Side::tcp(Server, socket))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// A client and a server whose connection is open.
    #[track_caller]
    pub(crate) fn open(&self) -> (Side, Side) {
        self.open_with(Opening::default())
    }

    #[track_caller]
    pub(crate) fn open_with(&self, opening: Opening<'_>) -> (Side, Side) {
        let mut client = self.dial();
        client.write(&opening.request());
        let mut server = self.accept();
        let request = server.head();
        server.write(&response(&request, opening.response));
        let response = client.head();
        assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
        (client, server)
    }

    /// Returns the head of the response to a request that doesn't reach a server.
    #[track_caller]
    pub(crate) fn answer_to(&self, request: &[u8]) -> String {
        let mut client = self.dial();
        client.write(request);
        let response = client.head();
        assert!(self.connected().is_none(), "it has reached the server");
        response
    }

    /// Returns the filter's statistics, without the names' prefix.
    pub(crate) fn stats(&self) -> BTreeMap<String, u64> {
        let stats = self.envoy.stats().expect("Envoy answers");
        let own = stats.into_iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("wasmcustom.websocket.")?;
            Some((name.to_owned(), value))
        });
        own.collect()
    }

    pub(crate) fn stat(&self, name: &str) -> u64 {
        self.stats().get(name).copied().unwrap_or(0)
    }

    /// Waits until the filter has counted this many.
    #[track_caller]
    pub(crate) fn wait_for_stat(&self, name: &str, value: u64) {
        let since = Instant::now();
        while self.stat(name) != value {
            let is_late = since.elapsed() > PATIENCE;
            assert!(!is_late, "{name} is not {value}: {:#?}", self.stats());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The entry of the access log for the `count`-th stream that has ended.
    #[track_caller]
    pub(crate) fn entry(&self, count: usize) -> Value {
        let entries = self
            .envoy
            .access_log(count)
            .unwrap_or_else(|error| panic!("{error}"));
        entries[count - 1].clone()
    }
}

/// The response with which a server of HTTP/1.1 accepts a request, with these fields added.
pub(crate) fn response(request: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let key = field(request, "sec-websocket-key").unwrap_or(KEY);
    let mut response = response_to(key);
    response.truncate(response.len() - 2);
    for (name, value) in fields {
        response.extend(format!("{name}: {value}\r\n").bytes());
    }
    response.extend(b"\r\n");
    response
}

/// Polls until there is a value.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = get() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
