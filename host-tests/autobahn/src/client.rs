//! The echo client, for the test suite's fuzzing server.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use tokio::task::JoinSet;
use tokio::time::timeout;
use websocket_host::stream::Message;

use crate::connection::{Connection, Opener};
use crate::echo::echo;
use crate::tls::authority_of;

/// What reports call this client.
const AGENT: &str = "websocket-component";

/// How long a connection may take to open, or the server to answer a query.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Runs all cases of the server at `url`, `parallel` of them at a time, and makes it write its report.
///
/// # Errors
///
/// A connection can't be opened, or the server doesn't say how many cases there are. The server judges how a case ends.
pub(crate) async fn run(opener: &Opener, url: &str, parallel: u32) -> Result<()> {
    let url = match opener.tls() {
        Some(tls) => format!("wss://{}", tls.take_off(authority_of(url)?).await?),
        None => url.trim_end_matches('/').to_owned(),
    };
    let url = &*url;
    let mut cases = 1..=count(opener, url).await?;
    let mut running = JoinSet::new();
    loop {
        while running.len() < parallel as usize
            && let Some(case) = cases.next()
        {
            let url = format!("{url}/runCase?case={case}&agent={AGENT}");
            let opener = opener.clone();
            running.spawn(async move {
                let connection = open(&opener, &url).await?;
                let _ = echo(connection).await;
                anyhow::Ok(())
            });
        }
        match running.join_next().await {
            Some(done) => done??,
            None => break,
        }
    }
    let url = format!("{url}/updateReports?agent={AGENT}");
    // The server closes it when the report is written.
    let _ = echo(open(opener, &url).await?).await;
    Ok(())
}

async fn count(opener: &Opener, url: &str) -> Result<u32> {
    let mut connection = open(opener, &format!("{url}/getCaseCount")).await?;
    let answer = timeout(ANSWER_TIME, connection.next()).await;
    let answer = answer.context("the server doesn't say how many cases it has")?;
    match answer.transpose()? {
        Some(Message::Text(text)) => {
            let _ = echo(connection).await;
            text.parse()
                .with_context(|| format!("{text:?} is no number of cases"))
        }
        _ => bail!("the server doesn't say how many cases it has"),
    }
}

async fn open(opener: &Opener, url: &str) -> Result<Connection> {
    let connected = timeout(ANSWER_TIME, opener.connect(url)).await;
    connected
        .context("it takes too long")
        .flatten()
        .with_context(|| format!("{url} can't be opened"))
}
