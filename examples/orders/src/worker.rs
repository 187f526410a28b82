//! Ships accepted orders in the background.

use std::time::Duration;

use health_core::reported::{Gate, Heartbeat};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

use crate::database::Store;

const PAUSE: Duration = Duration::from_secs(1);
/// Several passes, so that one slow pass raises no alarm.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The task that ships accepted orders.
#[derive(Debug)]
#[must_use = "the worker stops when this is dropped"]
pub struct Worker {
    backlog: Gate,
    heartbeat: Heartbeat,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts the worker on the current tokio runtime.
    pub fn start(store: Store) -> Self {
        let backlog = Gate::new("backlog");
        let heartbeat = Heartbeat::new("worker", LONGEST_SILENCE);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(work(store, backlog.clone(), heartbeat.clone(), stopped));
        Worker {
            backlog,
            heartbeat,
            stop,
            task,
        }
    }

    /// A gate that opens once the orders that were due before the start are shipped.
    pub fn backlog(&self) -> &Gate {
        &self.backlog
    }

    /// A heartbeat that beats after each successful pass.
    pub fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// Completes the current pass and stops.
    ///
    /// # Errors
    ///
    /// The worker has panicked.
    pub async fn stop(self) -> Result<(), JoinError> {
        drop(self.stop);
        self.task.await
    }
}

async fn work(
    store: Store,
    backlog: Gate,
    heartbeat: Heartbeat,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut works = true;
    loop {
        match store.ship_due().await {
            Ok(shipped) => {
                backlog.open();
                heartbeat.beat();
                works = true;
                if shipped > 0 {
                    tracing::info!(shipped, "orders shipped");
                }
            }
            // Logged once, since the worker retries each second.
            Err(error) if works => {
                works = false;
                tracing::warn!(%error, "orders cannot be shipped");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            _ = &mut stopped => return,
        }
    }
}
