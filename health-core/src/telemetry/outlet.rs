//! Distributes changes of the checks to events, hooks and the log.
//!
//! The board appends changes under its lock, and so in order, to the buffer of
//! events, the queue of each hook, and the queue of the log. All of them are
//! bounded, and appending never waits. Hooks and the log process their queues
//! on their own threads, so one that blocks, panics or is slow delays neither a
//! check nor a reader nor another hook.

use std::io;
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::time::Duration;

use tokio::runtime::Handle;

use crate::telemetry::event::{Bus, Event, Events, Transition};
use crate::telemetry::hook::{Hooks, Listener};
use crate::telemetry::log::Log;
use crate::telemetry::log::line::Line;
use crate::telemetry::queue::SHUTDOWN_TIMEOUT;
use crate::verdict::late::Explanation;
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
    /// Fails if the system cannot start a thread.
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

    // These methods are called under the lock of the board.

    /// Publishes a new result.
    pub(crate) fn completed(&self, report: CheckReport) {
        self.events.publish(Event::Completed(report));
    }

    /// Returns whether a transition would be read.
    pub(crate) fn wants_transitions(&self) -> bool {
        self.has_subscribers() || !self.hooks.is_empty() || self.log.is_on()
    }

    pub(crate) fn turned(&self, check: usize, turned: Transition) {
        if self.has_subscribers() {
            self.events.publish(Event::Transition(turned.clone()));
        }
        let turned = Arc::new(turned);
        self.hooks.publish(check, &turned, false);
        self.log.append(Line::Transition { check, turned });
    }

    /// Publishes the cause of a timeout that became known after the transition.
    pub(crate) fn explained(&self, check: usize, explained: Transition, why: Explanation) {
        let explained = Arc::new(explained);
        self.hooks.publish(check, &explained, true);
        self.log.append(Line::Explained { explained, why });
    }

    pub(crate) fn log(&self, line: Line) {
        self.log.append(line);
    }

    // These methods are called without a lock.

    /// Wakes the subscribers that wait for published events.
    pub(crate) fn wake_subscribers(&self) {
        self.events.wake();
    }

    /// Blocks until the log and the hooks have processed everything so far, for
    /// at most `limit`.
    #[cfg(feature = "testing")]
    pub(crate) fn flush(&self, limit: Duration) {
        self.log.flush(limit);
        self.hooks.flush(limit);
    }

    /// Lets the hooks and the log process their queues, and waits for a bounded
    /// time.
    pub(crate) async fn stop(self: &Arc<Self>) {
        self.hooks.stop().await;
        let outlet = Arc::clone(self);
        let flushed = tokio::task::spawn_blocking(move || outlet.log.flush(SHUTDOWN_TIMEOUT));
        // A log that blocks is abandoned.
        let _ = flushed.await;
        self.log.close();
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.events.close();
    }
}
