//! What `--demo` adds: an upstream, and a word about what can be done with it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use websocket_host::Sandbox;

use crate::echo;
use crate::net::tls::FrontFiles;
use crate::route::Rule;

/// How many guests the sandbox needs: the echo server's sessions come from it too.
pub(crate) fn guests(connections: u32) -> u32 {
    /// All the address space that there is.
    const MOST: u32 = 20_000;
    connections.saturating_mul(2).min(MOST)
}

/// Starts the echo server. Returns the rule that leads to it.
pub(crate) async fn upstream(sandbox: &Sandbox, longest: u64) -> Result<Rule, String> {
    let failed = |error| format!("can't start the echo server: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(echo::serve(sandbox.clone(), listener, longest));
    format!("ws://{address}").parse()
}

/// What there is to try, with a page or without, and with TLS if there are `files` for it.
pub(crate) fn what_to_try(
    address: SocketAddr,
    has_page: bool,
    files: Option<&FrontFiles>,
) -> String {
    let mut authority = address;
    if address.ip().is_unspecified() {
        authority.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let s = if files.is_some() { "s" } else { "" };
    let (node, python) = match files {
        Some(FrontFiles::Demo(demo)) => {
            let path = demo.path().display();
            (
                format!("NODE_EXTRA_CA_CERTS={path} "),
                format!("SSL_CERT_FILE={path} "),
            )
        }
        _ => Default::default(),
    };
    let page = match has_page {
        true => format!("  in a browser    http{s}://{authority}/\n"),
        false => String::new(),
    };
    format!(
        "
An echo server is behind this gate: what you send through it comes back. To try it:

{page}  with Node 22    {node}node -e 'let w = new WebSocket(\"ws{s}://{authority}/\"); w.onopen = () => w.send(\"hello\"); \
         w.onmessage = e => {{ console.log(e.data); w.close() }}'
  with Python     pip install websockets; {python}python3 -m websockets ws{s}://{authority}/

Ctrl-C ends it. Each connection leaves a line here when it opens and when it ends.

"
    )
}
