//! Echoes messages on an open connection.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use websocket_host::stream::{Error, Fault};

use crate::connection::Connection;

/// How long a case may take: many times what the slowest needs.
const CASE_TIME: Duration = Duration::from_secs(120);

/// Echoes every message until the connection ends.
///
/// # Errors
///
/// It doesn't end cleanly, as in most cases of the test suite, or not in time.
pub(crate) async fn echo(mut connection: Connection) -> Result<()> {
    let echo = async {
        while let Some(message) = connection.next().await.transpose()? {
            if message.is_data() {
                // An error is reported at the end, after the messages that were received before it.
                let _ = connection.send(message).await;
            }
        }
        Ok(())
    };
    let result = timeout(CASE_TIME, echo).await;
    if let Ok(Err(Error::Failure(failure))) = &result
        && failure.rule.fault() == Fault::Peer
    {
        // Behind a proxy that checks the rules there should be none.
        eprintln!("broken rule: {}", failure.rule.name());
    }
    Ok(result.context("it takes too long")??)
}
