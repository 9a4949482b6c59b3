//! One connection, until a worker takes it over or it is refused.

use tokio_util::sync::CancellationToken;
use tracing::warn;
use websocket_host::Role;

use crate::endpoint::linger;
use crate::gate::Gate;
use crate::opening::{self, Client, Opened};
use crate::report::Report;
use crate::worker::{Connection, Faults, Ticket, Worker};

/// Serves a client that has connected; `conn` is its number in the log. Returns the connection for the worker if both
/// sides have opened. Otherwise it has ended, and was logged.
pub(crate) async fn serve(
    gate: &Gate,
    worker: &Worker,
    client: Client,
    conn: u64,
    ticket: Ticket,
    faults: &Faults,
    shutdown: &CancellationToken,
) -> Option<Box<Connection>> {
    let mut report = Report::new();
    let recorder = gate.recorder.as_ref();
    let recording = recorder.map(|recorder| recorder.connection(conn, client.addresses.client));
    let opened = opening::open(
        gate,
        worker.guests(),
        client,
        recording,
        &mut report,
        shutdown,
    )
    .await;
    match opened {
        Opened::Open(mut driver) => {
            for side in [Role::Client, Role::Server] {
                if let Err(error) = driver.transport(side).leave_task() {
                    warn!("a socket can't be handed to a worker: {error}");
                }
            }
            Some(Box::new(Connection {
                driver,
                report,
                ticket,
            }))
        }
        Opened::Over(client) => {
            faults.log(&report);
            if report.is_fault() {
                worker.check_guests();
            }
            linger(client, &gate.clock).await;
            None
        }
    }
}
