//! Signals by which a CI system cancels a job: an interrupt first, most of them, then a request to
//! end, then it kills.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How many signals have come.
pub(super) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Begins to count. From now on they end nothing by themselves.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub fn listen() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (sender, receiver) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                let came = tokio::select! {
                    came = interrupt.recv() => came,
                    came = terminate.recv() => came,
                };
                match came {
                    Some(()) => sender.send_modify(|count| *count += 1),
                    None => return,
                }
            }
        });
        Ok(Self(receiver))
    }

    /// Waits until so many have come.
    pub async fn received(&self, count: u32) {
        let mut receiver = self.0.clone();
        // Nobody counts any more: none will come.
        if receiver.wait_for(|seen| *seen >= count).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
