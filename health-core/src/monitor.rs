//! What is held of all checks together, written by their runs and read by
//! everybody else.
//!
//! A run that ends changes its own check and the tallies of its probes, so it
//! costs the same beside ten checks and ten thousand. The status of a probe is
//! two loads. Time needs no writer: a reader who finds the [`Horizon`] passed
//! makes true what the time says, so a starved scheduler cannot keep an old
//! pass alive.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::check::Feed;
use crate::event::{Bus, Event, Events, Turned};
use crate::hook::Hooks;
use crate::horizon::{Horizon, NEVER};
use crate::observe::{self, AnswerTurned, News, Notice};
use crate::options::Plan;
use crate::outcome::{Outcome, Status};
use crate::probe::Probe;
use crate::registry::Check;
use crate::sample::{CheckSample, Sample};
use crate::snapshot::{CheckReport, Seen, Snapshot, Stage};
use crate::source::Listener;
use crate::tally::{Tally, Weight};
use crate::verdict::{Track, Verdict};

/// Everything that is known, shared by the runs and the readers.
#[derive(Debug)]
pub(crate) struct Monitor {
    cells: Box<[Cell]>,
    /// The checks that run when somebody asks.
    on_demand: Box<[usize]>,
    tallies: [Tally; Probe::ALL.len()],
    horizon: Horizon,
    /// Counts visible changes, so that what was rendered can be reused.
    generation: AtomicU64,
    started: Instant,
    /// The same by the wall clock.
    started_at: SystemTime,
    startup_done: AtomicBool,
    draining: OnceLock<Instant>,
    /// Readiness fails for good.
    closed: AtomicBool,
    bus: Bus,
    hooks: Hooks,
    /// What the log last said about each probe.
    told: Mutex<[Status; Probe::ALL.len()]>,
}

/// One check: what was declared of it, and what is held of it.
#[derive(Debug)]
struct Cell {
    name: Arc<str>,
    plan: Plan,
    /// The checks that come first.
    after: Box<[usize]>,
    /// The checks that come after this one.
    dependents: Box<[usize]>,
    track: Mutex<Track>,
    /// Tells the check's task that there is something to decide.
    wake: Notify,
    /// Tells those who asked for a fresh look that there was one.
    settled: Notify,
    /// The check's task is gone, or it never runs, so no run will come.
    ended: AtomicBool,
}

/// That somebody asked for a run, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    index: usize,
    before: u64,
}

/// Whether a check may run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Run.
    Go,
    /// Nothing to do before the next due time.
    Rest,
    /// A check that comes first is failing, so this one was skipped.
    Skip,
    /// A check that comes first has no result yet: wait for it.
    Hold,
}

impl Cell {
    /// Held for a few instructions: never across user code, rendering or an await.
    fn track(&self) -> MutexGuard<'_, Track> {
        self.track.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor {
    /// `checks` are sorted by name; of each, so many results are kept.
    pub(crate) fn new(checks: &[Check], hooks: Hooks, kept: usize) -> Self {
        let mut dependents = vec![Vec::new(); checks.len()];
        for (index, check) in checks.iter().enumerate() {
            for &first in &check.after {
                dependents[first].push(index);
            }
        }
        let cells: Box<[Cell]> = checks
            .iter()
            .zip(dependents)
            .map(|(check, dependents)| Cell {
                name: Arc::clone(&check.name),
                plan: check.plan.clone(),
                after: check.after.clone(),
                dependents: dependents.into(),
                ended: AtomicBool::new(matches!(check.feed, Feed::Reports(_))),
                track: Mutex::new(track(check, kept)),
                wake: Notify::new(),
                settled: Notify::new(),
            })
            .collect();
        let on_demand = (0..cells.len()).filter(|&index| cells[index].plan.on_demand);
        let monitor = Monitor {
            on_demand: on_demand.collect(),
            tallies: Default::default(),
            horizon: Horizon::new(),
            generation: AtomicU64::new(0),
            started: Instant::now(),
            started_at: SystemTime::now(),
            startup_done: AtomicBool::new(false),
            draining: OnceLock::new(),
            closed: AtomicBool::new(false),
            bus: Bus::default(),
            hooks,
            told: Mutex::new([Status::Pass; Probe::ALL.len()]),
            cells,
        };
        for cell in &monitor.cells {
            monitor.move_tallies(&cell.plan, None, Seen::of(&cell.track()));
        }
        monitor.latch_startup();
        // How it begins is no news.
        *monitor.told() = Probe::ALL.map(|probe| monitor.held(probe));
        monitor
    }

    pub(crate) fn plan(&self, index: usize) -> &Plan {
        &self.cells[index].plan
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        &self.cells[index].name
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.cells
            .binary_search_by(|cell| (*cell.name).cmp(name))
            .ok()
    }

    /// Whether the check has done all that it was for.
    pub(crate) fn is_retired(&self, index: usize) -> bool {
        self.has_started() && is_for_startup_only(self.plan(index))
    }

    /// Whether no further result will come.
    fn is_over(&self, index: usize) -> bool {
        self.is_retired(index) || self.cells[index].ended.load(Ordering::Acquire)
    }

    /// The check's task is gone, with its runtime or for good.
    pub(crate) fn end(&self, index: usize) {
        let cell = &self.cells[index];
        cell.ended.store(true, Ordering::Release);
        cell.settled.notify_waiters();
    }

    /// The next moment at which the passing of time changes something.
    pub(crate) fn due(&self, index: usize) -> Option<Instant> {
        self.cells[index].track().due()
    }

    /// Whether startup has passed.
    pub(crate) fn has_started(&self) -> bool {
        self.startup_done.load(Ordering::Acquire)
    }

    /// Waits until there is something to decide about the check.
    pub(crate) async fn woken(&self, index: usize) {
        self.cells[index].wake.notified().await;
    }

    /// Decides what the check does now that it is due, or has been woken.
    pub(crate) fn turn(&self, index: usize, is_due: bool) -> Turn {
        let cell = &self.cells[index];
        if !cell.after.is_empty() {
            // What comes first may hold the thread that would see its deadline.
            self.catch_up();
        }
        match self.obstacle(cell) {
            Obstacle::Failing(cause) => {
                self.change(index, |track| track.skip(cause));
                Turn::Skip
            }
            Obstacle::NoResult => Turn::Hold,
            Obstacle::None if cell.track().decide(is_due) => Turn::Go,
            Obstacle::None => Turn::Rest,
        }
    }

    /// What stands in the way of a run; of two failing checks, the first named.
    fn obstacle(&self, cell: &Cell) -> Obstacle {
        let mut obstacle = Obstacle::None;
        for &index in &cell.after {
            let first = &self.cells[index];
            let track = first.track();
            match track.verdict() {
                Verdict::Pass | Verdict::Warn => {}
                Verdict::Fail => return Obstacle::Failing(Arc::clone(&first.name)),
                Verdict::Skipped => {
                    let root = track.skipped_for().unwrap_or(&first.name);
                    return Obstacle::Failing(Arc::clone(root));
                }
                Verdict::Unknown => obstacle = Obstacle::NoResult,
            }
        }
        obstacle
    }

    /// Asks for a run out of turn, or joins the one that is under way. `None` if
    /// an overdue run keeps another from starting, or none will ever start.
    pub(crate) fn ask(&self, index: usize) -> Option<Asked> {
        if self.is_over(index) {
            return None;
        }
        let cell = &self.cells[index];
        let track = cell.track();
        Monitor::ask_for(cell, index, track)
    }

    /// As [`ask`](Self::ask), for a check on demand, unless its last result is
    /// recent enough for an answer now.
    pub(crate) fn ask_if_outdated(&self, index: usize) -> Option<Asked> {
        let cell = &self.cells[index];
        let track = cell.track();
        let age = track.age(Instant::now());
        let is_recent = age.is_some_and(|age| age < cell.plan.interval);
        if is_recent || self.is_over(index) {
            return None;
        }
        Monitor::ask_for(cell, index, track)
    }

    fn ask_for(cell: &Cell, index: usize, mut track: MutexGuard<'_, Track>) -> Option<Asked> {
        if track.overdue_since().is_some() {
            return None;
        }
        let before = track.answers();
        if track.ask() {
            cell.wake.notify_one();
        }
        Some(Asked { index, before })
    }

    /// Waits for what comes of it: a result, a timeout, or that it is skipped.
    pub(crate) async fn answered(&self, Asked { index, before }: Asked) {
        let cell = &self.cells[index];
        loop {
            let settled = cell.settled.notified();
            // The run may hold the very thread that would see its deadline, so
            // who waits for it looks at the clock, as every reader does.
            self.catch_up();
            let due = {
                let track = cell.track();
                if track.answers() != before {
                    return;
                }
                track.due()
            };
            if self.is_over(index) {
                return;
            }
            self.ask_what_comes_first(index);
            // A run that has not begun yet has no deadline before this.
            let at_least = Instant::now() + cell.plan.timeout;
            let look_again = due.map_or(at_least, |due| due.min(at_least));
            // Either is a reason to look again.
            let _ = timeout_at(look_again, settled).await;
        }
    }

    /// Asks for the checks on demand whose missing results hold this one up:
    /// nobody else may.
    fn ask_what_comes_first(&self, index: usize) {
        if self.cells[index].after.is_empty() {
            return;
        }
        let mut held_up = vec![index];
        let mut next = 0;
        while let Some(&index) = held_up.get(next) {
            next += 1;
            for &first in &self.cells[index].after {
                let is_missing = self.cells[first].track().verdict() == Verdict::Unknown;
                if is_missing && !held_up.contains(&first) {
                    held_up.push(first);
                }
            }
        }
        for &first in &held_up[1..] {
            if self.cells[first].plan.on_demand {
                self.ask(first);
            }
        }
    }

    /// The checks that run when somebody asks.
    pub(crate) fn on_demand(&self) -> &[usize] {
        &self.on_demand
    }

    // Written by the runs.

    /// Returns the moment from which the timeout counts.
    pub(crate) fn begin(&self, index: usize) -> Instant {
        let now = Instant::now();
        self.change(index, |track| track.begin(now));
        now
    }

    pub(crate) fn finish(&self, index: usize, outcome: Outcome) {
        let now = Instant::now();
        self.change(index, |track| track.finish(now, outcome));
    }

    pub(crate) fn advance(&self, index: usize) {
        let now = Instant::now();
        self.change(index, |track| track.advance(now));
    }

    /// A run that has been counted as timed out is over.
    pub(crate) fn land(&self, index: usize) {
        let now = Instant::now();
        self.change(index, |track| track.land(now));
    }

    /// A test speaks in place of the check, until it is released.
    pub(crate) fn force(&self, index: usize, outcome: Outcome) {
        let now = Instant::now();
        self.change(index, |track| track.force(now, outcome));
    }

    pub(crate) fn release(&self, index: usize) {
        let now = Instant::now();
        self.change(index, |track| track.release(now));
    }

    /// What is reported from outside is no longer taken up.
    pub(crate) fn stop_listening(&self) {
        for cell in &self.cells {
            let mut track = cell.track();
            if track.is_reported() {
                track.retire();
            }
        }
    }

    /// The service is on its way out.
    pub(crate) fn start_drain(&self) {
        if self.draining.set(Instant::now()).is_ok() {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Readiness fails from now on, and nothing takes that back.
    pub(crate) fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.generation.fetch_add(1, Ordering::AcqRel);
            self.tell_answers();
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get().is_some()
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Track)) {
        let due = self.change_track(index, change);
        self.horizon.lower(self.millis(due));
        if self.latch_startup() {
            self.tell_answers();
        }
    }

    fn change_track(&self, index: usize, change: impl FnOnce(&mut Track)) -> Option<Instant> {
        let cell = &self.cells[index];
        let mut track = cell.track();
        let before = Seen::of(&track);
        change(&mut track);
        let after = Seen::of(&track);
        if before != after {
            self.move_tallies(&cell.plan, Some(before), after);
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        let has_turned = before.verdict != after.verdict;
        let news = if has_turned {
            let (held, incident) = track.turned(Instant::now());
            let from = before.verdict;
            Some(News::Turned {
                from,
                held,
                incident,
            })
        } else {
            track.reminder().map(News::Lasts)
        };
        let is_answered = before.answers != after.answers;
        self.publish(cell, is_answered, news, &track);
        let due = track.due();
        let notice = news.map(|news| Notice::new(&cell.name, &cell.plan, &track, news));
        drop(track);
        if is_answered {
            cell.settled.notify_waiters();
        }
        if has_turned {
            for &dependent in &cell.dependents {
                self.cells[dependent].wake.notify_one();
            }
        }
        if let Some(notice) = notice {
            observe::notice(&notice);
        }
        if has_turned {
            self.hooks.tell_who_is_behind();
            self.tell_answers();
        }
        due
    }

    /// Tells the log which probes answer otherwise than it last said, and
    /// which checks did it.
    fn tell_answers(&self) {
        for probe in Probe::ALL {
            let (from, to) = {
                let mut told = self.told();
                let now = self.held(probe);
                (std::mem::replace(&mut told[probe as usize], now), now)
            };
            if from != to {
                let draining = probe == Probe::Readiness && self.is_closed();
                observe::answer_turned(&AnswerTurned {
                    probe,
                    from,
                    to,
                    checks: self.weighing(probe, to),
                    draining,
                });
            }
        }
    }

    /// Held to compare and to store, never while the log is written.
    fn told(&self) -> MutexGuard<'_, [Status; Probe::ALL.len()]> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checks that make a probe answer so; none makes it pass.
    fn weighing(&self, probe: Probe, status: Status) -> Vec<Arc<str>> {
        let weighs = |cell: &&Cell| {
            let weight = Seen::of(&cell.track()).weight(&cell.plan, probe);
            status != Status::Pass && weight.status() == status
        };
        let weighing = self.cells.iter().filter(weighs);
        weighing.map(|cell| Arc::clone(&cell.name)).collect()
    }

    /// Under the lock of the track, so that the events of a check come in the
    /// order in which things happened; sending waits for nobody.
    fn publish(&self, cell: &Cell, is_answered: bool, news: Option<News>, track: &Track) {
        let is_heard = self.bus.is_heard();
        if is_heard && is_answered {
            self.bus.publish(Event::Ran(report(cell, track)));
        }
        let Some(News::Turned {
            from,
            held,
            incident,
        }) = news
        else {
            return;
        };
        if is_heard || !self.hooks.is_empty() {
            let turned = Turned {
                from,
                held,
                at: SystemTime::now(),
                incident,
                report: report(cell, track),
            };
            self.hooks.publish(&turned);
            self.bus.publish(Event::Turned(turned));
        }
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub(crate) fn subscribe(&self) -> Events {
        self.bus.subscribe()
    }

    fn move_tallies(&self, plan: &Plan, before: Option<Seen>, after: Seen) {
        for probe in plan.probes.iter() {
            let from = before.map_or(Weight::default(), |seen| seen.weight(plan, probe));
            self.tallies[probe as usize].shift(from, after.weight(plan, probe));
        }
    }

    /// Startup has passed for good once all of its checks pass at one moment.
    /// Returns whether it does so now.
    fn latch_startup(&self) -> bool {
        if self.has_started()
            || self.tallies[Probe::Startup as usize].status() == Status::Fail
            || self.startup_done.swap(true, Ordering::AcqRel)
        {
            return false;
        }
        for cell in &self.cells {
            if is_for_startup_only(&cell.plan) {
                cell.track().retire();
                // Its task ends, and nobody waits for a result of it any more.
                cell.wake.notify_one();
                cell.settled.notify_waiters();
            }
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        let has_startup = |cell: &Cell| cell.plan.probes.contains(Probe::Startup);
        if self.cells.iter().any(has_startup) {
            observe::startup_done(self.started.elapsed());
        }
        true
    }

    // Read by everybody.

    /// The answer to one probe, now.
    pub(crate) fn status(&self, probe: Probe) -> Status {
        self.catch_up();
        self.held(probe)
    }

    /// The answer to one probe, as far as anybody has looked at the time.
    fn held(&self, probe: Probe) -> Status {
        let held = self.tallies[probe as usize].status();
        self.through_lifecycle(probe, held)
    }

    /// The verdict on one check, now.
    pub(crate) fn verdict(&self, index: usize) -> Verdict {
        self.catch_up();
        self.cells[index].track().verdict()
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Changes whenever a [`Snapshot`] would.
    pub(crate) fn generation(&self) -> u64 {
        self.catch_up();
        self.generation.load(Ordering::Acquire)
    }

    /// With the history of each check.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.snapshot_without(&[])
    }

    /// As [`snapshot`](Self::snapshot), but these checks, which are sorted, do
    /// not count for the probes.
    pub(crate) fn snapshot_without(&self, excluded: &[usize]) -> Snapshot {
        self.snapshot_of(report, excluded)
    }

    /// The same for those who do not ask for the past.
    pub(crate) fn glance_without(&self, excluded: &[usize]) -> Snapshot {
        self.snapshot_of(report_of_now, excluded)
    }

    fn snapshot_of(
        &self,
        report: fn(&Cell, &Track) -> CheckReport,
        excluded: &[usize],
    ) -> Snapshot {
        let (status, checks) = self.all(report, excluded);
        let stage = Stage {
            started: self.has_started(),
            draining: self.is_draining(),
            closed: self.is_closed(),
        };
        Snapshot::new(status, checks, stage)
    }

    /// What there is to measure now.
    pub(crate) fn sample(&self) -> Sample<'_> {
        let (status, checks) = self.all(sample, &[]);
        self.sample_of(status, checks)
    }

    /// As [`sample`](Self::sample), but of one check, or of none.
    #[cfg(feature = "metrics")]
    pub(crate) fn sample_of_check(&self, index: Option<usize>) -> Sample<'_> {
        let status = Probe::ALL.map(|probe| self.status(probe));
        let cell = index.map(|index| &self.cells[index]);
        let checks = cell.map(|cell| sample(cell, &cell.track()));
        self.sample_of(status, checks.into_iter().collect())
    }

    fn sample_of(
        &self,
        status: [Status; Probe::ALL.len()],
        checks: Vec<CheckSample>,
    ) -> Sample<'_> {
        let since_start = |&since: &Instant| since.saturating_duration_since(self.started);
        let drain = self.draining.get().map(since_start);
        Sample {
            version: None,
            started_at: self.started_at,
            drain_started_at: drain.map(|after| self.started_at + after),
            status,
            checks,
        }
    }

    /// Something of each check, and the answers that follow from the very same
    /// verdicts.
    fn all<T>(
        &self,
        seen_of: impl Fn(&Cell, &Track) -> T,
        excluded: &[usize],
    ) -> ([Status; Probe::ALL.len()], Vec<T>) {
        self.catch_up();
        let mut weights = [Weight::default(); Probe::ALL.len()];
        let checks = self
            .cells
            .iter()
            .enumerate()
            .map(|(index, cell)| {
                let track = cell.track();
                let seen = Seen::of(&track);
                let counted = excluded.binary_search(&index).is_err();
                for probe in cell.plan.probes.iter().filter(|_| counted) {
                    let sum = &mut weights[probe as usize];
                    *sum = sum.plus(seen.weight(&cell.plan, probe));
                }
                seen_of(cell, &track)
            })
            .collect();
        let status = Probe::ALL.map(|probe| {
            let held = weights[probe as usize].status();
            self.through_lifecycle(probe, held)
        });
        (status, checks)
    }

    pub(crate) fn report(&self, index: usize) -> CheckReport {
        self.catch_up();
        let cell = &self.cells[index];
        report(cell, &cell.track())
    }

    /// Readiness waits for startup, and ends for good when it is closed.
    fn through_lifecycle(&self, probe: Probe, held: Status) -> Status {
        let started = self.has_started();
        match probe {
            Probe::Startup if started => Status::Pass,
            Probe::Readiness if !started || self.is_closed() => Status::Fail,
            Probe::Liveness | Probe::Readiness | Probe::Startup => held,
        }
    }

    /// Makes true what the passing of time says, if it can have changed anything.
    fn catch_up(&self) {
        let now = Instant::now();
        let Some(passed) = self.horizon.passed(self.millis(Some(now))) else {
            return;
        };
        let earliest = (0..self.cells.len())
            .filter_map(|index| self.change_track(index, |track| track.advance(now)))
            .min();
        self.horizon.raise(passed, self.millis(earliest));
        // What was switched off for a while has come back by itself.
        self.latch_startup();
    }

    /// Rounded down, so that the horizon is never later than the moment.
    fn millis(&self, moment: Option<Instant>) -> u64 {
        let since_start = moment.map(|moment| moment.saturating_duration_since(self.started));
        since_start.map_or(NEVER, |since| {
            u64::try_from(since.as_millis()).unwrap_or(NEVER)
        })
    }
}

impl Listener for Monitor {
    fn changed(&self, check: usize) {
        let now = Instant::now();
        self.change(check, |track| track.look(now));
        self.cells[check].wake.notify_one();
    }
}

fn track(check: &Check, kept: usize) -> Track {
    match &check.feed {
        Feed::Runs(_) => Track::new(&check.plan, kept),
        Feed::Reports(source) => {
            Track::reported(&check.plan, kept, Arc::clone(source), Instant::now())
        }
    }
}

enum Obstacle {
    None,
    NoResult,
    /// The check at the root.
    Failing(Arc<str>),
}

fn report(cell: &Cell, track: &Track) -> CheckReport {
    report_of_now(cell, track).with_history(track.kept())
}

fn report_of_now(cell: &Cell, track: &Track) -> CheckReport {
    CheckReport::new(Arc::clone(&cell.name), &cell.plan, track)
}

fn sample(cell: &Cell, track: &Track) -> CheckSample {
    CheckSample::new(Arc::clone(&cell.name), &cell.plan, track, Instant::now())
}

fn is_for_startup_only(plan: &Plan) -> bool {
    plan.probes.iter().all(|probe| probe == Probe::Startup)
}
