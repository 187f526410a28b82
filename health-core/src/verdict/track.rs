//! Turns the results of a check into its verdict.
//!
//! [`Track`] is a state machine without a clock: every change takes the time at
//! which it happens. [`Track::step`] applies one elapsed deadline at a time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::options::Plan;
#[cfg(feature = "status-page")]
use crate::check::outcome::Reason;
use crate::check::outcome::{Outcome, Status};
use crate::check::source::{Reading, Reports, Source, View};
use crate::time::clock::Moment;
use crate::verdict::Verdict;
#[cfg(feature = "status-page")]
use crate::verdict::day::Day;
use crate::verdict::history::{Kept, Ring};
use crate::verdict::incident::{Incident, Ongoing};
use crate::verdict::late::{Explanation, LateEnd};
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

/// A run in flight.
#[derive(Clone, Copy, Debug)]
struct Flight {
    started: Moment,
    /// The timeout has been recorded, so its result no longer counts.
    overdue: bool,
    /// The time of the next failure for a run that has not ended.
    next_miss: Moment,
}

/// The maximum number of periods of a hung run that are counted individually.
const MOST_MISSES_MADE_UP: u32 = 100;

/// The state of the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It starts at its due time.
    WhenDue,
    /// It was requested, but not yet decided on.
    Asked,
    /// It was decided on but has not begun. Further requests join it.
    Starting,
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

/// The source of a reported check.
#[derive(Debug)]
struct Reported {
    source: Arc<dyn Source>,
    /// When the source was first read.
    since: Moment,
    /// When its reading expires.
    until: Option<Moment>,
    /// Missed beats are not a failure before this time.
    lenient_until: Moment,
}

/// A switch that is off.
#[cfg(feature = "status-page")]
#[derive(Clone, Copy)]
pub(crate) struct SwitchedOff {
    /// When it turns on again automatically.
    pub(crate) until: Option<Moment>,
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
pub(crate) struct Track {
    timeout: Duration,
    /// How often a run in flight counts as another failure after its timeout.
    /// Otherwise a threshold would keep the last pass for as long as the run
    /// hangs.
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
    /// What the last run that timed out has returned since. Boxed, since most
    /// checks never time out.
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

impl Track {
    /// `kept` is the number of results in the history.
    pub(crate) fn new(plan: &Plan, kept: usize, now: Moment) -> Self {
        Track {
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

    /// Creates the state of a check that is reported instead of run. It has no
    /// result before the first [`look`](Self::look).
    pub(crate) fn reported(plan: &Plan, kept: usize, source: Arc<dyn Source>, now: Moment) -> Self {
        let reported = Reported {
            source,
            since: now,
            until: None,
            lenient_until: Moment::START,
        };
        Track {
            reported: Some(Box::new(reported)),
            ..Track::new(plan, kept, now)
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

    pub(crate) fn is_reported(&self) -> bool {
        self.reported.is_some()
    }

    /// Returns whether the check is reported and its verdict can still change.
    pub(crate) fn follows_others(&self) -> bool {
        self.is_reported() && !self.retired
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

    /// Returns whether a [switch](crate::reported::Switch) is off, and when it
    /// turns on again.
    #[cfg(feature = "status-page")]
    pub(crate) fn switched_off(&self) -> Option<SwitchedOff> {
        let reported = self.reported.as_ref()?;
        let is_off = reported.source.is_switch() && self.verdict() == Verdict::Fail;
        is_off.then_some(SwitchedOff {
            until: reported.until,
        })
    }

    /// Requests a run. Returns whether a run must be decided on: not if one is
    /// in flight whose result will still count.
    pub(crate) fn ask(&mut self) -> bool {
        let in_flight = self.flight.is_some_and(|flight| !flight.overdue);
        if in_flight || self.next == Next::Starting {
            return false;
        }
        self.next = Next::Asked;
        true
    }

    /// Returns whether a run was requested but not yet decided on.
    pub(crate) fn is_asked(&self) -> bool {
        self.next == Next::Asked
    }

    /// Returns whether to run now: the check is due, was requested or had been
    /// skipped.
    pub(crate) fn decide(&mut self, is_due: bool) -> bool {
        let run = is_due || self.next == Next::Asked || self.skipped.is_some();
        self.next = if run { Next::Starting } else { Next::WhenDue };
        run
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

    /// Returns the reports that the source has counted itself. Their number never
    /// decreases, regardless of the verdict.
    fn counted_reports(&self) -> Option<Reports> {
        self.reported.as_ref()?.source.reports()
    }

    /// Returns the reports that the source has counted itself, if the last of
    /// them passed.
    pub(crate) fn reports(&self) -> Option<Reports> {
        let is_good = self.settled.is_good() && !self.retired && self.forced.is_none();
        self.counted_reports().filter(|_| is_good)
    }

    /// Returns the schedule of the check, for the simulation.
    #[cfg(feature = "testing")]
    pub(crate) fn scheduled(&self) -> Scheduled {
        Scheduled {
            in_flight: self.flight.is_some(),
            runs: self.runs,
        }
    }

    /// Returns the current duration of the run in flight.
    pub(crate) fn in_flight(&self, now: Moment) -> Option<Duration> {
        Some(now.since(self.flight?.started))
    }

    /// Returns the start of a run in flight that has exceeded its timeout.
    pub(crate) fn overdue_since(&self) -> Option<Moment> {
        let flight = self.flight.filter(|flight| flight.overdue)?;
        Some(flight.started)
    }

    /// Returns the deadline of the run in flight, unless it has passed.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let flight = self.flight.filter(|flight| !flight.overdue)?;
        Some(flight.next_miss)
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

    /// Records that a run begins.
    pub(crate) fn begin(&mut self, now: Moment) {
        debug_assert!(self.flight.is_none(), "one run of a check at a time");
        self.next = Next::WhenDue;
        if self.retired {
            return;
        }
        self.runs += 1;
        self.flight = Some(Flight {
            started: now,
            overdue: false,
            next_miss: now + self.timeout,
        });
    }

    /// Records the result of a run. It does not count after the timeout.
    pub(crate) fn finish(&mut self, now: Moment, outcome: Outcome) {
        let Some(flight) = self.flight.take() else {
            return;
        };
        if !flight.overdue {
            self.record(flight.started, now, outcome);
        }
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

    /// Ends the skip of a reported check. Missed beats during the skip do not count.
    pub(crate) fn resume(&mut self, now: Moment, view: &View<'_>) {
        self.skipped = None;
        if let Some(reported) = &mut self.reported {
            reported.lenient_until = now + reported.source.patience();
        }
        self.look(now, view);
    }

    /// Records that a run is over that has already been counted as timed out.
    /// Its end becomes the cause of the timeout. Returns the explanation if it
    /// differs from the one that is known.
    pub(crate) fn land(&mut self, now: Moment, end: LateEnd) -> Option<Explanation> {
        let flight = self.flight.take()?;
        if self.forced.is_some() {
            return None;
        }
        let last = self
            .last
            .as_ref()
            .filter(|last| last.outcome.is_timed_out())?;
        let known = self.explanation.as_ref().map(|known| &known.end);
        let is_news = known != Some(&end);
        let explanation = Explanation {
            end,
            took: now.since(flight.started),
        };
        self.last = Some(Arc::new(Finished {
            outcome: Outcome::timed_out_because(explanation.cause()),
            ..**last
        }));
        self.explanation = Some(Box::new(explanation.clone()));
        is_news.then_some(explanation)
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

    /// Records a failure of a run at its deadline, and another one for each
    /// period after it. After a very long time without a reader, only as many
    /// are recorded as the verdict depends on.
    fn miss(&mut self, flight: Flight, now: Moment) {
        let missed = flight.next_miss;
        let is_settled = self.settled == Verdict::Fail && self.streak.failing;
        let is_far_behind = now.since(missed) > MOST_MISSES_MADE_UP * self.miss_every;
        let last = if is_settled && is_far_behind {
            now
        } else {
            missed
        };
        self.flight = Some(Flight {
            overdue: true,
            next_miss: last + self.miss_every,
            ..flight
        });
        // An outage that consists of several timeouts keeps its cause.
        let known = self.explanation.as_ref().map(|known| known.cause());
        let outcome = known.map_or_else(Outcome::timed_out, Outcome::timed_out_because);
        self.record(flight.started, missed, outcome);
    }

    /// Reads the source. An unchanged reading is not a result.
    pub(crate) fn look(&mut self, now: Moment, view: &View<'_>) {
        let is_ignored = self.retired || self.skipped.is_some();
        let Some(reported) = self.reported.as_mut().filter(|_| !is_ignored) else {
            return;
        };
        let Reading {
            outcome,
            until,
            is_pending,
            is_orderly_end,
        } = reported.source.read(now, reported.since, view);
        if is_orderly_end && view.draining {
            self.retire();
            return;
        }
        let is_failing = |outcome: &Outcome| outcome.status() == Status::Fail;
        let is_silent = outcome.as_ref().is_some_and(is_failing) && !is_orderly_end;
        if is_silent && now < reported.lenient_until {
            reported.until = Some(reported.lenient_until);
            return;
        }
        reported.until = until;
        let outcome = self.forced.as_deref().cloned().or(outcome);
        let last = self.last.as_ref().map(|last| &last.outcome);
        let Some(outcome) =
            outcome.filter(|new| last.is_none_or(|last| !last.has_same_public_content(new)))
        else {
            return;
        };
        if is_pending && self.forced.is_none() {
            self.wait_for_first_report(outcome);
        } else {
            self.record(now, now, outcome);
        }
    }

    /// Applies a reading that counts for the probes but is not a result: it is
    /// neither in the history nor in the metrics.
    fn wait_for_first_report(&mut self, outcome: Outcome) {
        self.settled = outcome.status().into();
        self.last = Some(Arc::new(Finished {
            outcome,
            took: None,
            at: SystemTime::now(),
        }));
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
impl Track {
    /// Applies every deadline up to `now`.
    fn advance(&mut self, now: Moment) {
        self.viewing(|track, view| while track.step(now, view).is_some() {});
    }

    fn look_at(&mut self, now: Moment) {
        self.viewing(|track, view| track.look(now, view));
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
mod tests {
    use super::*;
    use crate::check::options::CheckOptions;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn track(options: &CheckOptions) -> Track {
        Track::new(&options.resolve().expect("legal options"), 4, Moment::START)
    }

    /// Executes one run from `start` for `took`.
    fn run(track: &mut Track, start: Moment, took: Duration, outcome: Outcome) {
        track.begin(start);
        finish(track, start + took, outcome);
    }

    fn finish(track: &mut Track, now: Moment, outcome: Outcome) {
        track.advance(now);
        track.finish(now, outcome);
    }

    #[test]
    fn a_check_is_unknown_until_its_first_result() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new());
        assert_eq!(track.verdict(), Verdict::Unknown);
        track.begin(now);
        assert_eq!(track.verdict(), Verdict::Unknown);
        finish(&mut track, now + secs(1), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Pass);
        assert_eq!(track.last().expect("a result").took, Some(secs(1)));
    }

    /// Its task may have decided on the skip before startup passed or health
    /// stopped.
    #[test]
    fn a_retired_check_is_not_skipped() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new());
        run(&mut track, now, secs(1), Outcome::pass());
        track.retire();
        track.skip("database".into());
        assert_eq!(track.verdict(), Verdict::Pass);
        assert_eq!(track.blocked_by(), None);
    }

    #[test]
    fn a_check_fails_at_its_deadline_and_a_late_pass_does_not_reset_it() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new().timeout(secs(2)));
        track.begin(now);
        assert_eq!(track.due(), Some(now + secs(2)));
        track.advance(now + Duration::from_millis(1999));
        assert_eq!(track.verdict(), Verdict::Unknown);
        track.advance(now + secs(2));
        assert_eq!(track.verdict(), Verdict::Fail);
        assert_eq!(track.overdue_since(), Some(now));
        assert_eq!(track.last().expect("a result").took, Some(secs(2)));
        finish(&mut track, now + secs(3), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Fail);
        assert_eq!(track.overdue_since(), None);
    }

    #[test]
    fn more_than_a_hundred_missed_periods_are_counted_at_once() {
        let options = CheckOptions::new().timeout(secs(1)).interval(secs(10));
        for (late, results) in [(1_000, 102), (1_001, 2)] {
            let mut track = track(&options);
            track.begin(Moment::START);
            // The second timeout, at 11 s, is recorded this late.
            track.advance(Moment::START + secs(11 + late));
            assert_eq!(track.results(), results, "{late} s late");
            assert_eq!(track.verdict(), Verdict::Fail);
        }
    }

    #[test]
    fn a_run_that_returns_late_has_timed_out_without_a_reader() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new().timeout(secs(2)));
        run(&mut track, now, secs(5), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Fail);
        let last = track.last().expect("a result");
        assert_eq!(last.outcome.message(), Some("timed out"));
    }

    #[test]
    fn a_hanging_run_counts_one_failure_per_period() {
        let now = Moment::START;
        let options = CheckOptions::new().failure_threshold(3);
        let mut track = track(&options);
        run(&mut track, now, secs(0), Outcome::pass());
        track.begin(now + secs(10));
        for (later, verdict) in [
            (15, Verdict::Pass),
            (25, Verdict::Pass),
            (34, Verdict::Pass),
            (35, Verdict::Fail),
        ] {
            track.advance(now + secs(later));
            assert_eq!(track.verdict(), verdict, "after {later} s");
        }
        assert_eq!(track.last().expect("a result").took, Some(secs(25)));
        assert_eq!(track.overdue_since(), Some(now + secs(10)));
    }

    #[test]
    fn a_late_reader_applies_many_missed_periods_at_once() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new().failure_threshold(3));
        run(&mut track, now, secs(0), Outcome::pass());
        track.begin(now + secs(10));
        track.advance(now + secs(1_000_000));
        assert_eq!(track.verdict(), Verdict::Fail);
        assert!(
            track.results() < 10,
            "not a hundred thousand times the same"
        );
        assert!(track.due().is_some_and(|due| due > now + secs(1_000_000)));
    }

    #[test]
    fn a_timeout_at_the_stale_moment_fails_at_once() {
        let now = Moment::START;
        let options = CheckOptions::new()
            .failure_threshold(2)
            .interval(secs(10))
            .timeout(secs(5))
            .stale_after(secs(20));
        let mut track = track(&options);
        run(&mut track, now, secs(0), Outcome::pass());
        track.begin(now + secs(15));
        track.advance(now + secs(20));
        assert_eq!(track.verdict(), Verdict::Fail, "one failure of two");
    }

    #[test]
    fn a_good_result_goes_stale_and_a_failure_does_not() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new().interval(secs(10)).timeout(secs(5)));
        run(&mut track, now, secs(0), Outcome::warn("slow"));
        track.advance(now + Duration::from_millis(34_999));
        assert_eq!(track.verdict(), Verdict::Warn);
        track.advance(now + secs(35));
        assert_eq!(track.verdict(), Verdict::Unknown);
        assert!(track.standing().stale);

        run(&mut track, now + secs(40), secs(0), Outcome::fail("down"));
        track.advance(now + secs(4000));
        assert_eq!(track.verdict(), Verdict::Fail);
        assert_eq!(track.due(), None);
    }

    #[test]
    fn thresholds_delay_the_verdict_but_not_the_first_pass() {
        let now = Moment::START;
        let options = CheckOptions::new()
            .failure_threshold(3)
            .success_threshold(2);
        let mut track = track(&options);
        run(&mut track, now, secs(0), Outcome::fail("down"));
        assert_eq!(track.verdict(), Verdict::Unknown, "one failure of three");
        run(&mut track, now, secs(0), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Pass);
        for _ in 0..2 {
            run(&mut track, now, secs(0), Outcome::fail("down"));
            assert_eq!(track.verdict(), Verdict::Pass);
        }
        run(&mut track, now, secs(0), Outcome::fail("down"));
        assert_eq!(track.verdict(), Verdict::Fail);
        run(&mut track, now, secs(0), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Fail, "one pass of two");
        run(&mut track, now, secs(0), Outcome::warn("slow"));
        assert_eq!(track.verdict(), Verdict::Warn);
        assert_eq!(track.consecutive(), 2);
    }

    #[test]
    fn a_check_is_skipped_until_its_next_result() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new());
        run(&mut track, now, secs(0), Outcome::pass());
        track.skip("database".into());
        assert_eq!(track.verdict(), Verdict::Skipped);
        assert_eq!(track.blocked_by().map(|name| &**name), Some("database"));
        assert_eq!(track.answers(), 2);
        track.begin(now + secs(10));
        assert_eq!(track.verdict(), Verdict::Skipped);
        finish(&mut track, now + secs(10), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Pass);
    }

    #[test]
    fn a_forced_outcome_overrides_all_runs() {
        let now = Moment::START;
        let options = CheckOptions::new()
            .failure_threshold(3)
            .success_threshold(2);
        let mut track = track(&options);
        run(&mut track, now, secs(0), Outcome::pass());
        track.force(now, Outcome::fail("drill"));
        assert_eq!(track.verdict(), Verdict::Fail, "whatever the threshold");
        run(&mut track, now, secs(0), Outcome::pass());
        run(&mut track, now, secs(0), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Fail);
        track.forced = None;
        run(&mut track, now, secs(0), Outcome::pass());
        run(&mut track, now, secs(0), Outcome::pass());
        assert_eq!(track.verdict(), Verdict::Pass);
    }

    #[test]
    fn a_request_joins_the_pending_run() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new());
        assert!(!track.decide(false), "no run was requested");
        assert!(track.ask(), "a run must be decided on");
        assert!(track.ask(), "and it has not been yet");
        assert!(track.decide(false));
        assert!(!track.ask(), "it is about to begin");
        track.begin(now);
        assert!(!track.ask(), "it is under way");
        finish(&mut track, now, Outcome::pass());
        assert!(!track.decide(false), "all who asked have been answered");
        assert!(track.ask());
    }

    #[test]
    fn a_retired_check_keeps_its_verdict() {
        let now = Moment::START;
        let mut track = track(&CheckOptions::new());
        run(&mut track, now, secs(0), Outcome::pass());
        track.begin(now + secs(10));
        track.retire();
        finish(&mut track, now + secs(11), Outcome::fail("late"));
        track.advance(now + secs(100_000));
        assert_eq!(track.verdict(), Verdict::Pass);
        assert_eq!(track.due(), None);
    }
}

/// These properties hold for every order of operations:
///
/// 1. Reads change nothing: extra calls of `advance` lead to the same verdict.
/// 2. A good verdict has a good result that is younger than `stale_after`.
/// 3. A good verdict never survives `failure_threshold` consecutive failures.
/// 4. A run that exceeds its timeout has failed, regardless of its result.
/// 5. The verdict is not good before the first result that did not fail.
#[cfg(test)]
mod properties {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::check::options::CheckOptions;
    use crate::check::source::Subscribers;

    const TIMEOUT: Duration = Duration::from_millis(50);
    const INTERVAL: Duration = Duration::from_millis(100);
    const STALE_AFTER: Duration = Duration::from_millis(350);

    /// An operation after some time.
    #[derive(Clone, Debug)]
    struct Step {
        after: Duration,
        event: Event,
    }

    #[derive(Clone, Debug)]
    enum Event {
        Begin,
        Finish(Status),
        Land,
        Look,
    }

    fn status() -> impl Strategy<Value = Status> {
        prop_oneof![Just(Status::Pass), Just(Status::Warn), Just(Status::Fail)]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let event = prop_oneof![
            4 => Just(Event::Begin),
            4 => status().prop_map(Event::Finish),
            1 => Just(Event::Land),
            2 => Just(Event::Look),
        ];
        let step = (0_u64..120, event).prop_map(|(after, event)| Step {
            after: Duration::from_millis(after),
            event,
        });
        prop::collection::vec(step, 0..60)
    }

    /// A source with one reading until a given time, which passes afterwards.
    #[derive(Debug, Default)]
    struct Said {
        until: Mutex<Option<(Status, Moment)>>,
        subscribers: Subscribers,
    }

    impl Source for Said {
        fn read(&self, now: Moment, _: Moment, _: &View<'_>) -> Reading {
            match *self.until.lock().expect("one thread") {
                Some((status, until)) if now < until => Reading {
                    until: Some(until),
                    ..Reading::of(Outcome::from(status))
                },
                _ => Reading::of(Outcome::pass()),
            }
        }

        fn subscribers(&self) -> &Subscribers {
            &self.subscribers
        }
    }

    fn happen(track: &mut Track, now: Moment, event: &Event) {
        track.advance(now);
        match event {
            Event::Begin if track.flight.is_none() => track.begin(now),
            Event::Finish(status) => track.finish(now, Outcome::from(*status)),
            Event::Land => drop(track.land(now, LateEnd::Dropped)),
            Event::Begin | Event::Look => {}
        }
    }

    proptest! {
        #[test]
        fn readers_agree_on_every_history_of_runs(
            steps in steps(),
            failure_threshold in 1_u32..4,
            success_threshold in 1_u32..4,
        ) {
            let options = CheckOptions::new()
                .timeout(TIMEOUT)
                .interval(INTERVAL)
                .stale_after(STALE_AFTER)
                .failure_threshold(failure_threshold)
                .success_threshold(success_threshold);
            let plan = options.resolve().expect("legal options");
            let mut seldom = Track::new(&plan, 4, Moment::START);
            let mut often = Track::new(&plan, 4, Moment::START);
            let mut now = Moment::START;
            let mut results: Vec<(Moment, Status)> = Vec::new();

            for Step { after, event } in &steps {
                for part in 1..=4 {
                    often.advance(now + *after * part / 4);
                }
                now = now + *after;
                let mut miss = seldom.flight.map(|flight| flight.next_miss);
                let mut overdue = seldom.flight.is_some_and(|flight| flight.overdue);
                while let Some(missed) = miss.filter(|miss| now >= *miss) {
                    results.push((missed, Status::Fail));
                    overdue = true;
                    miss = Some(missed + INTERVAL);
                }
                if let (Some(_), false, Event::Finish(status)) = (miss, overdue, event) {
                    results.push((now, *status));
                }
                happen(&mut seldom, now, event);
                happen(&mut often, now, event);

                prop_assert_eq!(seldom.verdict(), often.verdict(), "1");
                prop_assert_eq!(seldom.results(), often.results(), "1");
                prop_assert_eq!(seldom.results(), results.len() as u64, "4");
                if seldom.verdict().is_good() {
                    let good = results.iter().rev().find(|(_, status)| *status != Status::Fail);
                    let (at, _) = *good.expect("5: a good result");
                    prop_assert!(now < at + STALE_AFTER, "2");
                    let failures = results.iter().rev().take_while(|(_, status)| *status == Status::Fail);
                    prop_assert!(failures.count() < failure_threshold as usize, "3");
                }
                if let Some(due) = seldom.due() {
                    prop_assert!(due > now, "what was due has been done");
                }
            }
        }

        /// A reported outcome is valid until the next report, for every reader.
        #[test]
        fn readers_agree_on_reported_outcomes(
            steps in prop::collection::vec((0_u64..120, status(), 0_u64..200), 0..40),
        ) {
            let plan = CheckOptions::new().resolve().expect("legal options");
            let mut now = Moment::START;
            let said = Arc::new(Said::default());
            let track = || {
                let mut track = Track::reported(&plan, 4, Arc::clone(&said) as _, now);
                track.look_at(now);
                track
            };
            let (mut seldom, mut often) = (track(), track());
            for (after, status, lasting) in steps {
                let says = *said.until.lock().expect("one thread");
                for part in 1..=4 {
                    often.advance(now + Duration::from_millis(after) * part / 4);
                }
                now = now + Duration::from_millis(after);
                seldom.advance(now);
                let held = says.filter(|(_, until)| now < *until);
                let expected = held.map_or(Verdict::Pass, |(status, _)| status.into());
                prop_assert_eq!(seldom.verdict(), expected);
                prop_assert_eq!(often.verdict(), expected, "1");
                prop_assert_eq!(seldom.results(), often.results(), "1");
                prop_assert!(seldom.due().is_none_or(|due| due > now), "what was due has been done");

                let until = now + Duration::from_millis(lasting);
                *said.until.lock().expect("one thread") = Some((status, until));
                seldom.look_at(now);
                often.look_at(now);
            }
        }
    }
}
