//! What an open connection is for: what comes goes back.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use websocket_host::stream::{Error, Fault};

use crate::connection::Connection;

/// The longest that a case may take: many times what the longest do.
const CASE_TIME: Duration = Duration::from_secs(120);

/// Sends back every message until the connection ends.
///
/// # Errors
///
/// It doesn't end in good order, as most of the test suite's don't, or not in time.
pub(crate) async fn echo(mut connection: Connection) -> Result<()> {
    let echo = async {
        while let Some(message) = connection.next().await.transpose()? {
            if message.is_data() {
                // What went wrong is told at the end, behind the messages that came before it.
                let _ = connection.send(message).await;
            }
        }
        Ok(())
    };
    let result = timeout(CASE_TIME, echo).await;
    if let Ok(Err(Error::Failure(failure))) = &result
        && failure.rule.fault() == Fault::Peer
    {
        // Behind a proxy that knows the rules there should be none.
        eprintln!("broken rule: {}", failure.rule.name());
    }
    Ok(result.context("it takes too long")??)
}
