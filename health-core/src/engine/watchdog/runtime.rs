//! The samples of one runtime.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeMetrics};
use tokio::task::AbortHandle;

use crate::engine::watchdog::stall::{Stuck, Worker, Workers};
use crate::spawn;

/// A runtime and the samples of its workers.
pub(super) struct Runtime {
    metrics: RuntimeMetrics,
    sentry: Sentry,
    /// `None` until the runtime is driven.
    workers: Option<Workers>,
}

impl Runtime {
    pub(super) fn new(runtime: &Handle) -> Self {
        Runtime {
            metrics: runtime.metrics(),
            sentry: Sentry::post(runtime),
            workers: None,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.sentry.is_gone()
    }

    pub(super) fn see(&mut self, now: Duration) {
        if !self.sentry.has_come() {
            return;
        }
        let metrics = &self.metrics;
        let workers = (0..metrics.num_workers()).map(|index| Worker {
            parks: metrics.worker_park_unpark_count(index),
            busy: metrics.worker_total_busy_duration(index),
        });
        match &mut self.workers {
            Some(seen) => seen.see(now, workers),
            None => self.workers = Some(Workers::new(now, workers)),
        }
    }

    pub(super) fn still_for(
        &self,
        limit: Duration,
        now: Duration,
        number: usize,
    ) -> impl Iterator<Item = Stuck> {
        let workers = self.workers.iter();
        workers.flat_map(move |workers| {
            workers
                .still_for(limit, now)
                .map(move |(worker, held)| Stuck {
                    runtime: number,
                    worker,
                    workers: workers.count(),
                    held,
                })
        })
    }
}

/// A task on a watched runtime that never completes.
///
/// tokio shows neither whether a runtime is driven nor whether it has ended; in
/// both cases its numbers look like those of a blocked one. But only a driven
/// runtime polls this task, and the runtime drops it when it shuts down.
struct Sentry {
    seen: Arc<Driven>,
    task: AbortHandle,
}

#[derive(Default)]
struct Driven {
    polled: AtomicBool,
    dropped: AtomicBool,
}

impl Sentry {
    fn post(runtime: &Handle) -> Self {
        struct TellsDrop(Arc<Driven>);
        impl Drop for TellsDrop {
            fn drop(&mut self) {
                self.0.dropped.store(true, Ordering::Release);
            }
        }
        let seen = Arc::new(Driven::default());
        let held = TellsDrop(Arc::clone(&seen));
        let task = spawn::task(runtime, async move {
            held.0.polled.store(true, Ordering::Release);
            pending::<()>().await;
        });
        Sentry { seen, task }
    }

    fn has_come(&self) -> bool {
        self.seen.polled.load(Ordering::Acquire)
    }

    fn is_gone(&self) -> bool {
        self.seen.dropped.load(Ordering::Acquire)
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sentry_task_is_aborted_on_drop() {
        let runtime = Handle::current();
        let sentry = Sentry::post(&runtime);
        assert!(!sentry.has_come());
        tokio::task::yield_now().await;
        assert!(sentry.has_come() && !sentry.is_gone());
        drop(sentry);
        tokio::task::yield_now().await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}
