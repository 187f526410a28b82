//! Checks that are reported instead of run.

use std::sync::Arc;
use std::time::SystemTime;

use crate::check::options::Plan;
use crate::check::outcome::{Outcome, Status};
use crate::check::source::{Reading, Reports, Source, View};
use crate::time::clock::Moment;
#[cfg(feature = "status-page")]
use crate::verdict::Verdict;
use crate::verdict::check_state::{CheckState, Finished};

/// The source of a reported check.
#[derive(Debug)]
pub(super) struct Reported {
    source: Arc<dyn Source>,
    /// When the source was first read.
    since: Moment,
    /// When its reading expires.
    pub(super) until: Option<Moment>,
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

impl CheckState {
    /// Creates the state of a check that is reported instead of run. It has no
    /// result before the first [`look`](Self::look).
    pub(crate) fn reported(plan: &Plan, kept: usize, source: Arc<dyn Source>, now: Moment) -> Self {
        let reported = Reported {
            source,
            since: now,
            until: None,
            lenient_until: Moment::START,
        };
        CheckState {
            reported: Some(Box::new(reported)),
            ..CheckState::new(plan, kept, now)
        }
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.reported.is_some()
    }

    /// Returns whether the check is reported and its verdict can still change.
    pub(crate) fn follows_others(&self) -> bool {
        self.is_reported() && !self.retired
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

    /// Ends the skip of a reported check. Missed beats during the skip do not count.
    pub(crate) fn resume(&mut self, now: Moment, view: &View<'_>) {
        self.skipped = None;
        if let Some(reported) = &mut self.reported {
            reported.lenient_until = now + reported.source.patience();
        }
        self.look(now, view);
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

    /// Returns the reports that the source has counted itself. Their number never
    /// decreases, regardless of the verdict.
    pub(super) fn counted_reports(&self) -> Option<Reports> {
        self.reported.as_ref()?.source.reports()
    }

    /// Returns the reports that the source has counted itself, if the last of
    /// them passed.
    pub(crate) fn reports(&self) -> Option<Reports> {
        let is_good = self.settled.is_good() && !self.retired && self.forced.is_none();
        self.counted_reports().filter(|_| is_good)
    }
}
