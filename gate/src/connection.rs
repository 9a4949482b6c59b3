//! One connection, from its first byte to its line in the log.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::fault;
use crate::gate::Gate;
use crate::opening::{self, Opened};
use crate::relay::Relay;
use crate::report::{End, Report};
use crate::side::Who;
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
        Opened::Relay(relay) => {
            let (client, upstream) = carry(relay, &mut report, shutdown).await;
            report.log();
            tokio::join!(client.linger(), upstream.linger());
        }
        Opened::Over(client) => {
            report.log();
            client.linger().await;
        }
    }
    report
}

/// Relays until the end, and gives back the sockets. The sandbox is gone then.
async fn carry(
    mut relay: Box<Relay>,
    report: &mut Report,
    shutdown: &CancellationToken,
) -> (Socket, Socket) {
    let result = relay.run(report, shutdown).await;
    let last_active = relay.last_active();
    let (mut client, mut upstream) = relay.into_sides();
    if let Err(error) = result {
        fault::close(Who::Client, &mut client);
        fault::close(Who::Upstream, &mut upstream);
        report.ended(End::Fault(last_active, error));
    }
    report.sides(&client, &upstream);
    (client.socket, upstream.socket)
}
