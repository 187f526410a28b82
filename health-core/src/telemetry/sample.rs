//! The values of a scrape.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::options::Plan;
use crate::check::outcome::Status;
use crate::check::probe::{Probe, Probes};
use crate::check::unit::Unit;
use crate::time::clock::Moment;
use crate::verdict::Verdict;
use crate::verdict::check_state::CheckState;
use crate::verdict::stats::Stats;

/// All checks at one moment, and the resulting status of the probes.
#[derive(Debug)]
pub(crate) struct Sample<'a> {
    pub(crate) version: Option<&'a str>,
    pub(crate) started_at: SystemTime,
    pub(crate) drain_started_at: Option<SystemTime>,
    pub(crate) status: [Status; Probe::ALL.len()],
    pub(crate) checks: Vec<CheckSample>,
}

/// The values of one check.
#[derive(Debug)]
pub(crate) struct CheckSample {
    pub(crate) name: Arc<str>,
    pub(crate) probes: Probes,
    pub(crate) verdict: Verdict,
    pub(crate) consecutive_failures: u32,
    /// The age of the current run.
    pub(crate) in_flight: Option<Duration>,
    pub(crate) stats: Stats,
    /// The number of runs, or of reports.
    pub(crate) runs: u64,
    /// The declared unit, and the last observed value in it.
    pub(crate) observed: Option<(Unit, Option<f64>)>,
    /// The time from the start to the last change of the verdict.
    pub(crate) turned_after: Duration,
}

impl CheckSample {
    pub(crate) fn new(name: Arc<str>, plan: &Plan, state: &CheckState, now: Moment) -> Self {
        CheckSample {
            name,
            probes: plan.probes,
            verdict: state.verdict(),
            consecutive_failures: state.consecutive_failures(),
            in_flight: state.in_flight(now),
            stats: state.stats(),
            runs: state.runs(),
            observed: plan.observes.map(|unit| (unit, observed(state, unit))),
            turned_after: state.since().since(Moment::START),
        }
    }
}

fn observed(state: &CheckState, unit: Unit) -> Option<f64> {
    unit.value(state.last()?.outcome.observed()?)
}
