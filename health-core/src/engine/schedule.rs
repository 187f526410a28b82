//! The schedule of the checks: one task per check, as long as health exists.
//!
//! The task starts the runs one after the other, so there is never more than
//! one. It polls the run itself, so a disconnected client cannot cancel it, and
//! a run needs no further task. If a check blocks the thread, its task cannot
//! notice the deadline; the readers do ([`Monitor`]).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::check::function::ResultSource;
use crate::check::source::{Source, Subscriber};
use crate::engine::admission::{Admission, FirstRun};
use crate::engine::board::Decision;
use crate::engine::monitor::Monitor;
use crate::engine::pause_detector::PauseDetector;
use crate::engine::run::{RunConfig, Runner};
use crate::engine::waker::WorkerWaker;
use crate::engine::watchdog::{self, Watch, Watchdog};
use crate::race::unless;
use crate::registry::Check;
use crate::spawn;
use crate::telemetry::log::line::Line;
use crate::verdict::late::LateEnd;
use crate::verdict::snapshot::CheckReport;

/// A run that exceeds its timeout is kept for this long, or for four timeouts
/// if that is longer: dropping a query halfway can cost the application's pool
/// a connection.
const MIN_PATIENCE: Duration = Duration::from_secs(30);
/// How long a stop waits for runs that block their thread.
const MAX_STOP: Duration = Duration::from_secs(1);
/// The maximum pause between two reminders that startup has not passed.
const MAX_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The maximum part by which each period is shortened at random, so that
/// replicas and checks do not run in step. A period is never longer than the
/// interval, because `stale_after` may be as short as an interval and a
/// timeout.
const JITTER: f64 = 0.1;

/// The tasks of all checks, which end when it is dropped.
pub(crate) struct Supervisors {
    monitor: Arc<Monitor>,
    tasks: Vec<AbortHandle>,
    watchdog: Option<Watchdog>,
    _pauses: Option<PauseDetector>,
    /// Closed once the last task and the last thread of a run have ended.
    alive: watch::Sender<()>,
}

impl Supervisors {
    pub(crate) fn spawn(
        runtime: &Handle,
        checks: Vec<Check>,
        monitor: &Arc<Monitor>,
        config: RunConfig,
        watch: Option<Watch>,
        startup_patience: Duration,
    ) -> Self {
        let admission = Arc::new(Admission::new(config.limit));
        let ranks = ranks(monitor);
        let (alive, witness) = watch::channel(());
        // The settings may have disabled its check.
        let watch = watch.filter(|_| monitor.index_of(watchdog::NAME).is_some());
        let watchdog = watch.map(|watch| Watchdog::spawn(watch, runtime, witness.clone()));
        let mut polls = Vec::new();
        let (waker, relayed) = WorkerWaker::new(runtime);
        let tasks = checks.into_iter().enumerate().map(|(index, check)| {
            let monitor = Arc::clone(monitor);
            match check.source {
                ResultSource::Runs(check_fn) => {
                    let name = Arc::clone(&check.name);
                    let runner = Runner::new(
                        check.name,
                        check_fn,
                        config,
                        Arc::clone(&monitor),
                        waker.clone(),
                        witness.clone(),
                    );
                    if watchdog.is_some() {
                        polls.push((name, runner.polls()));
                    }
                    let supervisor = Supervisor {
                        index,
                        runner,
                        monitor,
                        admission: Arc::clone(&admission),
                        rank: ranks[index],
                    };
                    spawn::task(runtime, supervisor.supervise())
                }
                ResultSource::Reports(source) => {
                    listen(&monitor, index, &*source);
                    spawn::task(runtime, look_out(monitor, index))
                }
            }
        });
        let mut tasks: Vec<AbortHandle> = tasks.chain(relayed).collect();
        if !monitor.has_started() {
            let reminds = remind_of_startup(Arc::clone(monitor), startup_patience);
            tasks.push(spawn::task(runtime, reminds));
        }
        if let Some(watchdog) = &watchdog {
            watchdog.set_checks(polls);
        }
        Supervisors {
            // Without a thread, pauses are not detected.
            _pauses: PauseDetector::spawn(Arc::downgrade(monitor)).ok(),
            monitor: Arc::clone(monitor),
            tasks,
            watchdog,
            alive,
        }
    }

    /// Adds a runtime to the watchdog, if it is enabled.
    pub(crate) fn watch(&self, runtime: &Handle) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.watch(runtime);
        }
    }

    /// Adds a task that ends together with the checks.
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) fn and(mut self, task: AbortHandle) -> Self {
        self.tasks.push(task);
        self
    }

    /// Ends all runs and waits for them.
    pub(crate) async fn stop(&self) {
        self.abort();
        // A run that blocks its thread cannot be interrupted and is abandoned.
        let _ = timeout(MAX_STOP, self.alive.closed()).await;
    }

    fn abort(&self) {
        // Work that ends together with the service does not fail.
        self.monitor.freeze();
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

/// Subscribes the monitor to a source.
fn listen(monitor: &Arc<Monitor>, index: usize, source: &dyn Source) {
    let subscriber = Arc::downgrade(monitor);
    source.subscribers().add(subscriber, index);
    // Changes before the subscription were not notified.
    monitor.changed(index);
}

/// Returns the position of each check in the order of first runs: critical ones
/// first.
fn ranks(monitor: &Monitor) -> Vec<usize> {
    let is_critical = |index: &usize| !monitor.plan(*index).critical.is_empty();
    let (critical, others): (Vec<usize>, Vec<usize>) = (0..monitor.len()).partition(is_critical);
    let mut ranks = vec![0; monitor.len()];
    for (rank, index) in critical.into_iter().chain(others).enumerate() {
        ranks[index] = rank;
    }
    ranks
}

/// Logs what startup waits for, with increasing pauses.
async fn remind_of_startup(monitor: Arc<Monitor>, patience: Duration) {
    let mut pause = patience;
    loop {
        sleep(pause).await;
        let snapshot = monitor.snapshot();
        if monitor.has_started() || snapshot.is_draining() {
            return;
        }
        let awaited = snapshot.checks().iter().filter(|check| check.is_awaited());
        let names: Vec<&str> = awaited.map(CheckReport::name).collect();
        monitor.outlet().log(Line::StartupWaits {
            since: monitor.uptime(),
            checks: names.join(" "),
        });
        pause = MAX_PAUSE.max(patience).min(pause * 2);
    }
}

/// Applies the deadlines of a reported check. Readers do as well, but without a
/// reader the transition would be logged too late.
async fn look_out(monitor: Arc<Monitor>, index: usize) {
    while !monitor.is_retired(index) {
        let woken = monitor.woken(index);
        match monitor.due(index) {
            // In both cases the state is checked again.
            Some(due) => drop(timeout_at(due, woken).await),
            None => woken.await,
        }
        monitor.advance();
    }
}

/// The task of one check.
struct Supervisor {
    index: usize,
    runner: Runner,
    monitor: Arc<Monitor>,
    admission: Arc<Admission>,
    /// The position in the order of first runs.
    rank: usize,
}

impl Drop for Supervisor {
    /// Runs at any end: with health, with the runtime, or because the task is
    /// done.
    fn drop(&mut self) {
        self.monitor.end(self.index);
    }
}

impl Supervisor {
    /// Runs the check until it has served its purpose.
    async fn supervise(self) {
        let Supervisor { index, monitor, .. } = &self;
        let plan = monitor.plan(*index);
        // A check on demand is never due, only requested.
        let mut due = (!plan.on_demand).then(|| Instant::now() + plan.initial_delay);
        let mut is_first = true;
        // Whether the check was due and waits for a prerequisite.
        let mut is_held = false;
        while !monitor.is_retired(*index) {
            let (is_due, first) = self.rest_until(due, is_first && !is_held).await;
            let is_owed = is_due || is_held;
            if monitor.is_retired(*index) {
                break; // Startup has passed in the meantime.
            }
            let requests = monitor.request_prerequisites(*index, is_owed);
            // A missing first result of a prerequisite also delays the check.
            is_held |= is_owed && !requests.is_empty() && monitor.is_held_up(*index);
            if !requests.is_empty() {
                // Boxed, so that checks without prerequisites reserve no memory
                // for it.
                Box::pin(Arc::clone(monitor).wait_for_results(requests)).await;
            }
            let mut ended = None;
            match monitor.turn(*index, is_owed) {
                Decision::Go => ended = self.run_once(first).await,
                Decision::Rest | Decision::Skip => {}
                Decision::Hold => {
                    is_held = is_owed;
                    if is_owed {
                        due = due.map(|_| Instant::now() + plan.interval);
                    }
                    continue;
                }
            }
            if is_owed {
                // A delayed run begins a new period.
                let now = ended.unwrap_or_else(Instant::now);
                let last = due.map(|due| if is_held { now } else { due });
                due = last.map(|last| next_due(last, plan.interval, now));
                (is_first, is_held) = (false, false);
            }
        }
    }

    /// Returns whether the check is due instead of only woken, and its position
    /// among the first runs if it is one of them.
    async fn rest_until(
        &self,
        due: Option<Instant>,
        is_first: bool,
    ) -> (bool, Option<FirstRun<'_>>) {
        let woken = self.monitor.woken(self.index);
        match due {
            None => {
                woken.await;
                (false, None)
            }
            Some(due) if is_first => {
                // Boxed, since it happens once.
                let turn = Box::pin(async {
                    // Even an elapsed timer yields to the runtime once.
                    if due > Instant::now() {
                        sleep_until(due).await;
                    }
                    self.admission.first_run(self.rank).await
                });
                let first = unless(woken, turn).await;
                (first.is_some(), first)
            }
            Some(due) => {
                let is_over = timeout_at(due, woken).await.is_err();
                // If it was woken at its due time, one run serves both.
                (is_over || Instant::now() >= due, None)
            }
        }
    }

    /// Returns when the run ended, if it was in time; this avoids reading the
    /// clock.
    async fn run_once(&self, first: Option<FirstRun<'_>>) -> Option<Instant> {
        let Supervisor {
            index,
            runner,
            monitor,
            admission,
            ..
        } = self;
        let admitted = admission.admit(runner.needs_thread()).await?;
        let timeout = monitor.plan(*index).timeout;
        let first_deadline = monitor.begin(*index)?;
        let mut deadline = Some(first_deadline);
        let limit = first_deadline + MIN_PATIENCE.max(timeout * 4);
        let ends_itself = runner.needs_thread();
        let mut run = pin!(runner.run(first_deadline, limit));
        // A deadline during a pause of the process is postponed.
        while let Some(at) = deadline {
            if let Ok(outcome) = timeout_at(at, &mut run).await {
                let ended = monitor.finish(*index, outcome);
                if let Some(first) = first {
                    let left = first_deadline.saturating_duration_since(ended);
                    first.took(timeout.saturating_sub(left), timeout);
                }
                return Some(ended);
            }
            deadline = monitor.deadline(*index);
        }
        drop((admitted, first));
        // The run has already been counted as timed out, and no second run
        // starts until it is over.
        let end = if ends_itself {
            LateEnd::from(&run.await)
        } else {
            let ended = timeout_at(limit, run).await;
            ended.map_or(LateEnd::Dropped, |outcome| LateEnd::from(&outcome))
        };
        monitor.land(*index, end);
        None
    }
}

/// Returns the next due time, one interval after the last due time instead of
/// after the last run, so that runs do not drift. If it has been missed, the
/// check is due at once, and only once.
fn next_due(last: Instant, interval: Duration, now: Instant) -> Instant {
    let period = interval.mul_f64(1.0 - JITTER * fastrand::f64());
    (last + period).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_at_most_a_tenth_shorter_than_the_interval() {
        let start = Instant::now();
        let interval = Duration::from_secs(10);
        for _ in 0..1_000 {
            let period = next_due(start, interval, start) - start;
            assert!(period >= Duration::from_secs(9), "{period:?}");
            assert!(period <= interval, "{period:?}");
        }
    }

    #[test]
    fn missed_periods_are_skipped() {
        let start = Instant::now();
        let interval = Duration::from_secs(10);
        let an_hour_later = start + Duration::from_secs(3_600);
        let due = next_due(start, interval, an_hour_later);
        assert_eq!(due, an_hour_later);
        assert!(next_due(due, interval, an_hour_later) > an_hour_later);
    }
}
