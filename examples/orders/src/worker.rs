//! Ships accepted orders in the background.

use std::time::Duration;

use health_core::reported::{Gate, Heartbeat};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

use crate::database::Store;

const PAUSE: Duration = Duration::from_secs(1);
/// Several passes, so that one that is slow is no alarm.
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
    /// Starts it on the current tokio runtime.
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

    /// Opened once the orders that fell due before the start are shipped.
    pub fn backlog(&self) -> &Gate {
        &self.backlog
    }

    /// Beats with each pass that succeeds.
    pub fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// Lets it finish the pass that it is at.
    ///
    /// # Errors
    ///
    /// It has panicked.
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
            // Once: it tries again each second.
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
