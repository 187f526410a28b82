//! The application's own code at each turn of a verdict.
//!
//! A hook has a thread of its own and a bounded queue, so one that blocks, or
//! panics, harms neither a check nor another hook: what it has no time for is
//! dropped, the oldest first, and counted.

#[cfg(feature = "webhook")]
mod webhook;

#[cfg(feature = "webhook")]
pub use webhook::Webhook;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::event::Turned;
use crate::observe;
use crate::run::caught;

/// Turns that wait for one hook.
const BACKLOG: usize = 256;
/// How long a hook may still work on what waits when health has ended.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is told of each turn, on a thread of its own.
pub(crate) trait Listener: Send + 'static {
    /// The name in the log.
    fn name(&self) -> String;

    /// `queue` tells when it is time to give up; `missed` turns were dropped
    /// before this one.
    fn hear(&mut self, turned: &Turned, missed: u64, queue: &Queue);
}

impl fmt::Debug for dyn Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl<F: Fn(&Turned) + Send + 'static> Listener for F {
    fn name(&self) -> String {
        "on_transition".to_owned()
    }

    fn hear(&mut self, turned: &Turned, _: u64, _: &Queue) {
        self(turned);
    }
}

/// The hooks of one health. They end with it.
#[derive(Debug)]
pub(crate) struct Hooks {
    queues: Vec<Arc<Queue>>,
    /// Closed once the last thread has ended.
    alive: watch::Sender<()>,
}

impl Hooks {
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn start(listeners: Vec<Box<dyn Listener>>, runtime: &Handle) -> io::Result<Self> {
        let (alive, witness) = watch::channel(());
        let mut hooks = Hooks {
            queues: Vec::with_capacity(listeners.len()),
            alive,
        };
        for listener in listeners {
            let queue = Arc::new(Queue::new(listener.name()));
            hooks.queues.push(Arc::clone(&queue));
            let (runtime, witness) = (runtime.clone(), witness.clone());
            thread::Builder::new()
                .name("health-hook".to_owned())
                .spawn(move || {
                    let _witness = witness;
                    // A hook may spawn a task.
                    let _entered = runtime.enter();
                    // Dropped first of these: it is the user's as well.
                    let mut listener = listener;
                    queue.serve(&mut *listener);
                })?;
        }
        Ok(hooks)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Waits for nobody.
    pub(crate) fn publish(&self, turned: &Turned) {
        for queue in &self.queues {
            queue.push(turned.clone());
        }
    }

    /// Logs which hooks have fallen behind. Not while a lock is held: the log
    /// is the application's code as well.
    pub(crate) fn tell_who_is_behind(&self) {
        for queue in &self.queues {
            if std::mem::take(&mut queue.state().fell_behind) {
                observe::hook_is_behind(&queue.hook);
            }
        }
    }

    fn close(&self) {
        for queue in &self.queues {
            queue.close();
        }
    }

    /// Lets the hooks say what they have to say, and waits for them.
    pub(crate) async fn stop(&self) {
        self.close();
        // One that hangs is left to itself.
        let _ = timeout(LAST_WORDS, self.alive.closed()).await;
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.close();
    }
}

/// The turns that one hook has not heard of yet.
#[derive(Debug)]
pub(crate) struct Queue {
    hook: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    turns: VecDeque<Turned>,
    /// Turns that were dropped and not reported yet.
    missed: u64,
    fell_behind: bool,
    /// When health ended.
    closed: Option<Instant>,
}

impl Queue {
    fn new(hook: String) -> Self {
        Queue {
            hook,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Held for a few instructions.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, turned: Turned) {
        let mut state = self.state();
        if state.closed.is_some() {
            return;
        }
        if state.turns.len() == BACKLOG {
            state.turns.pop_front();
            state.fell_behind |= state.missed == 0;
            state.missed += 1;
        }
        state.turns.push_back(turned);
        drop(state);
        self.changed.notify_all();
    }

    fn close(&self) {
        self.state().closed.get_or_insert_with(Instant::now);
        self.changed.notify_all();
    }

    /// The next turn, and how many were dropped before it; `None` at the end.
    fn pop(&self) -> Option<(Turned, u64)> {
        let mut state = self.state();
        loop {
            if let Some(turned) = state.turns.pop_front() {
                return Some((turned, std::mem::take(&mut state.missed)));
            }
            if state.closed.is_some() {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How much time is left, once health has ended.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let closed = self.state().closed?;
        Some(LAST_WORDS.saturating_sub(closed.elapsed()))
    }

    /// Waits, but no longer than health lives. Returns whether it does.
    #[cfg(feature = "webhook")]
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let open = |state: &mut State| state.closed.is_none();
        let waited = self.changed.wait_timeout_while(self.state(), pause, open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.closed.is_none()
    }

    fn serve(&self, listener: &mut dyn Listener) {
        while let Some((turned, missed)) = self.pop() {
            if missed > 0 {
                observe::hook_missed(&self.hook, missed);
            }
            if self.time_left().is_some_and(|left| left.is_zero()) {
                let unheard = 1 + self.state().turns.len() as u64;
                observe::hook_missed(&self.hook, unheard);
                return;
            }
            if let Err(text) = caught(|| listener.hear(&turned, missed, self)) {
                observe::hook_panicked(&self.hook, &text);
            }
        }
    }
}
