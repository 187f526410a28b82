//! Wakes an idle worker before polling, so that a blocking check cannot starve
//! the I/O driver.
//!
//! One worker of tokio waits for network and timers on behalf of all. If a
//! timer wakes it and there is only one task to run, it wakes no other worker.
//! If that task blocks, no worker notices a request until it returns,
//! regardless of the number of workers. A worker that has one more task than it
//! can run next does wake another.

use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::spawn;

/// Wakes another worker, if there is one.
#[derive(Clone)]
pub(crate) struct WorkerWaker(Option<Arc<[Notify; 2]>>);

impl WorkerWaker {
    /// Returns the waker and its tasks.
    pub(crate) fn new(runtime: &Handle) -> (Self, Vec<AbortHandle>) {
        let has_others = runtime.runtime_flavor() == RuntimeFlavor::MultiThread
            && runtime.metrics().num_workers() > 1;
        if !has_others {
            return (WorkerWaker(None), Vec::new());
        }
        let notifies = Arc::new([Notify::new(), Notify::new()]);
        let tasks = (0..notifies.len()).map(|index| {
            let notifies = Arc::clone(&notifies);
            spawn::task(runtime, async move {
                loop {
                    notifies[index].notified().await;
                }
            })
        });
        let tasks = tasks.collect();
        (WorkerWaker(Some(notifies)), tasks)
    }

    /// Makes two tasks ready. A worker runs the task that became ready last, and
    /// moves the other one to its queue, from which another worker takes it.
    pub(crate) fn wake(&self) {
        for notify in self.0.iter().flat_map(|notifies| notifies.iter()) {
            notify.notify_one();
        }
    }
}
