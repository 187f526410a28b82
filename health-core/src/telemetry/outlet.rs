//! The one way from the state of the checks to the outside.
//!
//! The board appends what changed, under its lock and so in order: to the ring
//! of the events, to the queue of each hook, and to the queue of the log. Each
//! of them is bounded, and appending waits for nothing. The hooks and the log
//! work through their queues on threads of their own, so one that blocks, panics
//! or is slow delays neither a check nor a reader nor the others.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::telemetry::event::{Bus, Event, Events, Transition};
use crate::telemetry::hook::{Hooks, Listener};
use crate::telemetry::log::Log;
use crate::telemetry::log::line::Line;
use crate::telemetry::queue::LAST_WORDS;
use crate::verdict::snapshot::CheckReport;

#[derive(Debug)]
pub(crate) struct Outlet {
    events: Arc<Bus>,
    hooks: Hooks,
    log: Log,
}

impl Outlet {
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn start(
        listeners: Vec<Box<dyn Listener>>,
        checks: usize,
        runtime: &Handle,
    ) -> io::Result<Self> {
        Ok(Outlet {
            events: Arc::default(),
            hooks: Hooks::start(listeners, checks, runtime)?,
            log: Log::start(checks)?,
        })
    }

    pub(crate) fn subscribe(&self) -> Events {
        self.events.subscribe()
    }

    pub(crate) fn has_subscribers(&self) -> bool {
        self.events.has_subscribers()
    }

    // Appended under the lock of the board.

    /// There is a result.
    pub(crate) fn completed(&self, report: CheckReport) {
        self.events.publish(Event::Completed(report));
    }

    /// Whether a transition would be read.
    pub(crate) fn wants_transitions(&self) -> bool {
        self.has_subscribers() || !self.hooks.is_empty() || self.log.is_on()
    }

    pub(crate) fn turned(&self, check: usize, turned: Transition) {
        if self.has_subscribers() {
            self.events.publish(Event::Transition(turned.clone()));
        }
        let turned = Arc::new(turned);
        self.hooks.publish(check, &turned);
        self.log.append(Line::Transition { check, turned });
    }

    pub(crate) fn log(&self, line: Line) {
        self.log.append(line);
    }

    // Called without a lock.

    /// Wakes the subscribers that wait for what was appended.
    pub(crate) fn wake_subscribers(&self) {
        self.events.wake();
    }

    /// Waits until the log and the hooks have taken everything so far, but no
    /// longer than `limit`. Blocks the thread.
    pub(crate) fn flush(&self, limit: Duration) {
        self.log.flush(limit);
        self.hooks.flush(limit);
    }

    /// Lets the hooks and the log work through what waits, and waits for them for
    /// a bounded time.
    pub(crate) async fn stop(self: &Arc<Self>) {
        self.hooks.stop().await;
        let outlet = Arc::clone(self);
        let flushed = tokio::task::spawn_blocking(move || outlet.log.flush(LAST_WORDS));
        // A log that blocks is left to itself.
        let _ = flushed.await;
        self.log.close();
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.events.close();
    }
}
