//! The command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fmt, thread};

use clap::{Parser, ValueEnum};
use ipnet::IpNet;

use crate::forwarded;
use crate::origin::Origin;
use crate::route::Rule;
use crate::units::{self, Span};

const ABOUT: &str = "\
A reverse proxy for WebSockets that parses everything in a WebAssembly sandbox.

wsgate ends the WebSocket of each client itself and opens another one to an upstream server. What the two send is \
parsed by an engine that runs inside a sandbox of the connection's own and can do nothing but answer; the program \
around it only moves bytes. A peer that breaks the protocol loses its own connection and touches nothing else.";

const EXAMPLES: &str = "\
Examples:
  Try it, with an echo server behind it
      wsgate --demo

  Put it in front of a server at port 9001
      wsgate --listen 0.0.0.0:8080 --upstream ws://127.0.0.1:9001

  Send /chat to two servers in turn, and everything else to a third
      wsgate --upstream /chat=ws://10.0.0.1:9001/room --upstream /chat=ws://10.0.0.2:9001/room \\
             --upstream ws://10.0.0.3:9001

  Let only the pages of one site connect (a browser sends the Origin of the page)
      wsgate --upstream ws://127.0.0.1:9001 --origin https://example.com

Times are written as 500ms, 30s, 5m or 2h, sizes as 64KiB, 16MiB or 1GiB.
Exit status: 0 after SIGTERM or SIGINT, 1 if it can't run, 2 for wrong arguments.";

/// What the program was told.
#[derive(Debug, Parser)]
#[command(name = "wsgate", version, about = "A WebSocket proxy that parses everything in a sandbox", long_about = ABOUT, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The engine: websocket.wasm. Without it, the one beside this program
    #[arg(long, env = "WEBSOCKET_COMPONENT", value_name = "PATH")]
    component: Option<PathBuf>,

    /// Where to listen; port 0 is any free one, which is then printed
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where connections go, as often as needed: a server, or the prefix of a path and a server
    ///
    /// The longest prefix that matches wins, at the borders of path segments; without a prefix it is /. What follows
    /// the prefix is appended to the path of the URL. Several servers for one prefix take turns; if one can't be
    /// reached the client gets 502, and no other is tried. Only ws:// for now: TLS isn't supported yet.
    #[arg(
        long,
        value_name = "[PREFIX=]URL",
        required_unless_present = "demo",
        conflicts_with = "demo"
    )]
    pub(crate) upstream: Vec<Rule>,

    /// Start an echo server as upstream
    #[arg(long)]
    pub(crate) demo: bool,

    /// Show this page to browsers that ask for / (otherwise a plain request gets 426): an HTML file that has all it
    /// needs in itself, such as the frame inspector
    #[arg(long, value_name = "FILE")]
    pub(crate) page: Option<PathBuf>,

    /// Record what goes through each connection, on both sides, in a file of this folder
    ///
    /// The frame inspector shows such files. Writing them holds up the connections, and what they hold is not
    /// encrypted: for looking into a problem, not for every day.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) record: Option<PathBuf>,

    /// Refuse requests from other web sites: the only Origin to accept, as often as needed; `none` accepts requests
    /// without one
    ///
    /// A browser lets any page open a WebSocket to any server, with the cookies of that server, and says where the
    /// page came from. Without this option the Origin is not checked here but passed on, and the upstream has to.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Vec<Origin>,

    /// Pass the Host that the client sent to the upstream, instead of the upstream's own
    #[arg(long)]
    pub(crate) keep_host: bool,

    /// Believe what these peers say of the client, in X-Forwarded-For and the like: the address or network of a proxy in
    /// front of the gate, as often as needed
    #[arg(long, value_name = "CIDR", value_parser = forwarded::network)]
    pub(crate) trusted_proxy: Vec<IpNet>,

    /// The longest message; a longer one ends the connection with 1009
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = units::size, help_heading = "Limits")]
    pub(crate) max_message: u64,

    /// The most connections at a time; one more gets 503
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000), help_heading = "Limits")]
    pub(crate) max_connections: u32,

    /// The most memory of one connection's sandbox; one that needs more ends with 1011
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = memory, help_heading = "Limits")]
    pub(crate) memory: usize,

    /// The most processor time of one call into a sandbox; one that takes more ends its connection with 1011
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = units::time, help_heading = "Limits")]
    pub(crate) call_time: Duration,

    /// How long a client may take to send its request, and an upstream to answer it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::time, help_heading = "Timeouts")]
    pub(crate) handshake_timeout: Duration,

    /// How long connecting to an upstream may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::time, help_heading = "Timeouts")]
    pub(crate) connect_timeout: Duration,

    /// How long either side may send nothing at all, not even pongs; or off
    #[arg(long, value_name = "TIME", default_value = "off", value_parser = units::span, help_heading = "Timeouts")]
    pub(crate) idle_timeout: Span,

    /// How long one message may take to come; or off
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = units::span, help_heading = "Timeouts")]
    pub(crate) message_timeout: Span,

    /// After how long without a word from a side it is sent a ping; or off
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::span, help_heading = "Timeouts")]
    pub(crate) keepalive: Span,

    /// How long a side may take to answer that ping; or off
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = units::span, help_heading = "Timeouts")]
    pub(crate) pong_timeout: Span,

    /// How long the closing handshake may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::time, help_heading = "Timeouts")]
    pub(crate) close_timeout: Duration,

    /// How long to wait for connections to close after SIGTERM or SIGINT; a second signal ends at once
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::time, help_heading = "Timeouts")]
    pub(crate) shutdown_timeout: Duration,

    /// How many threads share the connections [default: as many as there are processors, but at least 4]
    ///
    /// With more threads than processors, a guest that uses up the time of a call doesn't hold up all others.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// What to log
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Log::Info)]
    pub(crate) log: Log,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Nothing
    Off,
    /// What went wrong in this program: a sandbox that failed
    Error,
    /// Also connections that a peer broke
    Warn,
    /// A line for each connection
    Info,
    /// Also what happens on the way
    Debug,
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        })
    }
}

impl Args {
    /// Where the component is.
    pub(crate) fn component(&self) -> Result<PathBuf, String> {
        if let Some(path) = &self.component {
            return Ok(path.clone());
        }
        env::current_exe()
            .ok()
            .as_deref()
            .and_then(Path::parent)
            .map(|folder| folder.join("websocket.wasm"))
            .filter(|path| path.is_file())
            .ok_or_else(|| {
                "no component: give --component PATH, set WEBSOCKET_COMPONENT, or put websocket.wasm beside this program"
                    .to_owned()
            })
    }

    /// How many threads share the connections.
    pub(crate) fn threads(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(4, |count| count.get().max(4));
        self.threads.map_or_else(processors, usize::from)
    }
}

fn memory(text: &str) -> Result<usize, String> {
    let size = units::size(text)?;
    let pages = size.is_multiple_of(64 << 10) && (2 << 20..=4 << 30).contains(&size);
    usize::try_from(size)
        .ok()
        .filter(|_| pages)
        .ok_or_else(|| "it is a multiple of 64KiB, from 2MiB to 4GiB".to_owned())
}

/// What clap has to say about wrong arguments, in one line.
pub(crate) fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let line: Vec<&str> = lines.map(str::trim).collect();
    let line = line.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    format!("{line} (wsgate --help explains)")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Args, one_line};

    fn wrong(arguments: &[&str]) -> String {
        let arguments = ["wsgate"].iter().chain(arguments);
        one_line(&Args::try_parse_from(arguments).unwrap_err())
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn an_error_is_one_line_that_names_the_argument() {
        assert!(wrong(&[]).contains("--upstream"));
        assert!(wrong(&["--demo", "--upstream", "ws://a"]).contains("--demo"));
        assert!(wrong(&["--upstream", "wss://a"]).contains("TLS isn't supported yet"));
        assert!(wrong(&["--demo", "--keepalive", "3"]).contains("--keepalive"));
        assert!(wrong(&["--demo", "--memory", "3MB"]).contains("--memory"));
        assert!(wrong(&["--demo", "--nonsense"]).contains("--nonsense"));
        for arguments in [
            &["--upstream", "http://a"][..],
            &["--demo", "--listen", "8080"],
        ] {
            assert_eq!(wrong(arguments).lines().count(), 1);
        }
    }
}
