//! How connections learn that the program is to end, and it that they have.

use std::future::pending;

use tokio::sync::watch;

/// Begins the end.
#[derive(Debug)]
pub(crate) struct Trigger(watch::Sender<bool>);

/// Learns of it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

pub(crate) fn channel() -> (Trigger, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Shutdown(receiver))
}

impl Trigger {
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until everybody who could learn of it is gone.
    pub(crate) async fn all_gone(&self) {
        self.0.closed().await;
    }

    /// How many there are.
    pub(crate) fn left(&self) -> usize {
        self.0.receiver_count()
    }
}

impl Shutdown {
    /// Waits for the end to begin. A trigger that is gone has begun nothing, and never will.
    pub(crate) async fn begun(&mut self) {
        if self.0.wait_for(|begun| *begun).await.is_err() {
            pending().await
        }
    }
}
