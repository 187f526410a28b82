//! When a check runs: one task for each check, for as long as health lives.
//!
//! The task starts the runs one after the other, so there is never more than
//! one, and polls the run itself, so a caller's disconnect cannot touch it and
//! a run costs no task of its own. If a check holds the thread, its own task
//! cannot tell the time; the readers do ([`Monitor`]).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::check::Feed;
use crate::monitor::{Monitor, Turn};
use crate::observe;
use crate::registry::Check;
use crate::relay::Relay;
use crate::run::{Manner, Runner};
use crate::source::{Listener, Source};
use crate::watchdog::{self, Watch, Watchdog};

/// Runs at once, so that a thousand first runs do not all knock together.
const ASYNC_RUNS: usize = 1024;
/// Threads at once for plain functions. One that hangs gives its place back
/// at its timeout, so it cannot keep the others from running.
const THREADS: usize = 64;
/// A run over its timeout is left alone this long, or four times its timeout
/// if that is longer: to drop a query halfway can cost the application's pool
/// a connection for good.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);
/// How long a stop waits for runs that hold their thread.
const LONGEST_STOP: Duration = Duration::from_secs(1);
/// The longest pause between two reminders of a startup that has not passed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Each period is off by at most this part of the interval, so that replicas
/// and checks drift apart.
const JITTER: f64 = 0.1;

/// The tasks of all checks, which end with this.
#[derive(Debug)]
pub(crate) struct Supervisors {
    monitor: Arc<Monitor>,
    tasks: Vec<AbortHandle>,
    watchdog: Option<Watchdog>,
    /// Closed once the last task and the last thread of a run have let go.
    alive: watch::Sender<()>,
}

impl Supervisors {
    pub(crate) fn spawn(
        runtime: &Handle,
        checks: Vec<Check>,
        monitor: &Arc<Monitor>,
        manner: Manner,
        watch: Option<Watch>,
        startup_patience: Duration,
    ) -> Self {
        let limits = Arc::new(Limits::new());
        let (alive, witness) = watch::channel(());
        // The settings may have left its check out.
        let watch = watch.filter(|_| monitor.index_of(watchdog::NAME).is_some());
        let watchdog = watch.map(|watch| Watchdog::spawn(watch, runtime, witness.clone()));
        let mut polls = Vec::new();
        let (relay, relayed) = Relay::new(runtime);
        let tasks = checks.into_iter().enumerate().map(|(index, check)| {
            let monitor = Arc::clone(monitor);
            let task = match check.feed {
                Feed::Runs(work) => {
                    let name = Arc::clone(&check.name);
                    let runner =
                        Runner::new(check.name, work, manner, relay.clone(), witness.clone());
                    if watchdog.is_some() {
                        polls.push((name, runner.polls()));
                    }
                    let supervisor = Supervisor {
                        index,
                        runner,
                        monitor,
                        limits: Arc::clone(&limits),
                    };
                    runtime.spawn(supervisor.supervise())
                }
                Feed::Reports(source) => {
                    listen(&monitor, index, &*source);
                    runtime.spawn(look_out(monitor, index))
                }
            };
            task.abort_handle()
        });
        let mut tasks: Vec<AbortHandle> = tasks.chain(relayed).collect();
        if !monitor.has_started() {
            let reminds = runtime.spawn(remind_of_startup(Arc::clone(monitor), startup_patience));
            tasks.push(reminds.abort_handle());
        }
        if let Some(watchdog) = &watchdog {
            watchdog.suspect(polls);
        }
        Supervisors {
            monitor: Arc::clone(monitor),
            tasks,
            watchdog,
            alive,
        }
    }

    /// Watches one more runtime, if any is watched.
    pub(crate) fn watch(&self, runtime: &Handle) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.watch(runtime);
        }
    }

    /// One more task that ends with the checks.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) fn and(mut self, task: AbortHandle) -> Self {
        self.tasks.push(task);
        self
    }

    /// Ends all runs, and waits until they are gone.
    pub(crate) async fn stop(&self) {
        self.abort();
        // What holds its thread cannot be interrupted, and is left to itself.
        let _ = timeout(LONGEST_STOP, self.alive.closed()).await;
    }

    fn abort(&self) {
        // What ends with the service is no failure.
        self.monitor.stop_listening();
        for task in &self.tasks {
            task.abort();
        }
        if let Some(watchdog) = &self.watchdog {
            watchdog.end();
        }
    }
}

impl Drop for Supervisors {
    fn drop(&mut self) {
        self.abort();
    }
}

/// From now on `monitor` hears of what is reported.
fn listen(monitor: &Arc<Monitor>, index: usize, source: &dyn Source) {
    let listener = Arc::downgrade(monitor);
    source.audience().join(listener, index);
    // What was said since the monitor was made went unheard.
    monitor.changed(index);
}

/// Says what startup waits for, less and less often.
async fn remind_of_startup(monitor: Arc<Monitor>, patience: Duration) {
    let mut pause = patience;
    loop {
        sleep(pause).await;
        let snapshot = monitor.snapshot();
        if monitor.has_started() || snapshot.is_draining() {
            return;
        }
        observe::startup_waits(monitor.uptime(), &snapshot);
        pause = LONGEST_PAUSE.max(patience).min(pause * 2);
    }
}

/// Looks at a check that is reported when time changes what it says. Readers do
/// as well, but then it would turn in the log only when somebody reads.
async fn look_out(monitor: Arc<Monitor>, index: usize) {
    while !monitor.is_retired(index) {
        let woken = monitor.woken(index);
        match monitor.due(index) {
            // Either is a reason to look.
            Some(due) => drop(timeout_at(due, woken).await),
            None => woken.await,
        }
        monitor.advance(index);
    }
}

/// How many runs there may be at once.
#[derive(Debug)]
struct Limits {
    async_runs: Semaphore,
    threads: Semaphore,
}

impl Limits {
    fn new() -> Self {
        Limits {
            async_runs: Semaphore::new(ASYNC_RUNS),
            threads: Semaphore::new(THREADS),
        }
    }

    /// `None` once health has stopped.
    async fn admit(&self, runner: &Runner) -> Option<SemaphorePermit<'_>> {
        let semaphore = if runner.needs_thread() {
            &self.threads
        } else {
            &self.async_runs
        };
        semaphore.acquire().await.ok()
    }
}

/// The task of one check.
struct Supervisor {
    index: usize,
    runner: Runner,
    monitor: Arc<Monitor>,
    limits: Arc<Limits>,
}

impl Drop for Supervisor {
    /// However it ends: with health, with its runtime, or because it is done.
    fn drop(&mut self) {
        self.monitor.end(self.index);
    }
}

impl Supervisor {
    /// Runs the check until its time is over.
    async fn supervise(self) {
        let Supervisor { index, monitor, .. } = &self;
        let plan = monitor.plan(*index);
        if !plan.initial_delay.is_zero() {
            sleep(plan.initial_delay).await;
        }
        // A check on demand is never due, only asked for.
        let mut due = (!plan.on_demand).then(Instant::now);
        let mut is_due = !plan.on_demand;
        while !monitor.is_retired(*index) {
            match monitor.turn(*index, is_due) {
                Turn::Go => self.run_once().await,
                Turn::Rest | Turn::Skip => {}
                Turn::Hold => {
                    monitor.woken(*index).await;
                    continue;
                }
            }
            if is_due {
                due = due.map(|last| next_due(last, plan.interval, Instant::now()));
            }
            is_due = self.rest_until(due).await;
        }
    }

    /// Whether the check is due, and not just woken.
    async fn rest_until(&self, due: Option<Instant>) -> bool {
        let woken = self.monitor.woken(self.index);
        if let Some(due) = due {
            return timeout_at(due, woken).await.is_err();
        }
        woken.await;
        false
    }

    async fn run_once(&self) {
        let Supervisor {
            index,
            runner,
            monitor,
            limits,
        } = self;
        let Some(admitted) = limits.admit(runner).await else {
            return;
        };
        let timeout = monitor.plan(*index).timeout;
        let deadline = monitor.begin(*index) + timeout;
        let limit = deadline + LEAST_PATIENCE.max(timeout * 4);
        let ends_itself = runner.needs_thread();
        let mut run = pin!(runner.run(limit));
        if let Ok(outcome) = timeout_at(deadline, &mut run).await {
            monitor.finish(*index, outcome);
            return;
        }
        monitor.advance(*index);
        drop(admitted);
        // Late or given up: it has been counted as timed out, and until it is
        // over no second run starts.
        if ends_itself {
            let _ = run.await;
        } else {
            let _ = timeout_at(limit, run).await;
        }
        monitor.land(*index);
    }
}

/// One interval after the last due time and not after the last run, so that the
/// runs do not drift; at once, and once only, if the time has been missed.
fn next_due(last: Instant, interval: Duration, now: Instant) -> Instant {
    let period = interval.mul_f64(1.0 + JITTER * (2.0 * fastrand::f64() - 1.0));
    (last + period).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_the_interval_within_a_tenth() {
        let start = Instant::now();
        let interval = Duration::from_secs(10);
        for _ in 0..1_000 {
            let period = next_due(start, interval, start) - start;
            assert!(period >= Duration::from_secs(9), "{period:?}");
            assert!(period <= Duration::from_secs(11), "{period:?}");
        }
    }

    #[test]
    fn missed_periods_are_not_made_up_for() {
        let start = Instant::now();
        let interval = Duration::from_secs(10);
        let an_hour_later = start + Duration::from_secs(3_600);
        let due = next_due(start, interval, an_hour_later);
        assert_eq!(due, an_hour_later);
        assert!(next_due(due, interval, an_hour_later) > an_hour_later);
    }
}
