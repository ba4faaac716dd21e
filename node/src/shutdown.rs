//! When to end: SIGINT (Ctrl-C) or SIGTERM.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears when the process is asked to end. While it exists, the signals do nothing else.
#[derive(Debug)]
pub(crate) struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
}

impl Shutdown {
    /// Begins to hear.
    pub(crate) fn hear() -> Result<Self> {
        let hear = |kind| signal(kind).context("the system does not let this program hear signals");
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    /// Waits until the process is asked to end.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Waits until the process is asked to end. If signals cannot be heard, waits for ever: they then end the process by force.
pub(crate) async fn asked() {
    match Shutdown::hear() {
        Ok(mut shutdown) => shutdown.asked().await,
        Err(_) => std::future::pending().await,
    }
}
