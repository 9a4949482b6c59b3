//! One connection, from its first byte to its line in the log.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::gate::Gate;
use crate::opening::{self, Opened};
use crate::report::Report;
use crate::socket::Socket;

/// Serves a client that has connected; `conn` is its number in the log. Returns the report to log at its end.
pub(crate) async fn serve(
    gate: &Gate,
    stream: TcpStream,
    conn: u64,
    peer: SocketAddr,
    shutdown: &CancellationToken,
) -> Report {
    let mut report = Report::new();
    let mut socket = Socket::new(stream);
    let recorder = gate.recorder.as_ref();
    let recording = recorder.map(|recorder| recorder.connection(conn, peer));
    if let Some(recording) = &recording {
        socket.record(recording.track("client"));
    }
    // Opening takes more room than all the rest of the connection's life, and it is given back.
    let opened = Box::pin(opening::open(
        gate,
        socket,
        peer,
        recording,
        &mut report,
        shutdown,
    ))
    .await;
    match opened {
        Opened::Inspection(inspection) => {
            let sockets = inspection.carry(&mut report, shutdown).await;
            end(&report, sockets).await;
        }
        Opened::Relay(relay) => {
            let sockets = relay.carry(&mut report, shutdown).await;
            end(&report, sockets).await;
        }
        Opened::Over(client) => {
            report.log();
            client.linger().await;
        }
    }
    report
}

async fn end(report: &Report, [client, upstream]: [Socket; 2]) {
    report.log();
    tokio::join!(client.linger(), upstream.linger());
}
