//! Sees to it that somebody waits for the network while a check is polled.
//!
//! One worker of tokio waits for the network and the timers on behalf of all. If
//! a timer wakes it and one task is all there is to do, it wakes no other
//! worker: should that task hold its thread, nobody notices a request until it
//! lets go, however many workers there are. A worker that has one task more
//! than it can take up next does wake another.

use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Wakes another worker, where there is one.
#[derive(Clone, Debug)]
pub(crate) struct Relay(Option<Arc<[Notify; 2]>>);

impl Relay {
    /// With the tasks that it takes.
    pub(crate) fn new(runtime: &Handle) -> (Self, Vec<AbortHandle>) {
        let has_others = runtime.runtime_flavor() == RuntimeFlavor::MultiThread
            && runtime.metrics().num_workers() > 1;
        if !has_others {
            return (Relay(None), Vec::new());
        }
        let bells = Arc::new([Notify::new(), Notify::new()]);
        let tasks = (0..bells.len()).map(|index| {
            let bells = Arc::clone(&bells);
            let task = runtime.spawn(async move {
                loop {
                    bells[index].notified().await;
                }
            });
            task.abort_handle()
        });
        let tasks = tasks.collect();
        (Relay(Some(bells)), tasks)
    }

    /// The first of the two tasks is the one that this worker takes up next, and
    /// the second puts it where another worker finds it.
    pub(crate) fn ring(&self) {
        for bell in self.0.iter().flat_map(|bells| bells.iter()) {
            bell.notify_one();
        }
    }
}
