//! The command line.

mod tls;

use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};

use self::tls::TlsArgs;
use crate::address::Address;
use crate::forwarded::Proxy;
use crate::log;
use crate::net::proxy_protocol;
use crate::origin::Origin;
use crate::route::{ModeRule, Rule};
use crate::units::{self, Span};

const EXAMPLES: &str = "\
Examples:
  Try it, with an echo server behind it
      wsgate --demo

  Put it in front of a server at port 9001
      wsgate --listen 0.0.0.0:8080 --upstream ws://127.0.0.1:9001

  Send /chat to two servers in turn, and everything else to a third
      wsgate --upstream /chat=ws://10.0.0.1:9001/room --upstream /chat=ws://10.0.0.2:9001/room \\
             --upstream ws://10.0.0.3:9001

  Let only the pages of one site and of its subdomains connect
      wsgate --upstream ws://127.0.0.1:9001 --origin https://example.com \\
             --origin 'https://*.example.com'

  Put TLS in front, with keys that can be replaced while it runs, and TLS to the server
      wsgate --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem \\
             --upstream wss://chat.internal:9001 --upstream-ca ca.pem

  Run behind a proxy that tells in X-Forwarded-For who the client is
      wsgate --upstream ws://127.0.0.1:9001 --trusted-proxy 10.0.0.0/8

Times are written as 500ms, 30s, 5m or 2h. Sizes are written as 64KiB, 16MiB or 1GiB; 1KiB is 1024
bytes, 1KB is 1000.
--component can also be set by the environment variable WEBSOCKET_COMPONENT.
Exit status: 0 after SIGTERM or SIGINT, 1 if it can't run, 2 for wrong arguments.";

const ROUTING: &str = "Routing";
const COMPRESSION: &str = "Compression";
const FIELDS: &str = "Forwarded fields";
const LENIENCY: &str = "Leniency";
const LIMITS: &str = "Limits";
const TIMEOUTS: &str = "Timeouts";

/// A reverse proxy for WebSockets that parses everything in a WebAssembly sandbox
#[derive(Debug, Parser)]
#[command(name = "wsgate", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The engine, if not the one that is built in
    #[arg(
        long,
        env = "WEBSOCKET_COMPONENT",
        hide_env = true,
        value_name = "PATH"
    )]
    pub(crate) component: Option<PathBuf>,

    /// Where to listen; ADDR may be unix:PATH; repeatable
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: Vec<Address>,

    /// Serve this HTML file to browsers that request /
    #[arg(long, value_name = "FILE")]
    pub(crate) page: Option<PathBuf>,

    /// Answer GET and HEAD of health checks at this path with 200
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub(crate) health: Option<String>,

    /// Record each connection in a file of this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) record: Option<PathBuf>,

    /// Upstream for paths below PREFIX [default: /]; repeatable
    #[arg(
        long,
        value_name = "[PREFIX=]URL",
        required_unless_present = "demo",
        conflicts_with = "demo",
        help_heading = ROUTING
    )]
    pub(crate) upstream: Vec<Rule>,

    /// inspect, the default, or terminate: see README; repeatable
    #[arg(long, value_name = "[PREFIX=]MODE", help_heading = ROUTING)]
    pub(crate) mode: Vec<ModeRule>,

    /// Start an echo server as upstream
    #[arg(long, help_heading = ROUTING)]
    pub(crate) demo: bool,

    /// Accept only this Origin, or none for no Origin; repeatable
    #[arg(long, value_name = "ORIGIN", help_heading = ROUTING)]
    pub(crate) origin: Vec<Origin>,

    /// pass: offer the upstream what inspected clients offer; strip
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        default_value = "pass",
        hide_possible_values = true,
        help_heading = COMPRESSION
    )]
    pub(crate) deflate: DeflateMode,

    /// terminate: accept permessage-deflate from clients
    #[arg(long, help_heading = COMPRESSION)]
    pub(crate) deflate_client: bool,

    /// terminate: offer permessage-deflate to upstreams
    #[arg(long, help_heading = COMPRESSION)]
    pub(crate) deflate_upstream: bool,

    /// terminate: shortest message that is compressed
    #[arg(long, value_name = "SIZE", default_value = "64B", value_parser = units::size(0..=1_u32 << 30), help_heading = COMPRESSION)]
    pub(crate) deflate_min_length: u32,

    /// terminate: send without context takeover, in less memory
    #[arg(long, help_heading = COMPRESSION)]
    pub(crate) deflate_no_takeover: bool,

    /// Forward the client's Host, if valid, not the upstream's
    #[arg(long, help_heading = FIELDS)]
    pub(crate) keep_host: bool,

    /// Trust X-Forwarded-For and the like from these, or unix
    #[arg(long, value_name = "CIDR", help_heading = FIELDS)]
    pub(crate) trusted_proxy: Vec<Proxy>,

    /// Clients come through a balancer with the PROXY protocol
    #[arg(long, help_heading = FIELDS)]
    pub(crate) proxy_protocol: bool,

    /// Tell upstreams the client's address so: v1 or v2
    #[arg(long, value_name = "VERSION", value_enum, hide_possible_values = true, help_heading = FIELDS)]
    pub(crate) upstream_proxy_protocol: Option<proxy_protocol::Version>,

    /// Accept upstreams that answer in HTTP/1.0
    #[arg(long, help_heading = LENIENCY)]
    pub(crate) allow_http10_upstream: bool,

    /// Forward text that isn't UTF-8 instead of failing with 1007
    #[arg(long, help_heading = LENIENCY)]
    pub(crate) allow_invalid_utf8: bool,

    /// Longest message; a longer one fails with 1009
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = units::size(1..=1_u64 << 60), help_heading = LIMITS)]
    pub(crate) max_message: u64,

    /// Longest head of a request or response
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = units::size(1 << 10..=1_u32 << 20), help_heading = LIMITS)]
    pub(crate) max_head: u32,

    /// Most header fields in a head
    #[arg(long, value_name = "COUNT", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=10_000), help_heading = LIMITS)]
    pub(crate) max_headers: u32,

    /// Most connections; more get 503, or are disconnected with TLS
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000), help_heading = LIMITS)]
    pub(crate) max_connections: u32,

    /// Longest frame held until it's complete; longer ones stream
    #[arg(long, value_name = "SIZE", default_value = "128KiB", value_parser = units::size(0..=256_u32 << 20), help_heading = LIMITS)]
    pub(crate) whole_frames: u32,

    /// Most memory of a connection's sandbox; beyond it 1011
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = memory, help_heading = LIMITS)]
    pub(crate) memory: usize,

    /// How many connections share a sandbox: connection, or more
    #[arg(long, value_name = "COUNT", default_value = "connection", help_heading = LIMITS)]
    pub(crate) sandbox: Sharing,

    /// Most processor time of one call; beyond it 1011
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = units::time, help_heading = LIMITS)]
    pub(crate) call_time: Duration,

    /// Idle time until the sandbox is released; or off
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::span, help_heading = LIMITS)]
    pub(crate) park_after: Span,

    /// For a request, and for the upstream's answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::time, help_heading = TIMEOUTS)]
    pub(crate) handshake_timeout: Duration,

    /// For connecting to an upstream
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::time, help_heading = TIMEOUTS)]
    pub(crate) connect_timeout: Duration,

    /// Without any input, not even pongs; or off
    #[arg(long, value_name = "TIME", default_value = "off", value_parser = units::span, help_heading = TIMEOUTS)]
    pub(crate) idle_timeout: Span,

    /// A message's, or control frame's, first to last byte; or off
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = units::span, help_heading = TIMEOUTS)]
    pub(crate) message_timeout: Span,

    /// Without input until a ping is sent; or off
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::span, help_heading = TIMEOUTS)]
    pub(crate) keepalive: Span,

    /// For any input after that ping; or off
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = units::span, help_heading = TIMEOUTS)]
    pub(crate) pong_timeout: Span,

    /// For a side to accept queued output; or off
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::span, help_heading = TIMEOUTS)]
    pub(crate) write_timeout: Span,

    /// For the closing handshake
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::time, help_heading = TIMEOUTS)]
    pub(crate) close_timeout: Duration,

    /// For connections to close after SIGTERM or SIGINT
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::time, help_heading = TIMEOUTS)]
    pub(crate) shutdown_timeout: Duration,

    #[command(flatten)]
    pub(crate) tls: TlsArgs,

    /// Threads for open connections [default: one a processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// What to log: off, error, warn, info or debug
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        default_value = "info",
        hide_possible_values = true
    )]
    pub(crate) log: log::Level,

    /// Log format: text, or json with one object per line
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) log_format: log::Format,
}

/// How many connections share a sandbox: `connection` is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sharing(pub(crate) NonZero<u32>);

impl FromStr for Sharing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MOST: u32 = 1000;
        let count = match text {
            "connection" => Some(1),
            text => text.parse().ok().filter(|count| *count <= MOST),
        };
        let count = count.and_then(NonZero::new);
        let wrong = || format!("it is `connection`, or how many share one, from 1 to {MOST}");
        count.map(Self).ok_or_else(wrong)
    }
}

/// What happens to permessage-deflate when the client of an inspected connection offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeflateMode {
    /// The upstream gets the offer, and the client the answer.
    Pass,
    /// The upstream gets no offer.
    Strip,
}

impl Args {
    /// Checks that the options fit together.
    pub(crate) fn check(self) -> Result<Self, clap::Error> {
        // Each direction holds a frame twice, in buffers that may have grown to twice its length.
        if u64::from(self.whole_frames) > self.memory as u64 / 16 {
            let bound = "--whole-frames is at most a sixteenth of --memory";
            return Err(Self::command().error(ErrorKind::ValueValidation, bound));
        }
        if let Some(wrong) = self.tls.wrong(self.demo) {
            return Err(Self::command().error(ErrorKind::ValueValidation, wrong));
        }
        Ok(self)
    }

    /// Returns the number of worker threads.
    pub(crate) fn threads(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(processors, usize::from)
    }
}

fn path(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#".contains(&byte);
    match text.starts_with('/') && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("it is a path without a query, such as /healthz".to_owned()),
    }
}

fn memory(text: &str) -> Result<usize, String> {
    const PAGE: u64 = 64 << 10;
    let size = units::size(2 << 20..=4_u64 << 30)(text)?;
    let pages = usize::try_from(size)
        .ok()
        .filter(|_| size.is_multiple_of(PAGE));
    pages.ok_or_else(|| "it is a multiple of 64KiB, the size of a page of memory".to_owned())
}

/// Formats clap's error in one line.
pub(crate) fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let line: Vec<&str> = lines.map(str::trim).collect();
    let line = line.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("{line} (see wsgate --help)")
}

#[cfg(test)]
mod tests;
