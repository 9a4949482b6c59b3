//! Signals: those that end the program, and those that would by default but don't.

use std::io;

/// SIGTERM and SIGINT; elsewhere than on Unix, Ctrl-C.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes over the signals. Those that other servers give a meaning, but this one has no use for, are logged.
    ///
    /// # Errors
    ///
    /// The system doesn't allow it.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        for (kind, text) in [
            (SignalKind::hangup(), "SIGHUP: nothing to reload"),
            (SignalKind::user_defined1(), "SIGUSR1: nothing to reopen"),
            (SignalKind::user_defined2(), "SIGUSR2: ignored"),
            (
                SignalKind::quit(),
                "SIGQUIT: ignored, SIGTERM ends the gate",
            ),
        ] {
            let mut signal = signal(kind)?;
            tokio::spawn(async move {
                while signal.recv().await.is_some() {
                    tracing::info!("{text}");
                }
            });
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal that ends the program, and returns its name.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
