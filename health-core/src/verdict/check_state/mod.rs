//! Turns the results of a check into its verdict.
//!
//! [`CheckState`] is a state machine without a clock: every change takes the time at
//! which it happens. [`CheckState::step`] applies one elapsed deadline at a time.

pub(crate) mod reported;
mod run;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::options::Plan;
#[cfg(feature = "status-page")]
use crate::check::outcome::Reason;
use crate::check::outcome::{Outcome, Status};
use crate::check::source::View;
use crate::time::clock::Moment;
use crate::verdict::Verdict;
use crate::verdict::check_state::reported::Reported;
use crate::verdict::check_state::run::{Flight, Next};
#[cfg(feature = "status-page")]
use crate::verdict::day::Day;
use crate::verdict::history::{Kept, Ring};
use crate::verdict::incident::{Incident, Ongoing};
use crate::verdict::late::Explanation;
use crate::verdict::stats::Stats;

/// The part of a check's state that probes depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) verdict: Verdict,
    pub(crate) stale: bool,
    /// The verdict that counts for liveness while the check is skipped: the one
    /// before the skip.
    pub(crate) before_skip: Verdict,
}

/// A completed run or a report.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) outcome: Outcome,
    /// The duration of a run; `None` for a report.
    pub(crate) took: Option<Duration>,
    /// The wall-clock time.
    pub(crate) at: SystemTime,
}

/// Consecutive results of the same kind.
#[derive(Clone, Copy, Debug, Default)]
struct Streak {
    failing: bool,
    runs: u32,
}

impl Streak {
    fn extend(&mut self, failing: bool) {
        if self.failing == failing {
            self.runs = self.runs.saturating_add(1);
        } else {
            *self = Streak { failing, runs: 1 };
        }
    }
}

/// Why a check is skipped.
#[derive(Debug)]
struct Skipped {
    /// The failing check at the root of the dependency chain.
    root: Arc<str>,
    /// The verdict before the skip, for liveness. A check without a result
    /// passed.
    before: Verdict,
}

/// The schedule of a check, as the simulation sees it.
#[cfg(feature = "testing")]
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Scheduled {
    /// A run is in flight.
    pub in_flight: bool,
    /// The number of runs that have begun.
    pub runs: u64,
}

/// The state machine of one check.
#[derive(Debug)]
pub(crate) struct CheckState {
    timeout: Duration,
    /// The period in which a hung run counts as another failure. Without it, a
    /// `failure_threshold` above 1 would never be reached.
    miss_every: Duration,
    stale_after: Duration,
    on_demand: bool,
    failure_threshold: u32,
    success_threshold: u32,
    /// The verdict of the results, regardless of their age.
    settled: Verdict,
    /// The time of the last result that did not fail.
    last_good: Option<Moment>,
    stale: bool,
    streak: Streak,
    results: u64,
    history: Ring,
    /// The verdicts and durations of the last day, if a page shows them.
    #[cfg(feature = "status-page")]
    day: Option<Box<Day>>,
    stats: Stats,
    last: Option<Arc<Finished>>,
    /// The time of the last result.
    ended: Option<Moment>,
    flight: Option<Flight>,
    /// The number of runs that have begun.
    runs: u64,
    /// The late result of the last run that timed out. Boxed, since most checks never
    /// time out.
    explanation: Option<Box<Explanation>>,
    skipped: Option<Skipped>,
    skips: u64,
    next: Next,
    retired: bool,
    /// Since when the verdict is unchanged.
    since: Moment,
    /// Boxed, so that a passing check reserves no memory for it.
    ongoing: Option<Box<Ongoing>>,
    /// The outcome that a test has set in place of every result.
    forced: Option<Box<Outcome>>,
    reported: Option<Box<Reported>>,
}

impl CheckState {
    /// `kept` is the number of results in the history.
    pub(crate) fn new(plan: &Plan, kept: usize, now: Moment) -> Self {
        CheckState {
            timeout: plan.timeout,
            miss_every: plan.interval.max(plan.timeout),
            stale_after: plan.stale_after,
            on_demand: plan.on_demand,
            failure_threshold: plan.failure_threshold,
            success_threshold: plan.success_threshold,
            settled: Verdict::Unknown,
            last_good: None,
            stale: false,
            streak: Streak::default(),
            results: 0,
            history: Ring::new(kept),
            #[cfg(feature = "status-page")]
            day: None,
            stats: Stats::default(),
            last: None,
            ended: None,
            flight: None,
            runs: 0,
            explanation: None,
            skipped: None,
            skips: 0,
            next: Next::WhenDue,
            retired: false,
            since: now,
            ongoing: None,
            forced: None,
            reported: None,
        }
    }

    /// Keeps the verdicts and durations of the last day from now on.
    #[cfg(feature = "status-page")]
    pub(crate) fn keep_day(&mut self, now: Moment) {
        self.day = Some(Box::new(Day::new(now)));
    }

    /// Returns the last day up to now, if it is kept.
    #[cfg(feature = "status-page")]
    pub(crate) fn day(&self, now: Moment) -> Option<Day> {
        let mut day = Day::clone(self.day.as_ref()?);
        day.record(self.verdict_by_results(), now);
        Some(day)
    }

    /// Returns the verdict as the last day counts it: the wait for the first
    /// report fails a probe, and is no failure.
    #[cfg(feature = "status-page")]
    fn verdict_by_results(&self) -> Verdict {
        match self.verdict() {
            Verdict::Fail if self.results == 0 => Verdict::Unknown,
            verdict => verdict,
        }
    }

    /// Returns since when the verdict is unchanged.
    pub(crate) fn since(&self) -> Moment {
        self.since
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.skipped.is_some() {
            Verdict::Skipped
        } else if self.stale {
            Verdict::Unknown
        } else {
            self.settled
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            verdict: self.verdict(),
            stale: self.stale,
            before_skip: self
                .skipped
                .as_ref()
                .map_or(Verdict::Pass, |skipped| skipped.before),
        }
    }

    pub(crate) fn last(&self) -> Option<&Arc<Finished>> {
        self.last.as_ref()
    }

    pub(crate) fn kept(&self) -> Kept {
        let reports = self.counted_reports().map(|_| self.stats().all());
        let runs = reports.unwrap_or(self.results);
        self.history.kept(runs, self.is_reported())
    }

    /// Returns the failing check that causes the skip.
    pub(crate) fn blocked_by(&self) -> Option<&Arc<str>> {
        self.skipped.as_ref().map(|skipped| &skipped.root)
    }

    /// Returns the number of events that answer a request for a run.
    pub(crate) fn answers(&self) -> u64 {
        self.results + self.skips
    }

    /// Returns the public reason for a verdict that does not pass.
    #[cfg(feature = "status-page")]
    pub(crate) fn public_reason(&self) -> Option<&str> {
        match self.verdict() {
            Verdict::Pass => None,
            Verdict::Skipped => self.blocked_by().map(|root| &**root),
            Verdict::Unknown => self.stale.then_some("stale"),
            Verdict::Warn | Verdict::Fail => {
                let outcome = &self.last.as_ref()?.outcome;
                outcome.reason().map(Reason::as_str)
            }
        }
    }

    /// Returns the age of the last result.
    pub(crate) fn age(&self, now: Moment) -> Option<Duration> {
        self.ended.map(|ended| now.since(ended))
    }

    /// Returns the number of runs, or of reports of a check that is reported.
    pub(crate) fn runs(&self) -> u64 {
        if self.is_reported() {
            self.stats().all()
        } else {
            self.runs
        }
    }

    /// Returns the number of results.
    #[cfg(test)]
    pub(crate) fn results(&self) -> u64 {
        self.results
    }

    /// Returns the number of consecutive results like the last one.
    pub(crate) fn consecutive(&self) -> u32 {
        self.streak.runs
    }

    /// Returns the number of consecutive failures.
    pub(crate) fn consecutive_failures(&self) -> u32 {
        if self.streak.failing {
            self.streak.runs
        } else {
            0
        }
    }

    /// Returns the counters of all results, including the reports that the
    /// source has counted itself.
    pub(crate) fn stats(&self) -> Stats {
        self.stats.with_reports(self.counted_reports())
    }

    /// Returns the schedule of the check, for the simulation.
    #[cfg(feature = "testing")]
    pub(crate) fn scheduled(&self) -> Scheduled {
        Scheduled {
            in_flight: self.flight.is_some(),
            runs: self.runs,
        }
    }

    /// Returns the next deadline.
    pub(crate) fn due(&self) -> Option<Moment> {
        let mut due = self.stale_at().unwrap_or(Moment::NEVER);
        if let Some(flight) = &self.flight {
            due = due.min(flight.next_miss);
        }
        if let Some(until) = self.reported.as_ref().and_then(|reported| reported.until) {
            due = due.min(until);
        }
        (due != Moment::NEVER).then_some(due)
    }

    /// Returns when the verdict becomes stale. A check on demand never does,
    /// and a report is valid until the next one.
    fn stale_at(&self) -> Option<Moment> {
        let grows_old = self.settled.is_good()
            && !self.stale
            && self.skipped.is_none()
            && !self.on_demand
            && !self.retired
            && self.reported.is_none();
        self.last_good
            .filter(|_| grows_old)
            .map(|good| good + self.stale_after)
    }

    /// Returns whether the verdict can survive a failed run: it is good, and
    /// the result behind it is recent enough.
    fn has_credit(&self, now: Moment) -> bool {
        let is_recent = |good: Moment| now < good + self.stale_after;
        self.verdict().is_good() && (!self.on_demand || self.last_good.is_some_and(is_recent))
    }

    /// Records that the run was skipped because of `root`.
    pub(crate) fn skip(&mut self, root: Arc<str>) {
        // It may have waited for a prerequisite when it was retired.
        if self.retired {
            return;
        }
        let before = match &self.skipped {
            Some(skipped) => skipped.before,
            None if self.stale => Verdict::Fail,
            None if self.settled == Verdict::Unknown => Verdict::Pass,
            None => self.settled,
        };
        self.skips += 1;
        self.next = Next::WhenDue;
        self.skipped = Some(Skipped { root, before });
        if let Some(reported) = &mut self.reported {
            reported.until = None;
        }
    }

    /// Applies the first deadline up to `now`: a run exceeds its timeout, a
    /// good result becomes stale, or a reading of the source expires. Returns
    /// the time of the deadline.
    pub(crate) fn step(&mut self, now: Moment, view: &View<'_>) -> Option<Moment> {
        let due = self.due().filter(|due| *due <= now)?;
        // A reader at this time sees the verdict as stale, so a timeout cannot
        // be ignored.
        if self.stale_at() == Some(due) {
            self.stale = true;
        } else if let Some(flight) = self.flight.filter(|flight| flight.next_miss == due) {
            self.miss(flight, now);
        } else {
            self.look(due, view);
        }
        Some(due)
    }

    /// Records on the last day that the verdict was `from` until now.
    #[cfg(feature = "status-page")]
    pub(crate) fn record_day(&mut self, from: Verdict, now: Moment) {
        if let Some(day) = &mut self.day {
            day.record(from, now);
        }
    }

    /// Called after a transition. Returns the duration of the verdict before it,
    /// and the incident that begins, continues or ends.
    pub(crate) fn turned(&mut self, now: Moment) -> (Duration, Option<Incident>) {
        self.stats.turn();
        let held = now.since(std::mem::replace(&mut self.since, now));
        let incident = if self.verdict().is_good() {
            self.ongoing.take().map(|ended| ended.incident)
        } else {
            let begin = || Box::new(Ongoing::begin(now));
            Some(self.ongoing.get_or_insert_with(begin).incident)
        };
        (held, incident)
    }

    /// Returns how long the verdict has lasted.
    pub(crate) fn lasting(&self, now: Moment) -> Duration {
        now.since(self.since)
    }

    /// Returns the current incident.
    pub(crate) fn incident(&self) -> Option<Incident> {
        Some(self.ongoing.as_ref()?.incident)
    }

    /// Returns the age of the incident, if a reminder is due.
    pub(crate) fn reminder(&mut self, now: Moment) -> Option<Duration> {
        self.ongoing.as_mut()?.reminder(now)
    }

    /// Overrides every result with `outcome`, effective immediately.
    #[cfg(feature = "testing")]
    pub(crate) fn force(&mut self, now: Moment, outcome: Outcome) {
        let target = Verdict::from(outcome.status());
        self.forced = Some(Box::new(outcome));
        let enough = self.failure_threshold.max(self.success_threshold);
        for _ in 0..enough {
            self.record(now, now, Outcome::pass());
            if self.settled == target {
                return;
            }
        }
    }

    /// Ends the override. Later results count again; a source is read at once.
    #[cfg(feature = "testing")]
    pub(crate) fn release(&mut self, now: Moment, view: &View<'_>) {
        self.forced = None;
        self.look(now, view);
    }

    /// Stops further results. The verdict does not change any more.
    pub(crate) fn retire(&mut self) {
        self.retired = true;
        self.flight = None;
        if let Some(reported) = &mut self.reported {
            reported.until = None;
        }
    }

    fn record(&mut self, started: Moment, ended: Moment, outcome: Outcome) {
        if self.retired {
            return;
        }
        let outcome = self.forced.as_deref().cloned().unwrap_or(outcome);
        if !outcome.is_timed_out() {
            self.explanation = None;
        }
        #[cfg(feature = "status-page")]
        if self.results == 0 {
            self.record_day(self.verdict_by_results(), ended);
        }
        let (status, took, at) = (outcome.status(), ended.since(started), SystemTime::now());
        let gap = self.ended.map(|last| ended.since(last));
        self.history.record(status, took, gap, at);
        self.results += 1;
        self.streak.extend(status == Status::Fail);
        self.settled = self.settle(status, self.has_credit(ended));
        self.skipped = None;
        self.stale = false;
        self.ended = Some(ended);
        if status != Status::Fail {
            self.last_good = Some(ended);
        }
        self.stats.count(status, at);
        if let Some(class) = outcome.failure_class().filter(|_| status == Status::Fail) {
            self.stats.classify(class);
        }
        // The duration of a run is recorded at its first timeout only.
        if took <= self.timeout && !self.is_reported() {
            self.stats.observe(took);
            #[cfg(feature = "status-page")]
            if let Some(day) = &mut self.day {
                day.observe(took, ended);
            }
        }
        self.last = Some(Arc::new(Finished {
            outcome,
            took: (!self.is_reported()).then_some(took),
            at,
        }));
    }

    /// Returns the verdict after a result. It changes after enough consecutive
    /// results. The first pass replaces an unknown verdict, and the first
    /// failure replaces a good verdict that is too old.
    fn settle(&self, latest: Status, has_credit: bool) -> Verdict {
        let failing = latest == Status::Fail;
        let turns = match (self.settled, failing) {
            (Verdict::Pass | Verdict::Warn, true) => {
                !has_credit || self.streak.runs >= self.failure_threshold
            }
            (_, true) => self.streak.runs >= self.failure_threshold,
            (Verdict::Fail, false) => self.streak.runs >= self.success_threshold,
            (_, false) => true,
        };
        if turns { latest.into() } else { self.settled }
    }
}

#[cfg(test)]
impl CheckState {
    /// Applies every deadline up to `now`.
    fn advance(&mut self, now: Moment) {
        self.viewing(|state, view| while state.step(now, view).is_some() {});
    }

    fn look_at(&mut self, now: Moment) {
        self.viewing(|state, view| state.look(now, view));
    }

    fn viewing(&mut self, change: impl FnOnce(&mut Self, &View<'_>)) {
        let clock = crate::time::clock::Clock::start(tokio::time::Instant::now());
        let view = View {
            clock: &clock,
            draining: false,
        };
        change(self, &view);
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
