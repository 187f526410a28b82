//! Executes one run of a check, which may hang, block or panic.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout_at};

use crate::check::function::CheckFn;
use crate::check::outcome::Outcome;
use crate::check::time_left::set_deadline;
use crate::engine::monitor::Monitor;
use crate::engine::quarantine::{Quarantine, is_proof, waited_for_processor};
use crate::engine::waker::WorkerWaker;
use crate::spawn;
use crate::telemetry::log::RunSpan;
use crate::telemetry::log::line::Line;
use crate::text::panic::caught;
use crate::time::clock::nanos;

/// The configuration of all runs.
#[derive(Clone, Copy)]
pub(crate) struct RunConfig {
    /// The limit of one poll; a longer one blocks the thread.
    pub(crate) max_poll_time: Option<Duration>,
    /// Whether each run has a span.
    pub(crate) traced: bool,
    /// The maximum number of concurrent runs of all checks.
    pub(crate) limit: Option<usize>,
}

/// Runs one check repeatedly.
pub(crate) struct Runner {
    name: Arc<str>,
    check_fn: CheckFn,
    config: RunConfig,
    quarantine: Arc<Quarantine>,
    monitor: Arc<Monitor>,
    polls: Polls,
    waker: WorkerWaker,
    alive: Alive,
}

/// Counts the beginnings and ends of polls on the application's runtime, so
/// that the watchdog finds the check that blocks a worker.
#[derive(Clone, Default)]
pub(crate) struct Polls(Arc<AtomicU64>);

impl Polls {
    /// Returns the number of the current poll.
    #[cfg(feature = "watchdog")]
    pub(crate) fn under_way(&self) -> Option<u64> {
        let count = self.0.load(Ordering::Relaxed);
        (count % 2 == 1).then_some(count)
    }

    /// A check has one run at a time, so there is only one writer.
    fn turn(&self) {
        let count = self.0.load(Ordering::Relaxed);
        self.0.store(count.wrapping_add(1), Ordering::Relaxed);
    }
}

/// Held by everything that runs checks, so that a stop can wait until all are
/// dropped.
pub(crate) type Alive = watch::Receiver<()>;

impl Runner {
    pub(crate) fn new(
        name: Arc<str>,
        check_fn: CheckFn,
        config: RunConfig,
        monitor: Arc<Monitor>,
        waker: WorkerWaker,
        alive: Alive,
    ) -> Self {
        Runner {
            waker,
            alive,
            name,
            check_fn,
            config,
            monitor,
            quarantine: Arc::default(),
            polls: Polls::default(),
        }
    }

    pub(crate) fn polls(&self) -> Polls {
        self.polls.clone()
    }

    /// Returns whether the next run uses a thread, which cannot be ended from
    /// outside.
    pub(crate) fn needs_thread(&self) -> bool {
        match self.check_fn {
            CheckFn::Async(_) => self.quarantine.is_in_force(),
            CheckFn::Local(_) | CheckFn::Blocking(_) => true,
        }
    }

    /// Runs the check once. Never panics.
    ///
    /// A run counts as timed out after `deadline`, which a blocking one can ask
    /// for. A run on its own thread is dropped after `limit` if it is at an await;
    /// one that blocks its thread cannot be dropped. A run on the application's
    /// runtime ends when this future is dropped.
    pub(crate) async fn run(&self, deadline: Instant, limit: Instant) -> Outcome {
        let outcome = self.run_where_it_belongs(deadline, limit).await;
        if let Some(runs) = self.quarantine.run_ended() {
            let check = Arc::clone(&self.name);
            self.monitor.outlet().log(Line::Released { check, runs });
        }
        outcome
    }

    async fn run_where_it_belongs(&self, deadline: Instant, limit: Instant) -> Outcome {
        match &self.check_fn {
            CheckFn::Async(start) if !self.needs_thread() => {
                let mut watched = Timed {
                    runner: self,
                    flight: Guarded::new(self.span(), || start()),
                };
                poll_fn(|cx| watched.poll(cx)).await
            }
            // Boxed, so that checks that never need a thread reserve no memory
            // for it.
            check_fn => Box::pin(self.on_thread(check_fn, deadline, limit)).await,
        }
    }

    async fn on_thread(&self, check_fn: &CheckFn, deadline: Instant, limit: Instant) -> Outcome {
        match check_fn {
            CheckFn::Async(start) => {
                let start = Arc::clone(start);
                self.awaited_on_thread(limit, Box::new(move || start()))
                    .await
            }
            CheckFn::Local(start) => {
                let start = Arc::clone(start);
                self.awaited_on_thread(limit, Box::new(move || start()))
                    .await
            }
            CheckFn::Blocking(check) => {
                let (check, span) = (Arc::clone(check), self.span());
                let run = Box::new(move |_: &Handle, _| {
                    set_deadline(deadline);
                    span.within(|| check())
                });
                self.on_own_thread(limit, run).await
            }
        }
    }

    /// Like [`timed`](Self::timed), and counts the poll for the watchdog.
    fn counted<T>(&self, code: impl FnOnce() -> T) -> T {
        self.waker.wake();
        self.polls.turn();
        let result = self.timed(code);
        self.polls.turn();
        result
    }

    fn span(&self) -> RunSpan {
        if self.config.traced {
            RunSpan::new(&self.name)
        } else {
            RunSpan::NONE
        }
    }

    /// Times one poll or drop on the application's runtime. A long one blocks a
    /// worker and every other task there.
    fn timed<T>(&self, code: impl FnOnce() -> T) -> T {
        let Some(longest) = self.config.max_poll_time else {
            return code();
        };
        let stolen_before = self.stolen();
        let start = std::time::Instant::now();
        let result = code();
        let held = start.elapsed();
        if held > longest {
            self.suspect(held, longest, stolen_before);
        }
        result
    }

    /// Decides whether the check caused a long poll.
    fn suspect(&self, held: Duration, longest: Duration, stolen_before: u64) {
        // The thread that detects pauses may not have been scheduled yet.
        self.monitor.end_pause();
        let stolen = self.stolen().saturating_sub(stolen_before);
        let held = held.saturating_sub(Duration::from_nanos(stolen));
        let Some(excess) = held.checked_sub(longest).filter(|excess| !excess.is_zero()) else {
            return;
        };
        if self.quarantine.long_poll(is_proof(excess)) {
            let check = Arc::clone(&self.name);
            self.monitor.outlet().log(Line::Quarantined { check, held });
        }
    }

    /// Returns the total time in which this thread could not run, in
    /// nanoseconds: pauses of the process, and for a suspected check the wait
    /// for a CPU.
    fn stolen(&self) -> u64 {
        let pauses = self.monitor.pauses().total();
        if self.quarantine.is_suspected() {
            pauses + nanos(waited_for_processor().unwrap_or_default())
        } else {
            pauses
        }
    }

    /// Runs an async check on its own thread. It still uses the application's
    /// runtime: a connection that is opened here and returned to the
    /// application's pool must not depend on another runtime.
    ///
    /// Only a local check gets a local set, because `block_in_place` panics in
    /// one, and a check in quarantine must not fail for that.
    async fn awaited_on_thread(&self, limit: Instant, start: Box<StartOnThread>) -> Outcome {
        let is_local = matches!(self.check_fn, CheckFn::Local(_));
        let span = self.span();
        let quarantine = Arc::clone(&self.quarantine);
        let longest = self.config.max_poll_time;
        let run = Box::new(move |runtime: &Handle, mut given_up: GivenUp| {
            let mut flight = Guarded::new(span, start);
            let landed = poll_fn(|cx| match Pin::new(&mut given_up).poll(cx) {
                Poll::Ready(_) => Poll::Ready(Outcome::timed_out()),
                Poll::Pending => {
                    let start = std::time::Instant::now();
                    let polled = flight.poll(cx);
                    if longest.is_some_and(|longest| start.elapsed() > longest) {
                        quarantine.long_poll(false);
                    }
                    polled
                }
            });
            if is_local {
                runtime.block_on(LocalSet::new().run_until(landed))
            } else {
                runtime.block_on(landed)
            }
        });
        self.on_own_thread(limit, run).await
    }

    /// Uses a new thread instead of one of the runtime's blocking pool: a
    /// thread cannot be killed, so one that hangs would occupy a place in the
    /// pool and keep the runtime from shutting down.
    ///
    /// The limit is applied here instead of on the thread, since tokio panics
    /// when a timer is polled after the runtime has ended. This future is
    /// dropped before.
    async fn on_own_thread(&self, limit: Instant, run: Box<RunOnThread>) -> Outcome {
        let (answer, mut answered) = oneshot::channel();
        let (hold, given_up) = oneshot::channel();
        let runtime = Handle::current();
        let alive = self.alive.clone();
        let spawned = spawn::thread(format!("health-{}", self.name), move || {
            let _alive = alive;
            let _entered = runtime.enter();
            let outcome = caught(|| run(&runtime, given_up));
            // There is no receiver if health has stopped in the meantime.
            let _ = answer.send(outcome.unwrap_or_else(Outcome::panicked));
        });
        if let Err(error) = spawned {
            return Outcome::not_run("no thread could be started", error.to_string());
        }
        let landed = if let Ok(landed) = timeout_at(limit, &mut answered).await {
            landed
        } else {
            drop(hold);
            answered.await
        };
        let lost = || Outcome::not_run("the thread of the run was lost", String::new());
        landed.unwrap_or_else(|_| lost())
    }
}

/// A run on the application's runtime. Its polls and its drop are timed, since
/// the drop is user code as well.
struct Timed<'r, F, R: ?Sized> {
    runner: &'r Runner,
    flight: Guarded<F, R>,
}

impl<F, R> Timed<'_, F, R>
where
    F: FnOnce() -> Pin<Box<R>>,
    R: Future<Output = Outcome> + ?Sized,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.runner.counted(|| self.flight.poll(cx))
    }
}

impl<F, R: ?Sized> Drop for Timed<'_, F, R> {
    fn drop(&mut self) {
        if self.flight.running.is_some() {
            self.runner.counted(|| self.flight.land());
        }
    }
}

/// An async run that catches panics of its polls and its drop.
struct Guarded<F, R: ?Sized> {
    start: Option<F>,
    running: Option<Pin<Box<R>>>,
    span: RunSpan,
}

impl<F, R> Guarded<F, R>
where
    F: FnOnce() -> Pin<Box<R>>,
    R: Future<Output = Outcome> + ?Sized,
{
    fn new(span: RunSpan, start: F) -> Self {
        Guarded {
            start: Some(start),
            running: None,
            span,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Guarded {
            start,
            running,
            span,
        } = self;
        let polled = span.within(|| {
            caught(|| {
                if let Some(start) = start.take() {
                    *running = Some(start());
                }
                match running {
                    Some(running) => running.as_mut().poll(cx),
                    None => Poll::Pending,
                }
            })
        });
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(text) => Outcome::panicked(text),
        };
        self.land();
        Poll::Ready(outcome)
    }
}

impl<F, R: ?Sized> Guarded<F, R> {
    fn land(&mut self) {
        // The drop runs user code, which may panic.
        if let Some(running) = self.running.take() {
            let _ = self.span.within(|| caught(move || drop(running)));
        }
    }
}

impl<F, R: ?Sized> Drop for Guarded<F, R> {
    fn drop(&mut self) {
        self.land();
    }
}

/// Completes when its sender is dropped, which means that the run is to be
/// dropped.
type GivenUp = oneshot::Receiver<()>;

/// A run on its own thread.
type RunOnThread = dyn FnOnce(&Handle, GivenUp) -> Outcome + Send;

/// Returns the future of a run on its own thread.
type StartOnThread = dyn FnOnce() -> Pin<Box<dyn Future<Output = Outcome>>> + Send;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::check::outcome::{IntoOutcome, Status};
    use crate::telemetry::outlet::Outlet;

    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            assert!(thread::panicking(), "dropped");
        }
    }

    fn runner(check_fn: CheckFn, max_poll_time: Option<Duration>) -> Runner {
        let config = RunConfig {
            max_poll_time,
            traced: false,
            limit: None,
        };
        let runtime = Handle::current();
        let (waker, _) = WorkerWaker::new(&runtime);
        let outlet = Outlet::start(Vec::new(), 0, &runtime).expect("threads");
        let monitor = Arc::new(Monitor::new(
            &[],
            outlet,
            crate::verdict::history::Retention::default(),
        ));
        let alive = watch::channel(()).1;
        Runner::new("test".into(), check_fn, config, monitor, waker, alive)
    }

    async fn run(check_fn: CheckFn) -> Outcome {
        let limit = Instant::now() + Duration::from_secs(60);
        runner(check_fn, None).run(limit, limit).await
    }

    #[tokio::test]
    async fn a_panic_fails_the_check_with_a_private_text() {
        async fn literal() -> bool {
            std::future::ready(()).await;
            panic!("secret")
        }
        async fn formatted(number: u8) -> bool {
            std::future::ready(()).await;
            panic!("secret {number}")
        }
        let outcome = run(CheckFn::closure(literal)).await;
        assert_eq!(outcome.message(), Some("panicked"));
        assert_eq!(outcome.cause(), ["secret"]);
        let outcome = run(CheckFn::closure(|| formatted(7))).await;
        assert_eq!(outcome.cause(), ["secret 7"]);

        let before_the_future = run(CheckFn::closure(|| {
            assert!(std::hint::black_box(false), "no future");
            async {}
        }));
        assert_eq!(before_the_future.await.cause(), ["no future"]);
    }

    #[tokio::test]
    async fn a_panic_on_a_blocking_thread_fails_the_check() {
        let outcome = run(CheckFn::blocking_closure(|| -> bool { panic!("secret") })).await;
        assert_eq!(outcome.message(), Some("panicked"));
        assert_eq!(outcome.cause(), ["secret"]);
    }

    #[tokio::test]
    async fn a_panic_while_a_run_is_dropped_is_caught() {
        let check_fn = CheckFn::closure(|| async {
            let _held = PanicsOnDrop;
            std::future::pending::<()>().await;
        });
        let runner = runner(check_fn, None);
        let limit = Instant::now() + Duration::from_secs(60);
        let mut hanging = Box::pin(runner.run(limit, limit));
        let poll = poll_fn(|cx| Poll::Ready(hanging.as_mut().poll(cx))).await;
        assert!(poll.is_pending());
        drop(hanging);
    }

    #[tokio::test]
    async fn a_blocking_check_can_reach_the_runtime() {
        let outcome = run(CheckFn::blocking_closure(|| Handle::try_current().is_ok())).await;
        assert_eq!(outcome.status(), Status::Pass);
    }

    #[tokio::test]
    async fn a_check_that_blocks_its_worker_moves_to_its_own_thread() {
        let here = thread::current().id();
        let (tell, told) = std::sync::mpsc::channel();
        let check_fn = CheckFn::closure(move || {
            let tell = tell.clone();
            async move {
                // A blocking call in an async function.
                thread::sleep(Duration::from_millis(2));
                tell.send(thread::current().id()).is_ok()
            }
        });
        let runner = runner(check_fn, Some(Duration::from_millis(1)));
        let limit = Instant::now() + Duration::from_secs(60);
        assert!(!runner.needs_thread());
        assert_eq!(runner.run(limit, limit).await.status(), Status::Pass);
        assert_eq!(told.recv(), Ok(here), "a suspicion");
        assert!(!runner.needs_thread());
        assert_eq!(runner.run(limit, limit).await.status(), Status::Pass);
        assert_eq!(told.recv(), Ok(here), "the proof");
        assert!(runner.needs_thread());
        assert_eq!(runner.run(limit, limit).await.status(), Status::Pass);
        assert_ne!(told.recv(), Ok(here));
    }

    #[tokio::test]
    async fn a_local_future_can_run_and_spawn() {
        let check_fn = CheckFn::Local(Arc::new(|| {
            Box::pin(async {
                let shared = std::rc::Rc::new(7);
                let other = std::rc::Rc::clone(&shared);
                let spawned = tokio::task::spawn_local(async move { *other });
                tokio::task::yield_now().await;
                (spawned.await.ok() == Some(*shared)).into_outcome()
            })
        }));
        assert_eq!(run(check_fn).await.status(), Status::Pass);
    }

    #[tokio::test]
    async fn a_run_on_its_own_thread_ends_when_its_waiter_is_dropped() {
        struct Tells(std::sync::mpsc::Sender<()>);
        impl Drop for Tells {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (tell, told) = std::sync::mpsc::channel();
        let (begin, started) = std::sync::mpsc::channel();
        let check_fn = CheckFn::Local(Arc::new(move || {
            let held = Tells(tell.clone());
            begin.send(()).expect("the test waits for it");
            Box::pin(async move {
                let _held = held;
                std::future::pending().await
            })
        }));
        let runner = runner(check_fn, None);
        let limit = Instant::now() + Duration::from_secs(60);
        let mut abandoned = Box::pin(runner.run(limit, limit));
        let poll = poll_fn(|cx| Poll::Ready(abandoned.as_mut().poll(cx))).await;
        assert!(poll.is_pending());
        assert_eq!(started.recv_timeout(Duration::from_secs(10)), Ok(()));
        drop(abandoned);
        let ended = told.recv_timeout(Duration::from_secs(10));
        assert_eq!(ended, Ok(()), "the future was dropped");
    }
}
