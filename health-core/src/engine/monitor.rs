//! Shares the [`Board`] of a service between runs and readers.
//!
//! A change holds the lock for a few instructions, never across code of the
//! application, an await, rendering or logging. Tasks that wait for a change
//! are woken after the lock has been released. The status of the probes is
//! mirrored in atomics, so it is read with two loads. Only a reader that comes
//! after the next deadline takes the lock, to apply the deadline.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
#[cfg(feature = "watch")]
use tokio::sync::watch;
use tokio::time::Instant;

use crate::check::function::ResultSource;
use crate::check::options::Plan;
use crate::check::outcome::{Outcome, Status};
use crate::check::probe::Probe;
use crate::check::source::{Source, Subscriber};
use crate::engine::board::{Board, Decision, Declared, Effects};
use crate::engine::pause::Pauses;
use crate::engine::status_cache::{CLOSED, DRAINING, STARTED, StatusCache};
use crate::registry::Check;
use crate::telemetry::event::Events;
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::push::Reader;
use crate::telemetry::log::line::Line;
use crate::telemetry::outlet::Outlet;
use crate::telemetry::sample::{CheckSample, Sample};
use crate::time::clock::{Clock, Moment};
use crate::verdict::Verdict;
#[cfg(feature = "status-page")]
use crate::verdict::changes::Changes;
use crate::verdict::check_state::CheckState;
#[cfg(feature = "status-page")]
use crate::verdict::day::Day;
use crate::verdict::history::Retention;
use crate::verdict::late::LateEnd;
use crate::verdict::snapshot::{CheckReport, Snapshot, Stage};

/// The state of one service.
#[derive(Debug)]
pub(crate) struct Monitor {
    pub(super) declared: Arc<[Declared]>,
    /// The checks that run on demand.
    pub(super) on_demand: Box<[usize]>,
    board: Mutex<Board>,
    status_cache: StatusCache,
    pub(super) waiting: Box<[Waiting]>,
    /// The sources of reported checks, some of which count reports themselves.
    counting: Box<[Arc<dyn Source>]>,
    outlet: Arc<Outlet>,
    /// Notifies the watches of statuses of a change; true once health has stopped.
    #[cfg(feature = "watch")]
    turned: watch::Sender<bool>,
    pauses: Pauses,
    started: Instant,
    /// The start by the wall clock.
    started_at: SystemTime,
}

/// The tasks that wait for a change of one check.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Wakes the check's task to decide what to do.
    pub(super) wake: Notify,
    /// Wakes the tasks that requested a run.
    pub(super) settled: Notify,
    /// The check's task has ended, or it never runs, so no run will come.
    ended: AtomicBool,
}

impl Monitor {
    /// `checks` must be sorted by name.
    pub(crate) fn new(checks: &[Check], outlet: Outlet, retention: Retention) -> Self {
        let mut dependents = vec![Vec::new(); checks.len()];
        for (index, check) in checks.iter().enumerate() {
            for &first in &check.after {
                dependents[first].push(index);
            }
        }
        let declared: Arc<[Declared]> = checks
            .iter()
            .zip(dependents)
            .map(|(check, dependents)| Declared {
                name: Arc::clone(&check.name),
                plan: Arc::clone(&check.plan),
                after: check.after.clone(),
                dependents: dependents.into(),
            })
            .collect();
        let on_demand = (0..checks.len()).filter(|&index| checks[index].plan.on_demand);
        let waiting = checks.iter().map(|check| Waiting {
            ended: AtomicBool::new(matches!(check.source, ResultSource::Reports(_))),
            ..Waiting::default()
        });
        let (started, outlet) = (Instant::now(), Arc::new(outlet));
        let kept = retention.results;
        let board = Board::new(
            Arc::clone(&declared),
            checks.iter().map(|check| state(check, kept)).collect(),
            Clock::start(started),
            Arc::clone(&outlet),
        );
        #[cfg(feature = "status-page")]
        let board = if retention.day {
            board.with_day()
        } else {
            board
        };
        Monitor {
            on_demand: on_demand.collect(),
            waiting: waiting.collect(),
            counting: checks.iter().filter_map(source).collect(),
            status_cache: StatusCache::of(&board),
            board: Mutex::new(board),
            #[cfg(feature = "watch")]
            turned: watch::Sender::new(false),
            pauses: Pauses::default(),
            started_at: SystemTime::now(),
            started,
            declared,
            outlet,
        }
    }

    pub(crate) fn plan(&self, index: usize) -> &Plan {
        &self.declared[index].plan
    }

    /// Returns whether a check has the tag.
    #[cfg(any(feature = "status-page", feature = "watch"))]
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.declared.iter().any(|check| check.plan.has_tag(tag))
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        &self.declared[index].name
    }

    pub(crate) fn len(&self) -> usize {
        self.declared.len()
    }

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.declared
            .binary_search_by(|check| (*check.name).cmp(name))
            .ok()
    }

    pub(crate) fn outlet(&self) -> &Arc<Outlet> {
        &self.outlet
    }

    pub(crate) fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    // Locking.

    /// Applies elapsed deadlines, then `change`, then wakes the waiting tasks.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut Board, Moment) -> T) -> T {
        self.update_at(|board, now, _| change(board, now))
    }

    /// Like [`update`](Self::update), and also passes the current instant.
    fn update_at<T>(&self, change: impl FnOnce(&mut Board, Moment, Instant) -> T) -> T {
        let mut board = self.lock();
        let instant = Instant::now();
        let now = self.pass_time(&mut board, instant);
        let result = change(&mut board, now, instant);
        self.unlock(board);
        result
    }

    /// Shows the changes to readers, then wakes the waiting tasks.
    fn unlock(&self, mut board: MutexGuard<'_, Board>) {
        let has_turned = self.status_cache.show(&board);
        let effects = board.take_effects();
        drop(board);
        if has_turned {
            self.wake_watches();
        }
        if let Some(effects) = effects {
            self.apply(&effects);
        }
    }

    /// Held for a few instructions, never across user code, rendering or an
    /// await.
    pub(super) fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_time(&self, board: &mut Board, instant: Instant) -> Moment {
        let mut now = board.moment(instant);
        if board.next_deadline() <= now {
            // A pause of the process only matters if a deadline has passed.
            if let Some(lasted) = self.pauses.end() {
                board.pause(instant, lasted);
                now = board.moment(instant);
            }
        }
        board.pass_time(now);
        now
    }

    fn apply(&self, effects: &Effects) {
        for changed in effects.changed() {
            if changed.answered {
                self.waiting[changed.check].settled.notify_waiters();
            }
            if changed.turned {
                for &dependent in &self.declared[changed.check].dependents {
                    self.waiting[dependent].wake.notify_one();
                }
            }
        }
        if effects.latched {
            let done = self.declared.iter().zip(&self.waiting);
            for (_, waiting) in done.filter(|(check, _)| check.is_for_startup_only()) {
                waiting.wake.notify_one();
                waiting.settled.notify_waiters();
            }
        }
        self.outlet.wake_subscribers();
    }

    #[cfg(feature = "watch")]
    fn wake_watches(&self) {
        if self.turned.receiver_count() > 0 {
            self.turned.send_modify(|_| ());
        }
    }

    #[cfg(not(feature = "watch"))]
    #[expect(clippy::unused_self, reason = "there are no watches")]
    fn wake_watches(&self) {}

    /// Applies elapsed deadlines, if there are any.
    fn catch_up(&self) {
        if self.status_cache.is_outdated(self.started) {
            self.update(|_, _| ());
        }
    }

    /// Excludes a pause of the process that may have ended now.
    pub(crate) fn end_pause(&self) {
        let mut board = self.lock();
        if let Some(lasted) = self.pauses.end() {
            board.pause(Instant::now(), lasted);
            self.status_cache.show(&board);
        }
    }

    // Decisions of a check's task.

    /// Returns whether the check has served its purpose.
    pub(crate) fn is_retired(&self, index: usize) -> bool {
        self.has_started() && self.declared[index].is_for_startup_only()
    }

    /// Returns whether no further result will come.
    pub(super) fn is_over(&self, index: usize) -> bool {
        self.is_retired(index) || self.waiting[index].ended.load(Ordering::Acquire)
    }

    /// Records that the check's task has ended.
    pub(crate) fn end(&self, index: usize) {
        let waiting = &self.waiting[index];
        waiting.ended.store(true, Ordering::Release);
        waiting.settled.notify_waiters();
    }

    /// Waits until there is something to decide about the check.
    pub(crate) async fn woken(&self, index: usize) {
        self.waiting[index].wake.notified().await;
    }

    /// Decides what a check does that is due or was woken.
    pub(crate) fn turn(&self, index: usize, is_due: bool) -> Decision {
        if self.declared[index].after.is_empty() {
            // Without prerequisites no deadline matters.
            return self.lock().turn_alone(index, is_due);
        }
        self.update(|board, now| board.turn(index, is_due, now))
    }

    /// Returns the next deadline of the check.
    pub(crate) fn due(&self, index: usize) -> Option<Instant> {
        let board = self.lock();
        board.instant(board.state(index).due()?)
    }

    /// Records that a run begins. Returns its deadline, or `None` if runs no
    /// longer count because startup has passed in the meantime.
    pub(crate) fn begin(&self, index: usize) -> Option<Instant> {
        self.update_at(|board, now, instant| {
            let has_begun = board.begin(index, now);
            has_begun.then(|| instant + self.plan(index).timeout)
        })
    }

    /// Records the result of a run. Returns the current time.
    pub(crate) fn finish(&self, index: usize, outcome: Outcome) -> Instant {
        self.update_at(|board, now, instant| {
            board.change(index, now, |state, _| state.finish(now, outcome));
            instant
        })
    }

    /// Returns the deadline of the current run, or `None` once it has passed.
    pub(crate) fn deadline(&self, index: usize) -> Option<Instant> {
        self.update(|board, _| {
            let is_due_later = board.state(index).deadline().is_some();
            is_due_later.then(|| self.deadline_in(board, index))
        })
    }

    fn deadline_in(&self, board: &Board, index: usize) -> Instant {
        let deadline = board.state(index).deadline();
        let instant = deadline.and_then(|deadline| board.instant(deadline));
        instant.unwrap_or_else(|| Instant::now() + self.plan(index).timeout)
    }

    /// Records the end of a run that has already been counted as timed out.
    pub(crate) fn land(&self, index: usize, end: LateEnd) {
        self.update(|board, now| board.land(index, now, end));
    }

    /// Applies elapsed deadlines.
    pub(crate) fn advance(&self) {
        self.update(|_, _| ());
    }

    // Lifecycle.

    /// Begins the drain.
    pub(crate) fn start_drain(&self) {
        self.update(Board::start_drain);
    }

    /// Makes readiness fail permanently.
    pub(crate) fn close(&self) {
        self.update(|board, _| board.close());
    }

    /// Health has stopped: ignores all further results and deadlines.
    pub(crate) fn freeze(&self) {
        self.update(|board, _| board.freeze());
    }

    /// Ends every watch, once health has stopped.
    #[cfg(feature = "watch")]
    pub(crate) fn end_watches(&self) {
        self.turned.send_replace(true);
    }

    #[cfg(feature = "watch")]
    pub(crate) fn watch_turns(&self) -> watch::Receiver<bool> {
        self.turned.subscribe()
    }

    /// Whether readiness lets traffic through as far as startup and the drain go.
    #[cfg(feature = "watch")]
    pub(crate) fn takes_traffic(&self) -> bool {
        self.status_cache.has(STARTED) && !self.status_cache.has(CLOSED)
    }

    /// Returns whether startup has passed.
    pub(crate) fn has_started(&self) -> bool {
        self.status_cache.has(STARTED)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.status_cache.has(DRAINING)
    }

    /// Whether readiness fails for good.
    pub(crate) fn is_closed(&self) -> bool {
        self.status_cache.has(CLOSED)
    }

    // Readings.

    /// Returns the current status of one probe.
    pub(crate) fn status(&self, probe: Probe) -> Status {
        self.catch_up();
        self.status_cache.status(probe)
    }

    /// Returns the status of all probes at one moment.
    pub(crate) fn statuses(&self) -> [Status; Probe::ALL.len()] {
        self.catch_up();
        let flags = self.status_cache.flags.load(Ordering::Acquire);
        Probe::ALL.map(|probe| StatusCache::status_in(flags, probe))
    }

    /// Returns the current verdict of one check.
    pub(crate) fn verdict(&self, index: usize) -> Verdict {
        self.update(|board, _| board.state(index).verdict())
    }

    /// Returns the verdicts of these checks at one moment.
    pub(crate) fn verdicts(&self, checks: impl Iterator<Item = usize>) -> Vec<(usize, Verdict)> {
        self.update(|board, _| {
            checks
                .map(|check| (check, board.state(check).verdict()))
                .collect()
        })
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn subscribe(&self) -> Events {
        self.outlet.subscribe()
    }

    /// Returns a number that increases whenever a [`Snapshot`] would differ.
    pub(crate) fn generation(&self) -> u64 {
        self.catch_up();
        let reports = self.counting.iter().filter_map(|source| source.reports());
        let reports: u64 = reports.map(|reports| reports.count).sum();
        self.status_cache.generation.load(Ordering::Acquire) + reports
    }

    /// Returns a snapshot with the history of each check.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshot_without(&[])
    }

    /// Like [`snapshot`](Self::snapshot), without counting these checks, which
    /// are sorted, for the probes.
    pub(crate) fn snapshot_without(&self, excluded: &[usize]) -> Snapshot {
        self.snapshot_of(Board::report, excluded)
    }

    /// Like [`snapshot_without`](Self::snapshot_without), without histories.
    pub(crate) fn glance_without(&self, excluded: &[usize]) -> Snapshot {
        self.snapshot_of(Board::glance, excluded)
    }

    fn snapshot_of(
        &self,
        report: fn(&Board, usize, Moment) -> CheckReport,
        excluded: &[usize],
    ) -> Snapshot {
        let (status, checks, stage) = self.update(|board, now| {
            let checks = (0..self.len()).map(|index| report(board, index, now));
            let lifecycle = board.lifecycle();
            let stage = Stage {
                started: lifecycle.started,
                draining: lifecycle.draining.is_some(),
                closed: lifecycle.closed,
            };
            (board.status_without(excluded), checks.collect(), stage)
        });
        Snapshot::new(status, checks, stage)
    }

    pub(crate) fn report(&self, index: usize) -> CheckReport {
        self.update(|board, now| board.report(index, now))
    }

    /// Returns the last day of these checks, as far as it is kept.
    #[cfg(feature = "status-page")]
    pub(crate) fn days(&self, checks: &[usize]) -> Vec<Option<Day>> {
        self.update(|board, now| {
            let days = checks.iter().map(|&check| board.day(check, now));
            days.collect()
        })
    }

    /// Returns the last changes of verdicts, as far as they are kept.
    #[cfg(feature = "status-page")]
    pub(crate) fn changes(&self) -> Changes {
        self.update(|board, _| board.changes().cloned().unwrap_or_default())
    }

    /// Returns the current values for metrics.
    pub(crate) fn sample(&self) -> Sample<'static> {
        self.sample_of(0..self.len())
    }

    /// Like [`sample`](Self::sample), for one check, or for none.
    pub(crate) fn sample_of_check(&self, index: Option<usize>) -> Sample<'static> {
        self.sample_of(index)
    }

    fn sample_of(&self, checks: impl IntoIterator<Item = usize>) -> Sample<'static> {
        self.update(|board, now| {
            let checks = checks.into_iter().map(|index| {
                let Declared { name, plan, .. } = &self.declared[index];
                CheckSample::new(Arc::clone(name), plan, board.state(index), now)
            });
            let draining = board.lifecycle().draining;
            let drain = draining.map(|since| since.since(Moment::START));
            Sample {
                version: None,
                started_at: self.started_at,
                drain_started_at: drain.map(|after| self.started_at + after),
                status: Probe::ALL.map(|probe| board.status(probe)),
                checks: checks.collect(),
            }
        })
    }
}

/// What `crate::testing` overrides.
#[cfg(feature = "testing")]
impl Monitor {
    /// Simulates a pause of the process that ends now.
    pub(crate) fn pause_for(&self, lasted: Duration) {
        let mut board = self.lock();
        board.pause(Instant::now(), lasted);
        self.status_cache.show(&board);
    }

    pub(crate) fn force(&self, index: usize, outcome: Outcome) {
        self.update(|board, now| {
            board.change(index, now, |state, _| state.force(now, outcome));
        });
    }

    /// Returns the schedule of a check, for the simulation.
    pub(crate) fn scheduled(&self, index: usize) -> crate::verdict::check_state::Scheduled {
        self.lock().state(index).scheduled()
    }

    pub(crate) fn release(&self, index: usize) {
        self.update(|board, now| {
            board.change(index, now, |state, view| state.release(now, view));
        });
    }
}

impl Subscriber for Monitor {
    fn changed(&self, check: usize) {
        self.update(|board, now| {
            board.change(check, now, |state, view| state.look(now, view));
        });
        self.waiting[check].wake.notify_one();
    }

    fn gate_abandoned(&self, check: usize) {
        self.outlet
            .log(Line::GateAbandoned(self.name(check).into()));
    }
}

#[cfg(feature = "webhook")]
impl Reader for Monitor {
    fn status(&self, probe: Probe) -> Status {
        Monitor::status(self, probe)
    }

    fn is_draining(&self) -> bool {
        Monitor::is_draining(self)
    }

    fn request_outdated(&self) -> bool {
        !self.request_outdated(|_| true).is_empty()
    }
}

fn source(check: &Check) -> Option<Arc<dyn Source>> {
    match &check.source {
        ResultSource::Runs(_) => None,
        ResultSource::Reports(source) => Some(Arc::clone(source)),
    }
}

fn state(check: &Check, kept: usize) -> CheckState {
    match &check.source {
        ResultSource::Runs(_) => CheckState::new(&check.plan, kept, Moment::START),
        ResultSource::Reports(source) => {
            CheckState::reported(&check.plan, kept, Arc::clone(source), Moment::START)
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Handle;

    use super::*;

    #[tokio::test]
    async fn a_drain_without_failing_readiness_is_a_visible_change() {
        let outlet = Outlet::start(Vec::new(), 0, &Handle::current()).expect("threads");
        let monitor = Monitor::new(&[], outlet, Retention::default());
        let before = monitor.generation();
        monitor.start_drain();
        assert!(monitor.is_draining(), "without the lock");
        assert!(monitor.snapshot().is_draining());
        let begun = monitor.generation();
        assert!(begun > before, "what was rendered is outdated");
        monitor.start_drain();
        assert_eq!(monitor.generation(), begun, "a drain begins once");
        assert_eq!(monitor.status(Probe::Readiness), Status::Pass);
    }
}
