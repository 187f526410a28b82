//! The answer that each reader must get, written from the documentation only: slow
//! and obvious. The numbers are those of the rules in README.md.
//!
//! The input of the oracle: the declarations, when runs began and ended, which runs
//! were skipped, what was reported, and when the service drained and stopped. Times
//! are milliseconds of running time, which excludes pauses of the process.

use health_core::report::Verdict;
use health_core::{Probe, Status};

use crate::coverage::reached;
use crate::service::{Check, Kind, TAGS};
use crate::standing::severity;

/// What the application reports for a reported check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// For a gate.
    Open,
    /// For a heartbeat.
    Beat,
    /// For a switch, until this time or until it is switched on.
    Off(Option<u64>),
    On,
    /// The last handle of a gate or of a heartbeat was dropped.
    Drop,
    /// For a supervised task.
    End,
    Cancel,
    Panic,
}

/// The verdict of a check, and whether it is unknown because it is stale.
pub(crate) type Shown = (Verdict, bool);

/// A change of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) at: u64,
    pub(crate) check: usize,
    pub(crate) from: Verdict,
    pub(crate) to: Verdict,
}

/// The run in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    /// When the run counts as timed out, for the first time or again.
    misses_at: u64,
    pub(crate) overdue: bool,
}

/// The state of one check.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) check: Check,
    settled: Verdict,
    /// The number of consecutive results.
    failures: u32,
    passes: u32,
    last_good: Option<u64>,
    pub(crate) last_end: Option<u64>,
    pub(crate) flight: Option<Flight>,
    pub(crate) blocked_by: Option<String>,
    /// Its impact on liveness before it was skipped.
    pub(crate) before_skip: Status,
    reported: Option<Report>,
    last_beat: Option<u64>,
    /// Its verdict is final: retired, stopped, or ended in order.
    frozen: Option<Shown>,
    /// What readers saw last.
    shown: Shown,
    /// Rule 12: the verdict has changed to one that does not pass.
    pub(crate) has_cause: bool,
    /// Rule 12: it passed before, or it changed from unknown to failing.
    pub(crate) has_incident: bool,
}

/// The phase of the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Stage {
    Serving,
    Draining,
    Stopped,
}

#[derive(Debug)]
pub(crate) struct Oracle {
    now: u64,
    start: u64,
    pub(crate) checks: Vec<State>,
    pub(crate) has_started: bool,
    pub(crate) stage: Stage,
    pub(crate) drain_readiness: bool,
    pub(crate) turns: Vec<Turn>,
    /// Rule 11 does not hold.
    pub(crate) broken: Option<String>,
}

impl Oracle {
    /// At the start, with the reports before it and their times.
    pub(crate) fn new(
        checks: &[Check],
        drain_readiness: bool,
        start: u64,
        reports: &[(usize, u64, Report)],
    ) -> Self {
        let state = |check: &Check| State {
            check: check.clone(),
            settled: Verdict::Unknown,
            failures: 0,
            passes: 0,
            last_good: None,
            last_end: None,
            flight: None,
            blocked_by: None,
            before_skip: Status::Pass,
            reported: None,
            last_beat: None,
            frozen: None,
            shown: (Verdict::Unknown, false),
            has_cause: false,
            has_incident: false,
        };
        let mut oracle = Oracle {
            now: start,
            start,
            checks: checks.iter().map(state).collect(),
            has_started: false,
            stage: Stage::Serving,
            drain_readiness,
            turns: Vec::new(),
            broken: None,
        };
        for &(index, at, report) in reports {
            oracle.take(index, at, report);
        }
        for index in 0..oracle.checks.len() {
            let shown = oracle.verdict(index);
            let state = &mut oracle.checks[index];
            state.has_cause = shown.0 == Verdict::Fail && state.check.kind != Kind::Gate;
            state.shown = shown; // The initial verdict is not a change.
        }
        oracle.latch();
        oracle
    }

    // The verdict of one check.

    pub(crate) fn verdict(&self, index: usize) -> Shown {
        let State {
            check,
            frozen,
            reported,
            last_beat,
            ..
        } = &self.checks[index];
        if let Some(shown) = *frozen {
            return shown;
        }
        let passes = |good| (if good { Verdict::Pass } else { Verdict::Fail }, false);
        match check.kind {
            // Rule 9.
            Kind::Gate => passes(*reported == Some(Report::Open)),
            Kind::Heartbeat if *reported == Some(Report::Drop) => passes(false),
            Kind::Heartbeat => match last_beat {
                Some(beat) => passes(self.now < beat + check.interval),
                None if self.now < self.start + check.interval => (Verdict::Unknown, false),
                None => passes(false),
            },
            Kind::Task => passes(reported.is_none()),
            Kind::Switch => match reported {
                Some(Report::Off(until)) => passes(until.is_some_and(|until| self.now >= until)),
                _ => passes(true),
            },
            Kind::Background | Kind::OnDemand => self.verdict_of_runs(index),
        }
    }

    fn verdict_of_runs(&self, index: usize) -> Shown {
        let state = &self.checks[index];
        if state.blocked_by.is_some() {
            return (Verdict::Skipped, false); // Rule 5.
        }
        if state.check.kind == Kind::Background && is_good(state.settled) {
            // Rule 3.
            if state.is_older_than_stale_after(self.now) {
                return (Verdict::Unknown, true);
            }
        }
        (state.settled, false)
    }

    /// Rule 2: a result of a run becomes a verdict.
    fn record(&mut self, index: usize, result: Status) {
        let shown = self.verdict(index).0;
        let now = self.now;
        let state = &mut self.checks[index];
        if result == Status::Fail {
            (state.failures, state.passes) = (state.failures + 1, 0);
            let has_credit = is_good(shown)
                && !(state.check.is_on_demand() && state.is_older_than_stale_after(now));
            if state.failures >= state.check.failure_threshold {
                reached("failure threshold filled");
                state.settled = Verdict::Fail;
            } else if is_good(state.settled) && !has_credit {
                reached("failure without credit");
                state.settled = Verdict::Fail;
            } else {
                reached("failure below its threshold");
            }
        } else {
            (state.failures, state.passes) = (0, state.passes + 1);
            let is_failing = state.settled == Verdict::Fail;
            if is_failing && state.passes < state.check.success_threshold {
                reached("pass below its threshold");
            } else {
                state.settled = Verdict::from(result);
            }
            state.last_good = Some(now);
        }
        state.last_end = Some(now);
        state.blocked_by = None;
    }

    // The passing of time.

    /// Applies each elapsed deadline at its own time.
    pub(crate) fn advance(&mut self, to: u64) {
        while let Some(at) = self.next_deadline().filter(|&at| at <= to) {
            self.now = at;
            self.settle();
            for index in 0..self.checks.len() {
                self.miss(index);
            }
            self.settle();
            self.latch();
        }
        self.now = to;
    }

    /// The next time at which a deadline may change something.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let of = |state: &State| {
            let is_live = state.frozen.is_none();
            let stale = state.last_good.map(|good| good + state.check.stale_after());
            let silent = state.last_beat.unwrap_or(self.start) + state.check.interval;
            let deadlines = match state.check.kind {
                Kind::Background => [stale, state.flight.map(|flight| flight.misses_at)],
                Kind::OnDemand => [None, state.flight.map(|flight| flight.misses_at)],
                Kind::Heartbeat => [Some(silent), None],
                Kind::Switch => match state.reported {
                    Some(Report::Off(until)) => [until, None],
                    _ => [None, None],
                },
                Kind::Gate | Kind::Task => [None, None],
            };
            let coming = deadlines.into_iter().flatten().filter(|&at| at > self.now);
            coming.filter(|_| is_live).min()
        };
        self.checks.iter().filter_map(of).min()
    }

    /// Rule 1: a run that has not returned has failed, and fails again each interval.
    fn miss(&mut self, index: usize) {
        let state = &mut self.checks[index];
        let Some(flight) = state.flight.filter(|flight| flight.misses_at == self.now) else {
            return;
        };
        reached(if flight.overdue {
            "timed out once more"
        } else {
            "timed out"
        });
        let every = state.check.interval.max(state.check.timeout);
        state.flight = Some(Flight {
            misses_at: self.now + every,
            overdue: true,
        });
        if state.frozen.is_none() {
            self.failure(|oracle| oracle.record(index, Status::Fail));
        }
    }

    /// Records which verdicts have changed.
    fn settle(&mut self) {
        for index in 0..self.checks.len() {
            let shown = self.verdict(index);
            let state = &mut self.checks[index];
            let (from, to) = (state.shown.0, shown.0);
            state.shown = shown;
            if shown.1 && from != to {
                reached("stale");
            }
            if from != to {
                state.has_cause = !is_good(to);
                let begins = is_good(from) || (from, to) == (Verdict::Unknown, Verdict::Fail);
                state.has_incident = !is_good(to) && (state.has_incident || begins);
                self.turns.push(Turn {
                    at: self.now,
                    check: index,
                    from,
                    to,
                });
            }
        }
    }

    /// Rule 7: startup has passed at the first moment at which no check fails it.
    fn latch(&mut self) {
        if self.has_started
            || self.stage == Stage::Stopped
            || self.weigh(Probe::Startup) == Status::Fail
        {
            return;
        }
        reached("startup latched");
        self.has_started = true;
        for state in &mut self.checks {
            if state.check.is_for_startup_only() {
                reached("startup check retired");
                state.frozen = Some(state.shown);
            }
        }
    }

    // The events.

    fn at(&mut self, now: u64, change: impl FnOnce(&mut Self)) {
        self.advance(now);
        change(self);
        self.settle();
        self.latch();
    }

    /// Rule 11: no failure makes a check, a probe or a group healthier.
    fn failure(&mut self, change: impl FnOnce(&mut Self)) {
        let standings = |oracle: &Self| {
            let checks = (0..oracle.checks.len()).map(|index| oracle.alone(index));
            let probes = Probe::ALL.map(|probe| oracle.weigh(probe));
            let groups = TAGS.map(|tag| oracle.group(tag));
            let all = checks.chain(probes).chain(groups);
            all.map(severity).collect::<Vec<_>>()
        };
        let before = standings(self);
        change(self);
        let after = standings(self);
        if before
            .iter()
            .zip(&after)
            .any(|(before, after)| after < before)
        {
            let now = self.now;
            self.broken = Some(format!(
                "rule 11: a failure at {now} ms made something healthier"
            ));
        }
    }

    pub(crate) fn begin(&mut self, index: usize, now: u64) {
        self.at(now, |oracle| {
            let state = &mut oracle.checks[index];
            let misses_at = now + state.check.timeout;
            state.flight = Some(Flight {
                misses_at,
                overdue: false,
            });
        });
    }

    /// Rule 1: the result of a late run does not count.
    pub(crate) fn end(&mut self, index: usize, now: u64, result: Option<Status>) {
        self.at(now, |oracle| {
            let state = &mut oracle.checks[index];
            let flight = state.flight.take();
            let is_late = flight.is_none_or(|flight| flight.overdue);
            if is_late {
                reached("late result");
            } else if let (Some(result), None) = (result, state.frozen) {
                if result == Status::Fail {
                    oracle.failure(|oracle| oracle.record(index, result));
                } else {
                    oracle.record(index, result);
                }
            }
        });
    }

    /// Whether the check failed until now.
    pub(crate) fn has_just_recovered(&self, index: usize) -> bool {
        let last = self
            .turns
            .iter()
            .rev()
            .take_while(|turn| turn.at == self.now);
        let mut of_it = last.filter(|turn| turn.check == index);
        of_it.any(|turn| turn.from == Verdict::Fail)
    }

    /// Rule 5. The check keeps its impact on liveness.
    pub(crate) fn skip(&mut self, index: usize, now: u64, root: &str) {
        self.at(now, |oracle| {
            let before = oracle.impact(index, Probe::Liveness);
            oracle.failure(|oracle| {
                let state = &mut oracle.checks[index];
                if state.blocked_by.is_none() {
                    state.before_skip = before;
                }
                state.blocked_by = Some(root.to_owned());
            });
        });
    }

    pub(crate) fn report(&mut self, index: usize, now: u64, report: Report) {
        self.at(now, |oracle| oracle.take(index, now, report));
    }

    fn take(&mut self, index: usize, now: u64, report: Report) {
        let draining = self.stage >= Stage::Draining;
        let state = &mut self.checks[index];
        let is_final = matches!(state.reported, Some(Report::Drop | Report::Open))
            || (state.check.kind == Kind::Task && state.reported.is_some());
        if is_final || state.frozen.is_some() {
            return;
        }
        // Rule 8: an orderly end during a drain changes nothing.
        let is_end = matches!(report, Report::Drop | Report::End | Report::Cancel);
        if draining && is_end && state.check.kind != Kind::Gate {
            reached("orderly end during a drain");
            state.frozen = Some(state.shown);
            return;
        }
        if report == Report::Beat {
            state.last_beat = Some(now);
        } else {
            state.reported = Some(report);
        }
    }

    pub(crate) fn drain(&mut self, now: u64) {
        self.at(now, |oracle| oracle.stage = Stage::Draining);
    }

    /// Rule 8: every check keeps its verdict.
    pub(crate) fn stop(&mut self, now: u64) {
        self.at(now, |oracle| {
            oracle.stage = Stage::Stopped;
            for state in &mut oracle.checks {
                state.frozen = Some(state.shown);
            }
        });
    }

    /// Rule 4: the checks on demand whose result is too old for an answer.
    pub(crate) fn is_outdated(&self, index: usize) -> bool {
        let State {
            check,
            last_end,
            frozen,
            ..
        } = &self.checks[index];
        let is_old = last_end.is_none_or(|end| self.now >= end + check.interval);
        check.is_on_demand() && is_old && frozen.is_none()
    }

    /// Whether the verdict has changed at this time.
    pub(crate) fn turns_now(&self, index: usize) -> bool {
        let latest = self
            .turns
            .iter()
            .rev()
            .take_while(|turn| turn.at == self.now);
        latest.into_iter().any(|turn| turn.check == index)
    }

    /// This check does not run any more.
    pub(crate) fn is_over(&self, index: usize) -> bool {
        self.checks[index].frozen.is_some()
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }
}

impl State {
    fn is_older_than_stale_after(&self, now: u64) -> bool {
        let stale_after = self.check.stale_after();
        self.last_good.is_some_and(|good| now >= good + stale_after)
    }
}

pub(crate) fn is_good(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Warn)
}
