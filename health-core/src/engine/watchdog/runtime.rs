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
    probe: RuntimeProbe,
    /// `None` until the runtime is driven.
    workers: Option<Workers>,
}

impl Runtime {
    pub(super) fn new(runtime: &Handle) -> Self {
        Runtime {
            metrics: runtime.metrics(),
            probe: RuntimeProbe::spawn(runtime),
            workers: None,
        }
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.probe.is_shut_down()
    }

    pub(super) fn update(&mut self, now: Duration) {
        if !self.probe.has_been_polled() {
            return;
        }
        let metrics = &self.metrics;
        let workers = (0..metrics.num_workers()).map(|index| Worker {
            parks: metrics.worker_park_unpark_count(index),
            busy: metrics.worker_total_busy_duration(index),
        });
        match &mut self.workers {
            Some(seen) => seen.update(now, workers),
            None => self.workers = Some(Workers::new(now, workers)),
        }
    }

    pub(super) fn unchanged_for(
        &self,
        limit: Duration,
        now: Duration,
        number: usize,
    ) -> impl Iterator<Item = Stuck> {
        let workers = self.workers.iter();
        workers.flat_map(move |workers| {
            workers
                .unchanged_for(limit, now)
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
/// tokio exposes neither whether a runtime is driven nor whether it has shut down.
/// The metrics of a runtime that is not driven look like those of a blocked one.
/// Only a driven runtime polls this task, and a runtime drops it when it shuts
/// down.
struct RuntimeProbe {
    seen: Arc<Driven>,
    task: AbortHandle,
}

#[derive(Default)]
struct Driven {
    polled: AtomicBool,
    dropped: AtomicBool,
}

impl RuntimeProbe {
    fn spawn(runtime: &Handle) -> Self {
        struct SetOnDrop(Arc<Driven>);
        impl Drop for SetOnDrop {
            fn drop(&mut self) {
                self.0.dropped.store(true, Ordering::Release);
            }
        }
        let seen = Arc::new(Driven::default());
        let held = SetOnDrop(Arc::clone(&seen));
        let task = spawn::task(runtime, async move {
            held.0.polled.store(true, Ordering::Release);
            pending::<()>().await;
        });
        RuntimeProbe { seen, task }
    }

    fn has_been_polled(&self) -> bool {
        self.seen.polled.load(Ordering::Acquire)
    }

    fn is_shut_down(&self) -> bool {
        self.seen.dropped.load(Ordering::Acquire)
    }
}

impl Drop for RuntimeProbe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_task_is_aborted_on_drop() {
        let runtime = Handle::current();
        let probe = RuntimeProbe::spawn(&runtime);
        assert!(!probe.has_been_polled());
        tokio::task::yield_now().await;
        assert!(probe.has_been_polled() && !probe.is_shut_down());
        drop(probe);
        tokio::task::yield_now().await;
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}
