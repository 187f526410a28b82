//! Delivery of transitions to code outside the framework.
//!
//! Each listener has a thread and a bounded [`Queue`] of its own, so a listener
//! that blocks or panics delays neither a check nor another listener.

#[cfg(feature = "webhook")]
pub(crate) mod remote;

use std::sync::Arc;
#[cfg(feature = "testing")]
use std::time::Duration;
use std::{fmt, io};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::spawn;
use crate::telemetry::event::Transition;
use crate::telemetry::log;
use crate::telemetry::queue::{Popped, Queue, Record, SHUTDOWN_TIMEOUT};
use crate::text::panic::caught;

/// Receives transitions on its own thread.
pub(crate) trait Listener: Send + 'static {
    /// Returns the name in the log.
    fn name(&self) -> String;

    /// Returns whether the listener also wants the cause of a timeout that became
    /// known after the transition.
    fn wants_explanations(&self) -> bool {
        false
    }

    /// Consumes `queue` until it is closed and empty, or until its
    /// [`time_left`](Queue::time_left) is used up.
    fn listen(&mut self, queue: &Queue<QueuedTransition>);
}

impl fmt::Debug for dyn Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A transition in the queue of a listener, or several of one check that were
/// merged.
#[derive(Clone, Debug)]
pub(crate) struct QueuedTransition {
    /// The index of the check.
    pub(crate) check: usize,
    pub(crate) turned: Arc<Transition>,
    /// The number of earlier transitions that were merged into this one.
    pub(crate) missed: u64,
    /// Whether this explains the last transition instead of being one: the cause
    /// of a timeout became known later.
    pub(crate) is_explanation: bool,
}

impl Record for QueuedTransition {
    fn key(&self) -> Option<usize> {
        Some(self.check)
    }

    /// Merges an older transition into this one.
    fn absorb(&mut self, older: Self) {
        let turned = Arc::make_mut(&mut self.turned);
        turned.from = older.turned.from;
        turned.held = older.turned.held;
        let is_merged = !self.is_explanation && !older.is_explanation;
        self.missed += older.missed + u64::from(is_merged);
        self.is_explanation &= older.is_explanation;
    }
}

/// The name of `on_transition` hooks in the log.
const ON_TRANSITION: &str = "on_transition";

impl<F: FnMut(&Transition) + Send + 'static> Listener for F {
    fn name(&self) -> String {
        ON_TRANSITION.to_owned()
    }

    fn listen(&mut self, queue: &Queue<QueuedTransition>) {
        while let Popped::Record(turn, missed) = queue.pop(None) {
            if missed > 0 {
                log::hook_missed(ON_TRANSITION, missed);
            }
            if queue.time_left().is_some_and(|left| left.is_zero()) {
                let undelivered = 1 + queue.take_all().len() as u64;
                log::hook_missed(ON_TRANSITION, undelivered);
                return;
            }
            if let Err(text) = caught(|| self(&turn.turned)) {
                log::hook_panicked(ON_TRANSITION, &text);
            }
        }
    }
}

/// The queue of one listener.
#[derive(Debug)]
struct Subscription {
    queue: Arc<Queue<QueuedTransition>>,
    wants_explanations: bool,
}

/// The listeners of one `Health`, which end with it.
#[derive(Debug)]
pub(crate) struct Hooks {
    queues: Vec<Subscription>,
    /// Closed once the last thread has ended.
    alive: watch::Sender<()>,
}

impl Hooks {
    /// Starts a thread for each listener; the indices of checks are below
    /// `checks`.
    ///
    /// # Errors
    ///
    /// Fails if the system cannot start a thread.
    pub(crate) fn start(
        listeners: Vec<Box<dyn Listener>>,
        checks: usize,
        runtime: &Handle,
    ) -> io::Result<Self> {
        let (alive, witness) = watch::channel(());
        let mut hooks = Hooks {
            queues: Vec::with_capacity(listeners.len()),
            alive,
        };
        for listener in listeners {
            let queue = Arc::new(Queue::new(checks));
            hooks.queues.push(Subscription {
                queue: Arc::clone(&queue),
                wants_explanations: listener.wants_explanations(),
            });
            let (runtime, witness) = (runtime.clone(), witness.clone());
            spawn::thread("health-hook", move || {
                let _witness = witness;
                // A hook may call `tokio::spawn`.
                let _entered = runtime.enter();
                // Dropped before the guard and the sender of `alive`, because the
                // drop runs user code as well.
                let mut listener = listener;
                if let Err(text) = caught(|| listener.listen(&queue)) {
                    log::hook_panicked(&listener.name(), &text);
                }
            })?;
        }
        Ok(hooks)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Queues a transition, or the explanation of the last one, for every listener
    /// that wants it. Never blocks on a listener.
    ///
    /// The transitions of one check must be published in their order.
    pub(crate) fn publish(&self, check: usize, turned: &Arc<Transition>, is_explanation: bool) {
        for subscription in &self.queues {
            if is_explanation && !subscription.wants_explanations {
                continue;
            }
            subscription.queue.push(QueuedTransition {
                check,
                turned: Arc::clone(turned),
                missed: 0,
                is_explanation,
            });
        }
    }

    /// Waits until the listeners have taken all queued transitions, for at most
    /// `limit` each.
    #[cfg(feature = "testing")]
    pub(crate) fn flush(&self, limit: Duration) {
        for Subscription { queue, .. } in &self.queues {
            queue.wait_idle(limit);
        }
    }

    fn close(&self) {
        for Subscription { queue, .. } in &self.queues {
            queue.close();
        }
    }

    /// Lets the listeners finish, and waits for at most [`SHUTDOWN_TIMEOUT`].
    pub(crate) async fn stop(&self) {
        self.close();
        // A listener that hangs is abandoned.
        let _ = timeout(SHUTDOWN_TIMEOUT, self.alive.closed()).await;
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.close();
    }
}
