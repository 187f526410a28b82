//! Runs of a check: requests, the run in flight and its timeout.

use std::sync::Arc;
use std::time::Duration;

use crate::check::outcome::Outcome;
use crate::time::clock::Moment;
use crate::verdict::Verdict;
use crate::verdict::check_state::{CheckState, Finished};
use crate::verdict::late::{Explanation, LateEnd};

/// A run in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    started: Moment,
    /// The timeout has been recorded, so its result no longer counts.
    overdue: bool,
    /// The time of the next failure for a run that has not ended.
    pub(super) next_miss: Moment,
}

/// The state of the next run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It starts at its due time.
    WhenDue,
    /// It was requested, but not yet decided on.
    Requested,
    /// It was decided on but has not begun. Further requests join it.
    Starting,
}

/// The maximum number of periods of a hung run that are counted individually.
const MAX_RECORDED_MISSES: u32 = 100;

impl CheckState {
    /// Requests a run. Returns `false` if the request joins a run in flight that has
    /// not timed out.
    pub(crate) fn request_run(&mut self) -> bool {
        let in_flight = self.flight.is_some_and(|flight| !flight.overdue);
        if in_flight || self.next == Next::Starting {
            return false;
        }
        self.next = Next::Requested;
        true
    }

    /// Returns whether a run was requested but not yet decided on.
    pub(crate) fn is_requested(&self) -> bool {
        self.next == Next::Requested
    }

    /// Returns whether to run now: the check is due, was requested or had been
    /// skipped.
    pub(crate) fn decide(&mut self, is_due: bool) -> bool {
        let run = is_due || self.next == Next::Requested || self.skipped.is_some();
        self.next = if run { Next::Starting } else { Next::WhenDue };
        run
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

    /// Records the end of a run that has timed out. The end becomes the cause of the
    /// timeout. Returns the explanation if it differs from the known one.
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

    /// Records a failure of a run at its deadline, and another one for each
    /// period after it. After more than 100 missed periods, failures that cannot
    /// change the verdict are left out.
    pub(super) fn miss(&mut self, flight: Flight, now: Moment) {
        let missed = flight.next_miss;
        let is_settled = self.settled == Verdict::Fail && self.streak.failing;
        let is_far_behind = now.since(missed) > MAX_RECORDED_MISSES * self.miss_every;
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
}
