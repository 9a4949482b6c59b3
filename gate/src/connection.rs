//! One connection, from its first byte to where it is carried, or to its line in the log.

use tokio_util::sync::CancellationToken;
use tracing::warn;
use websocket_host::Role;

use crate::client::Client;
use crate::endpoint::linger;
use crate::gate::Gate;
use crate::opening::{self, Opened};
use crate::report::Report;
use crate::worker::{Connection, Seat};

/// What is left of a client that was served.
pub(crate) enum Served {
    /// Both sides are open: a worker carries them.
    Open(Box<Connection>),
    /// It has ended, and was logged.
    Over(Box<Report>),
}

/// Serves a client that has connected, until it is open or has ended; `conn` is its number in the log.
pub(crate) async fn serve(
    gate: &Gate,
    client: Client,
    conn: u64,
    seat: Seat,
    shutdown: &CancellationToken,
) -> Served {
    let mut report = Report::new();
    let recorder = gate.recorder.as_ref();
    let recording = recorder.map(|recorder| recorder.connection(conn, client.addresses.client));
    let opened = opening::open(gate, client, recording, &mut report, shutdown).await;
    match opened {
        Opened::Open(mut driver, early) => {
            for side in [Role::Client, Role::Server] {
                if let Err(error) = driver.transport(side).leave_task() {
                    warn!("a socket can't be handed to a worker: {error}");
                }
            }
            Served::Open(Box::new(Connection {
                driver,
                early,
                report,
                seat,
            }))
        }
        Opened::Over(client) => {
            report.log();
            linger(client, &gate.clock).await;
            Served::Over(Box::new(report))
        }
    }
}
