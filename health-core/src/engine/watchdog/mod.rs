//! Detects blocked workers of a runtime, from a separate thread.
//!
//! A worker runs no other task during a poll. If it is the only worker, not even
//! probes are answered. tokio counts how often each worker parked and how long it
//! was busy. A worker updates these metrics when it parks and every 61 polls
//! (`event_interval`). A worker that is not parked and whose metrics do not change
//! is therefore inside of one long poll, or of a few ([`stall`]). [`Polls`] shows
//! which check is being polled.

pub(crate) mod runtime;
pub(crate) mod stall;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::check::options::CheckOptions;
use crate::check::outcome::Outcome;
use crate::check::rules::HumanDuration;
use crate::check::source::{Reading, Reports, Source, Subscribers, View};
use crate::engine::run::{Alive, Polls};
use crate::engine::watchdog::runtime::Runtime;
use crate::engine::watchdog::stall::{
    BlockingPolls, OF_THE_CHECKS, ReportTimer, Stuck, WatchClock,
};
use crate::registry::error::Problem;
use crate::spawn;
use crate::sync::Mutex;
use crate::time::clock::Moment;

/// The check that reports blocked workers.
pub(crate) const NAME: &str = "runtime";

pub(crate) fn options() -> CheckOptions {
    CheckOptions::new()
        .liveness()
        .critical()
        .component("system")
        .description("Every worker of the runtime makes progress.")
}

const MIN_THRESHOLD: Duration = Duration::from_secs(1);
const MAX_THRESHOLD: Duration = Duration::from_secs(60 * 60);
/// The number of samples within the threshold.
const SAMPLES: u32 = 10;
const MAX_PERIOD: Duration = Duration::from_millis(250);

/// Returns the problem of an invalid threshold.
pub(crate) fn bad_threshold(threshold: Duration) -> Option<Problem> {
    let is_legal = (MIN_THRESHOLD..=MAX_THRESHOLD).contains(&threshold);
    (!is_legal).then(|| {
        Problem::setting(
            format!(
                "the runtime cannot be watched for workers that are stuck for {}",
                HumanDuration(threshold)
            ),
            "write 1 s to 1 h; below that a busy worker looks like one that is stuck",
        )
    })
}

/// The threshold, and the check that reports the result.
pub(crate) struct Watch {
    threshold: Duration,
    findings: Arc<Findings>,
}

impl Watch {
    pub(crate) fn new(threshold: Duration) -> Self {
        Watch {
            threshold,
            findings: Arc::default(),
        }
    }

    pub(crate) fn findings(&self) -> Arc<dyn Source> {
        Arc::clone(&self.findings) as _
    }
}

/// The results of the last sample.
#[derive(Debug, Default)]
struct Findings {
    outcome: Mutex<Option<Outcome>>,
    reports: Mutex<Option<Reports>>,
    subscribers: Subscribers,
}

impl Findings {
    fn set(&self, outcome: Outcome) {
        *self.outcome.lock() = Some(outcome);
        self.subscribers.notify();
    }

    /// Counts a sample in which no worker was blocked.
    fn count(&self) {
        let mut reports = self.reports.lock();
        let count = reports.map_or(0, |reports| reports.count);
        *reports = Some(Reports {
            count: count + 1,
            last: tokio::time::Instant::now(),
        });
    }
}

impl Source for Findings {
    fn read(&self, _: Moment, _: Moment, _: &View<'_>) -> Reading {
        Reading {
            outcome: self.outcome.lock().clone(),
            ..Reading::NONE
        }
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    fn reports(&self) -> Option<Reports> {
        *self.reports.lock()
    }
}

/// The handle of the watchdog thread. The thread ends when it is dropped.
pub(crate) struct Watchdog {
    orders: Sender<Order>,
}

enum Order {
    Watch(Runtime),
    /// Sets the checks that may block workers of the first runtime.
    SetChecks(Vec<(Arc<str>, Polls)>),
    End,
}

impl Watchdog {
    /// Starts to watch the runtime of the checks. Must be called before the first
    /// check runs, because that can block the runtime.
    pub(crate) fn spawn(watch: Watch, runtime: &Handle, alive: Alive) -> Self {
        let (orders, received) = mpsc::channel();
        let watchdog = Watchdog { orders };
        watchdog.watch(runtime);
        let findings = Arc::clone(&watch.findings);
        let spawned = spawn::thread("health-watchdog", move || {
            let _alive = alive;
            run(&watch, &received);
        });
        if let Err(error) = spawned {
            let text = error.to_string();
            findings.set(Outcome::not_run("no thread could be started", text));
        }
        watchdog
    }

    /// Adds a runtime.
    pub(crate) fn watch(&self, runtime: &Handle) {
        self.send(Order::Watch(Runtime::new(runtime)));
    }

    /// Sets the checks that run on the first runtime.
    pub(crate) fn set_checks(&self, checks: Vec<(Arc<str>, Polls)>) {
        self.send(Order::SetChecks(checks));
    }

    /// Ends the thread before the handle is dropped.
    pub(crate) fn end(&self) {
        self.send(Order::End);
    }

    fn send(&self, order: Order) {
        // The thread is gone once health has stopped.
        let _ = self.orders.send(order);
    }
}

/// Takes samples until it receives the order to end.
fn run(watch: &Watch, orders: &Receiver<Order>) {
    let period = (watch.threshold / SAMPLES).min(MAX_PERIOD);
    let mut clock = WatchClock::new(2 * period, Instant::now());
    let mut watched = Watched::new(watch.threshold);
    let mut reports = ReportTimer::new(watch.threshold);
    loop {
        match orders.recv_timeout(period) {
            Ok(Order::Watch(runtime)) => watched.add(runtime),
            Ok(Order::SetChecks(checks)) => watched.checks = checks,
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock.tick(Instant::now());
        let stuck = watched.sample(now);
        if stuck.is_empty() {
            watch.findings.count();
        }
        if reports.is_due(now, !stuck.is_empty()) {
            watch.findings.set(watched.outcome(&stuck, now));
        }
    }
}

/// The watched runtimes.
struct Watched {
    threshold: Duration,
    /// In the order in which they were added.
    runtimes: Vec<(usize, Runtime)>,
    /// The number of runtimes that were added, including ended ones.
    added: usize,
    checks: Vec<(Arc<str>, Polls)>,
    polls: BlockingPolls,
}

impl Watched {
    fn new(threshold: Duration) -> Self {
        Watched {
            threshold,
            runtimes: Vec::new(),
            added: 0,
            checks: Vec::new(),
            polls: BlockingPolls::default(),
        }
    }

    fn add(&mut self, runtime: Runtime) {
        self.runtimes.push((self.added, runtime));
        self.added += 1;
    }

    /// Takes a sample and returns the blocked workers.
    fn sample(&mut self, now: Duration) -> Vec<Stuck> {
        self.runtimes.retain(|(_, runtime)| !runtime.is_shut_down());
        for (_, runtime) in &mut self.runtimes {
            runtime.update(now);
        }
        self.update_polls(now);
        self.unchanged_for(self.threshold, now).collect()
    }

    /// Records the polls in progress. There can be thousands of checks, so they are
    /// only read once a worker may be blocked.
    fn update_polls(&mut self, now: Duration) {
        let is_theirs = |stuck: Stuck| stuck.runtime == OF_THE_CHECKS;
        if !self.unchanged_for(self.threshold / 2, now).any(is_theirs) {
            self.polls.clear();
            return;
        }
        let polls = self.checks.iter().enumerate();
        let under_way = polls.filter_map(|(check, (_, polls))| Some((check, polls.under_way()?)));
        self.polls.update(now, &under_way.collect::<Vec<_>>());
    }

    fn unchanged_for(&self, limit: Duration, now: Duration) -> impl Iterator<Item = Stuck> {
        let runtimes = self.runtimes.iter();
        runtimes.flat_map(move |(number, runtime)| runtime.unchanged_for(limit, now, *number))
    }

    fn outcome(&self, stuck: &[Stuck], now: Duration) -> Outcome {
        let blocking = self.polls.blocking_checks(self.threshold / 4, now);
        let names: Vec<&str> = blocking.map(|check| &*self.checks[check].0).collect();
        stall::outcome(stuck, &names)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_watchdog_thread_ends_on_drop_and_on_end() {
        for is_told in [false, true] {
            let (alive, witness) = watch::channel(());
            let watch = Watch::new(MAX_THRESHOLD);
            let watchdog = Watchdog::spawn(watch, &Handle::current(), witness);
            let _kept = if is_told {
                watchdog.end();
                Some(watchdog)
            } else {
                drop(watchdog);
                None
            };
            let ended = timeout(Duration::from_secs(20), alive.closed()).await;
            assert!(ended.is_ok(), "told: {is_told}");
        }
    }
}
