//! What `--demo` adds: an echo server as upstream, and a text that says what to try.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use websocket_host::Sandbox;

use crate::echo;
use crate::net::tls::FrontFiles;
use crate::route::Rule;

/// Returns how many guests the sandbox needs, since the echo server uses it, too.
pub(crate) fn guests(connections: u32) -> u32 {
    /// As many as the address space has room for.
    const MOST: u32 = 20_000;
    connections.saturating_mul(2).min(MOST)
}

/// Starts the echo server. Returns the route to it.
pub(crate) async fn upstream(sandbox: &Sandbox, longest: u64) -> Result<Rule, String> {
    let failed = |error| format!("can't start the echo server: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(echo::serve(sandbox.clone(), listener, longest));
    format!("ws://{address}").parse()
}

/// Returns the text that says what to try, with or without the page, and with TLS if there are `files`.
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
