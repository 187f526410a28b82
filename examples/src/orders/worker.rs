//! Ships accepted orders in the background.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep};

use super::store::Store;

const PAUSE: Duration = Duration::from_secs(1);

/// The task that ships accepted orders.
#[derive(Debug)]
#[must_use = "the worker stops when this is dropped"]
pub struct Worker {
    progress: Progress,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts it on the current tokio runtime.
    pub fn start(store: Store) -> Self {
        let progress = Progress::new();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(work(store, progress.clone(), stopped));
        Worker {
            progress,
            stop,
            task,
        }
    }

    /// What a health check looks at.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
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

/// When the worker last got through its work. All clones are one.
#[derive(Clone, Debug)]
pub struct Progress {
    last: Arc<Mutex<Instant>>,
}

impl Progress {
    fn new() -> Self {
        Progress {
            last: Arc::new(Mutex::new(Instant::now())),
        }
    }

    fn passed(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The time since the last pass that succeeded, or since the start.
    pub fn age(&self) -> Duration {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.elapsed()
    }
}

async fn work(store: Store, progress: Progress, mut stopped: oneshot::Receiver<()>) {
    let mut works = true;
    loop {
        match store.ship_due().await {
            Ok(shipped) => {
                progress.passed();
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
