//! [`Supervised`]: a task that must not end.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio::task::{AbortHandle, JoinError, JoinHandle, unconstrained};

use crate::check::outcome::{Outcome, Reason, Status};
use crate::check::source::{Reading, Reported, Source, Subscribers, View};
use crate::sync::Mutex;
use crate::time::clock::Moment;

/// A tokio task that must not end. When it ends, its check fails at once and
/// permanently, with `panicked`, `ended` or `cancelled`.
///
/// The text of the panic is private. To detect a task that hangs instead of
/// ending, use a [`Heartbeat`](crate::reported::Heartbeat).
///
/// It replaces the task's [`JoinHandle`]: await it for the value that the task
/// returns. If it is dropped, the task keeps running and is still supervised.
///
/// During a [drain](crate::Health::drain) a task that returns or is cancelled
/// is no failure: the check keeps its last verdict. A panic always fails. A
/// service that stops without a drain calls [`finish`](Self::finish) or
/// [`Health::stop`](crate::Health::stop) before it ends its tasks.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use health_core::reported::Supervised;
/// use health_core::{CheckOptions, Health};
///
/// let worker = Supervised::new("worker", tokio::spawn(async { /* for ever */ 7 }));
/// let health = Health::builder()
///     .reported(&worker, CheckOptions::new().critical())
///     .start()?;
///
/// assert_eq!(worker.await?, 7);
/// assert_eq!(health.check("worker").unwrap().message(), Some("ended"));
/// # Ok(())
/// # }
/// ```
pub struct Supervised<T> {
    task: Arc<Task<T>>,
    abort: AbortHandle,
}

struct Task<T> {
    name: String,
    state: Mutex<State<T>>,
    subscribers: Subscribers,
}

struct State<T> {
    /// `None` once the result has been taken.
    handle: Option<JoinHandle<T>>,
    result: Option<Result<T, JoinError>>,
    /// The outcome of the end of the task.
    end: Option<Outcome>,
    /// The task may return or be cancelled.
    may_end: bool,
    /// The waker of the task that awaits the result.
    waiting: Option<Waker>,
}

impl<T: Send + 'static> From<&Supervised<T>> for Reported {
    fn from(task: &Supervised<T>) -> Self {
        Reported {
            name: task.task.name.clone(),
            source: Arc::clone(&task.task) as _,
        }
    }
}

impl<T: Send + 'static> Supervised<T> {
    /// Supervises this task. [`start`](crate::HealthBuilder::start) validates
    /// the name by the rules for check names.
    pub fn new(name: impl Into<String>, task: JoinHandle<T>) -> Self {
        let abort = task.abort_handle();
        let state = State {
            handle: Some(task),
            result: None,
            end: None,
            may_end: false,
            waiting: None,
        };
        let task = Arc::new(Task {
            name: name.into(),
            state: Mutex::new(state),
            subscribers: Subscribers::default(),
        });
        task.poll();
        Supervised { task, abort }
    }

    /// Cancels the task, as [`JoinHandle::abort`] does.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Allows the task to end: from now on, returning or being cancelled is no
    /// failure. A panic still is, and so is an end before this call.
    ///
    /// Call it before the task is asked to end, or right after
    /// [`new`](Self::new) for a job that ends by itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use health_core::report::Verdict;
    /// use health_core::reported::Supervised;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    /// let worker = Supervised::new("worker", tokio::spawn(stopped));
    /// let health = Health::builder()
    ///     .reported(&worker, CheckOptions::new().liveness().critical())
    ///     .start()?;
    /// worker.finish();
    /// drop(stop);
    /// let _ = worker.await?;
    /// assert_eq!(health.check("worker").unwrap().verdict(), Verdict::Pass);
    /// # Ok(())
    /// # }
    /// ```
    pub fn finish(&self) {
        self.task.state.lock().may_end = true;
    }

    /// Returns whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.abort.is_finished()
    }
}

/// Returns the result of the task. Must be awaited at most once, like a
/// [`JoinHandle`].
impl<T: Send + 'static> Future for Supervised<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.task.state.lock();
        if let Some(result) = state.result.take() {
            return Poll::Ready(result);
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> fmt::Debug for Supervised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised")
            .field("name", &self.task.name)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Task<T> {
    /// Polls the task for its result and registers to be woken.
    fn poll(self: &Arc<Self>) {
        let mut state = self.state.lock();
        let Some(handle) = &mut state.handle else {
            return;
        };
        let waker = Waker::from(Arc::clone(self));
        // With a budget, a poll could wake this task at once, while the lock is
        // held.
        let polled = pin!(unconstrained(handle)).poll(&mut Context::from_waker(&waker));
        let Poll::Ready(result) = polled else {
            return;
        };
        state.handle = None;
        state.end = Some(end_of(&result, state.may_end));
        state.result = Some(result);
        let waiting = state.waiting.take();
        drop(state);
        self.subscribers.notify();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// The task wakes this on the thread where it ends, so neither another task nor a
/// running runtime is needed.
impl<T: Send + 'static> Wake for Task<T> {
    fn wake(self: Arc<Self>) {
        self.poll();
    }
}

impl<T: Send> Source for Task<T> {
    fn read(&self, _: Moment, _: Moment, _: &View<'_>) -> Reading {
        match &self.state.lock().end {
            None => Reading::of(Outcome::pass()),
            Some(end) => Reading {
                is_orderly_end: end.reason() != Some(&Reason::Panicked)
                    && end.status() == Status::Fail,
                ..Reading::of(end.clone())
            },
        }
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }
}

fn end_of<T>(result: &Result<T, JoinError>, may_end: bool) -> Outcome {
    match result {
        Ok(_) if may_end => Outcome::pass(),
        Err(error) if may_end && error.is_cancelled() => Outcome::pass(),
        Ok(_) => Outcome::fail("ended"),
        Err(error) if error.is_panic() => Outcome::panicked(error.to_string()),
        Err(_) => Outcome::fail("cancelled"),
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
