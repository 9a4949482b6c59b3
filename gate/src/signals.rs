//! Signals: those that shut the program down, the one that reloads files, and those that are ignored.

use std::io;

/// SIGHUP, which reloads files; on systems other than Unix it never arrives.
#[derive(Debug)]
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        let came = self.signal.recv().await.is_some();
        #[cfg(not(unix))]
        let came = false;
        if !came {
            std::future::pending().await
        }
    }
}

/// SIGTERM and SIGINT; on systems other than Unix, Ctrl-C.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Installs the handlers. Signals that mean something to other servers, but not to this one, are logged.
    ///
    /// # Errors
    ///
    /// The system doesn't allow it.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<(Self, Hangups)> {
        use tokio::signal::unix::{SignalKind, signal};

        for (kind, text) in [
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
        let ends = Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        let signal = signal(SignalKind::hangup())?;
        Ok((ends, Hangups { signal }))
    }

    /// Waits for the next signal to shut down, and returns its name.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<(Self, Hangups)> {
        Ok((Self {}, Hangups {}))
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
