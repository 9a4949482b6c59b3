//! Both ends of many connections through a proxy: the clients, and the echo server behind it.
//!
//! All of it is one thread, and does as little as it can for each message: frames are made and masked before, and
//! received bytes are compared in place. So the proxy is the bottleneck, and [`Pass`] tells whether it was.
//!
//! | module | what it is |
//! |---|---|
//! | `content` | the messages, and the frames that carry them |
//! | `check` | compares received frames with the messages that were sent |
//! | `end` | one socket: its handshake, reads and writes |

mod check;
mod content;
mod end;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cpu_time::ThreadTime;
use host_tests::usage::Usage;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::Serialize;
use websocket_component::Role;
use websocket_host::tls::provider;
use websocket_host::tls::rustls::pki_types::ServerName;
use websocket_host::tls::rustls::{ClientConfig, ClientConnection, RootCertStore};

pub(crate) use content::Content;
use end::End;

/// A timeout longer than anything in flight takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of a read: they stay in a processor's cache.
const READ: usize = 64 << 10;
/// How many connections are opened at the same time.
const AT_ONCE: usize = 64;

const LISTENER: Token = Token(usize::MAX);

/// The traffic of a period.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Pass {
    /// Messages, there and back.
    pub(crate) messages: u64,
    pub(crate) seconds: f64,
    /// Processor time of the program under load, and of this thread, in seconds.
    pub(crate) server_cpu: f64,
    pub(crate) load_cpu: f64,
}

pub(crate) struct Load {
    poll: Poll,
    listener: TcpListener,
    address: SocketAddr,
    content: Content,
    /// Clients have even numbers, the server's ends odd ones.
    clients: Vec<End>,
    servers: Vec<End>,
    buffer: Box<[u8]>,
    /// The roots that clients trust, if they use TLS.
    tls: Option<Arc<ClientConfig>>,
    /// How many clients are open.
    open: usize,
    /// Messages that were echoed, of all connections.
    returned: u64,
    /// Their delays, if those are measured.
    delays: Option<Vec<f64>>,
}

impl Pass {
    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// Processor time of the program under load for each message, in seconds.
    pub(crate) fn cost(&self) -> f64 {
        self.server_cpu / self.messages as f64
    }
}

impl Load {
    pub(crate) fn new(content: Content) -> Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let registry = poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            address: listener.local_addr()?,
            poll,
            listener,
            content,
            clients: Vec::new(),
            servers: Vec::new(),
            buffer: vec![0; READ].into(),
            tls: None,
            open: 0,
            returned: 0,
            delays: None,
        })
    }

    /// Returns the address of the server behind the proxies.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the clients of the next connections use TLS and trust these roots.
    pub(crate) fn begin_with_tls(&mut self, roots: RootCertStore) -> Result<()> {
        self.close();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        self.tls = Some(Arc::new(config));
        Ok(())
    }

    /// Ends all connections; the next ones carry other messages.
    pub(crate) fn change(&mut self, content: Content) {
        self.close();
        self.content = content;
    }

    /// Ends all connections.
    pub(crate) fn close(&mut self) {
        self.clients.clear();
        self.servers.clear();
        self.open = 0;
    }

    /// Opens `count` connections through the proxy at this address. Returns how long that took.
    pub(crate) fn open(&mut self, proxy: SocketAddr, count: usize) -> Result<Duration> {
        let start = Instant::now();
        while self.open < count {
            while self.clients.len() < count.min(self.open + AT_ONCE) {
                let token = Token(2 * self.clients.len());
                let socket = TcpStream::connect(proxy)?;
                let tls = self.tls.as_ref().map(|config| {
                    ClientConnection::new(Arc::clone(config), ServerName::from(proxy.ip()))
                });
                let client = End::new(Role::Client, socket, tls.transpose()?, token, &self.poll);
                self.clients.push(client?);
            }
            self.turn(Some(Duration::from_millis(100)))?;
            ensure!(
                start.elapsed() < PATIENCE,
                "only {} of {count} connections open",
                self.open
            );
        }
        Ok(start.elapsed())
    }

    /// Keeps up to `window` messages of each of the first `active` connections in flight for the given time, and waits
    /// for all echoes.
    pub(crate) fn saturate(
        &mut self,
        active: usize,
        window: u64,
        length: Duration,
        proxy: Option<u32>,
    ) -> Result<Pass> {
        let cpu = || match proxy {
            Some(id) => Usage::of(id).map(|usage| usage.cpu),
            None => Ok(Duration::ZERO),
        };
        let before = (self.returned, cpu()?, ThreadTime::now());
        let start = Instant::now();
        for client in self.clients.iter_mut().take(active) {
            client.window = window;
            client.send(window, &self.content)?;
        }
        while start.elapsed() < length {
            self.turn(Some(Duration::from_millis(10)))?;
        }
        let pass = Pass {
            messages: self.returned - before.0,
            seconds: start.elapsed().as_secs_f64(),
            server_cpu: cpu()?.saturating_sub(before.1).as_secs_f64(),
            load_cpu: before.2.elapsed().as_secs_f64(),
        };
        self.drain()?;
        Ok(pass)
    }

    /// Sends `per_second` messages a second, over all connections in turn, for the given time. Returns the time from
    /// when each was scheduled to be sent to its echo, in seconds.
    pub(crate) fn pace(&mut self, per_second: u32, length: Duration) -> Result<Vec<f64>> {
        let gap = Duration::from_secs(1) / per_second;
        let start = Instant::now();
        let (mut due, mut turn) = (start, 0);
        self.delays = Some(Vec::new());
        while due < start + length {
            while due <= Instant::now() {
                let connections = self.clients.len();
                let client = self
                    .clients
                    .get_mut(turn % connections)
                    .context("no connection")?;
                client.scheduled.push_back(due);
                client.send(1, &self.content)?;
                due += gap;
                turn += 1;
            }
            // It polls: sleeping would make it late.
            self.turn(Some(Duration::ZERO))?;
        }
        self.drain()?;
        Ok(self.delays.take().unwrap_or_default())
    }

    /// Serves other clients, until `is_over` is set.
    pub(crate) fn serve_until(&mut self, is_over: &AtomicBool) -> Result<()> {
        while !is_over.load(Ordering::Relaxed) {
            self.turn(Some(Duration::from_millis(10)))?;
        }
        Ok(())
    }

    /// Waits for the echoes of all that was sent.
    fn drain(&mut self) -> Result<()> {
        for client in &mut self.clients {
            client.window = 0;
        }
        let since = Instant::now();
        while self.clients.iter().any(|client| client.under_way() > 0) {
            self.turn(Some(Duration::from_millis(10)))?;
            ensure!(since.elapsed() < PATIENCE, "messages don't come back");
        }
        Ok(())
    }

    /// Handles the sockets that are ready, or waits up to the given time for one.
    fn turn(&mut self, wait: Option<Duration>) -> Result<()> {
        let mut events = Events::with_capacity(256);
        match self.poll.poll(&mut events, wait) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => self.accept()?,
                Token(number) => {
                    let (seat, ends) = match number % 2 {
                        0 => ("client", &mut self.clients),
                        _ => ("server", &mut self.servers),
                    };
                    // The event of a connection that was closed meanwhile.
                    let Some(end) = ends.get_mut(number / 2) else {
                        continue;
                    };
                    let done = end
                        .go_on(event.is_readable(), &self.content, &mut self.buffer)
                        .with_context(|| format!("{seat} {}", number / 2))?;
                    self.open += usize::from(done.opened && number % 2 == 0);
                    if number % 2 == 0 {
                        self.returned += done.messages;
                        if let Some(delays) = &mut self.delays {
                            let now = Instant::now();
                            let came = end.scheduled.drain(..done.messages as usize);
                            delays.extend(came.map(|due| (now - due).as_secs_f64()));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    let token = Token(2 * self.servers.len() + 1);
                    self.servers
                        .push(End::new(Role::Server, socket, None, token, &self.poll)?);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
