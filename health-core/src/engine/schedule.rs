//! When a check runs: one task for each check, for as long as health lives.
//!
//! The task starts the runs one after the other, so there is never more than
//! one, and polls the run itself, so a caller's disconnect cannot touch it and
//! a run costs no task of its own. If a check holds the thread, its own task
//! cannot tell the time; the readers do ([`Monitor`]).

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::check::Feed;
use crate::check::source::{Source, Subscriber};
use crate::engine::admission::{Admission, FirstRun};
use crate::engine::board::Turn;
use crate::engine::monitor::Monitor;
use crate::engine::pause_detector::PauseDetector;
use crate::engine::run::{RunConfig, Runner};
use crate::engine::waker::Relay;
use crate::engine::watchdog::{self, Watch, Watchdog};
use crate::registry::Check;
use crate::telemetry::log::line::Line;
use crate::verdict::snapshot::CheckReport;

/// A run over its timeout is left alone this long, or four times its timeout
/// if that is longer: to drop a query halfway can cost the application's pool
/// a connection for good.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);
/// How long a stop waits for runs that hold their thread.
const LONGEST_STOP: Duration = Duration::from_secs(1);
/// The longest pause between two reminders of a startup that has not passed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Each period is shorter than the interval by at most this part of it, so that
/// replicas and checks drift apart. It is never longer: `stale_after` may be as
/// short as an interval and a timeout.
const JITTER: f64 = 0.1;

/// The tasks of all checks, which end with this.
#[derive(Debug)]
pub(crate) struct Supervisors {
    monitor: Arc<Monitor>,
    tasks: Vec<AbortHandle>,
    watchdog: Option<Watchdog>,
    _pauses: Option<PauseDetector>,
    /// Closed once the last task and the last thread of a run have let go.
    alive: watch::Sender<()>,
}

impl Supervisors {
    pub(crate) fn spawn(
        runtime: &Handle,
        checks: Vec<Check>,
        monitor: &Arc<Monitor>,
        manner: RunConfig,
        watch: Option<Watch>,
        startup_patience: Duration,
    ) -> Self {
        let admission = Arc::new(Admission::new(manner.limit));
        let ranks = ranks(monitor);
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
                    let runner = Runner::new(
                        check.name,
                        work,
                        manner,
                        Arc::clone(&monitor),
                        relay.clone(),
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
            // Without a thread a pause counts like any other time.
            _pauses: PauseDetector::spawn(Arc::downgrade(monitor)).ok(),
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

/// Subscribes the monitor to what is reported.
fn listen(monitor: &Arc<Monitor>, index: usize, source: &dyn Source) {
    let subscriber = Arc::downgrade(monitor);
    source.subscribers().add(subscriber, index);
    // There was no subscriber since the first reading.
    monitor.changed(index);
}

/// The place of each check in the line of first runs: critical ones first.
fn ranks(monitor: &Monitor) -> Vec<usize> {
    let mut line: Vec<usize> = (0..monitor.len()).collect();
    line.sort_by_key(|&index| monitor.plan(index).critical.is_empty());
    let mut ranks = vec![0; line.len()];
    for (rank, index) in line.into_iter().enumerate() {
        ranks[index] = rank;
    }
    ranks
}

/// Logs what startup waits for, less and less often.
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
        pause = LONGEST_PAUSE.max(patience).min(pause * 2);
    }
}

/// Applies what time changes about a check that is reported. Readers do as well,
/// but without a reader it would turn too late in the log.
async fn look_out(monitor: Arc<Monitor>, index: usize) {
    while !monitor.is_retired(index) {
        let woken = monitor.woken(index);
        match monitor.due(index) {
            // Either is a reason to look.
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
    /// Its place in the line of first runs.
    rank: usize,
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
        // A check on demand is never due, only asked for.
        let mut due = (!plan.on_demand).then(|| Instant::now() + plan.initial_delay);
        let mut is_first = true;
        // It was due, and waits for a check that comes first.
        let mut is_held = false;
        while !monitor.is_retired(*index) {
            let (is_due, first) = self.rest_until(due, is_first && !is_held).await;
            let is_owed = is_due || is_held;
            if monitor.is_retired(*index) {
                break; // Startup has passed meanwhile.
            }
            let asked = monitor.ask_prerequisites(*index, is_owed);
            // A first result that is awaited here holds the check back as well.
            is_held |= is_owed && !asked.is_empty() && monitor.is_held_up(*index);
            if !asked.is_empty() {
                // Boxed, so that a check without prerequisites has no room for it.
                Box::pin(Arc::clone(monitor).all_answered(asked)).await;
            }
            let mut ended = None;
            match monitor.turn(*index, is_owed) {
                Turn::Go => ended = self.run_once(first).await,
                Turn::Rest | Turn::Skip => {}
                Turn::Hold => {
                    is_held = is_owed;
                    if is_owed {
                        due = due.map(|_| Instant::now() + plan.interval);
                    }
                    continue;
                }
            }
            if is_owed {
                // A run that was held back begins a new period.
                let now = ended.unwrap_or_else(Instant::now);
                let last = due.map(|due| if is_held { now } else { due });
                due = last.map(|last| next_due(last, plan.interval, now));
                (is_first, is_held) = (false, false);
            }
        }
    }

    /// Returns whether the check is due, and not just woken, and its place among
    /// the first runs if it is one of them.
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
                    // A timer takes a turn of the runtime, even one that is due.
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
                // Woken at its due time it is due as well: one run serves both.
                (is_over || Instant::now() >= due, None)
            }
        }
    }

    /// Returns when the run ended, if it was back in time: this costs no look at
    /// the clock.
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
        let limit = first_deadline + LEAST_PATIENCE.max(timeout * 4);
        let ends_itself = runner.needs_thread();
        let mut run = pin!(runner.run(limit));
        // A deadline that comes while the process is stopped is put off.
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
        // Late or given up: it has been counted as timed out, and until it is
        // over no second run starts.
        if ends_itself {
            let _ = run.await;
        } else {
            let _ = timeout_at(limit, run).await;
        }
        monitor.land(*index);
        None
    }
}

/// The output of `future`, or `None` if `end` comes before it.
pub(crate) async fn unless<T>(
    end: impl Future<Output = ()>,
    future: impl Future<Output = T>,
) -> Option<T> {
    let (mut end, mut future) = (pin!(end), pin!(future));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => end.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// One interval after the last due time and not after the last run, so that the
/// runs do not drift; at once, and once only, if the time has been missed.
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
    fn missed_periods_are_not_made_up_for() {
        let start = Instant::now();
        let interval = Duration::from_secs(10);
        let an_hour_later = start + Duration::from_secs(3_600);
        let due = next_due(start, interval, an_hour_later);
        assert_eq!(due, an_hour_later);
        assert!(next_due(due, interval, an_hour_later) > an_hour_later);
    }
}
