//! What a reader sees at one moment.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::history::{History, Kept};
use crate::options::Plan;
use crate::outcome::{Observed, Outcome, Reason, Status};
use crate::probe::{Probe, Probes};
use crate::verdict::{Finished, Track, Verdict};

/// The state of the service at one moment, for code that wants to look.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use health_core::{Health, Probe, Status};
///
/// let health = Health::builder().start()?;
/// let snapshot = health.snapshot();
/// assert_eq!(snapshot.status(Probe::Readiness), Status::Pass);
/// for check in snapshot.checks() {
///     println!("{}: {}", check.name(), check.verdict());
/// }
/// # Ok::<_, health_core::StartError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    status: [Status; Probe::ALL.len()],
    checks: Vec<CheckReport>,
    draining: bool,
}

impl Snapshot {
    pub(crate) fn new(
        status: [Status; Probe::ALL.len()],
        checks: Vec<CheckReport>,
        draining: bool,
    ) -> Self {
        Snapshot {
            status,
            checks,
            draining,
        }
    }

    /// The answer to one probe.
    pub fn status(&self, probe: Probe) -> Status {
        self.status[probe as usize]
    }

    /// The worst answer to any probe, which is what `/health` says.
    pub fn overall(&self) -> Status {
        worst(self.status)
    }

    /// Every check, sorted by name.
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// Whether the service is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining
    }
}

pub(crate) fn worst(statuses: impl IntoIterator<Item = Status>) -> Status {
    let severity = |status: &Status| match status {
        Status::Pass => 0,
        Status::Warn => 1,
        Status::Fail => 2,
    };
    statuses
        .into_iter()
        .max_by_key(severity)
        .unwrap_or(Status::Pass)
}

/// One check at one moment: the verdict, and the last result behind it.
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: Arc<str>,
    probes: Probes,
    critical: bool,
    description: Option<&'static str>,
    tags: &'static [&'static str],
    component: &'static str,
    verdict: Verdict,
    stale: bool,
    skipped_for: Option<Arc<str>>,
    consecutive: u32,
    running_since: Option<SystemTime>,
    last: Option<Arc<Finished>>,
    kept: Option<Box<Kept>>,
}

impl CheckReport {
    pub(crate) fn new(name: Arc<str>, plan: &Plan, track: &Track) -> Self {
        let overdue = track.overdue_since();
        CheckReport {
            name,
            probes: plan.probes,
            critical: !plan.critical.is_empty(),
            description: plan.description,
            tags: plan.tags,
            component: plan.component,
            verdict: track.verdict(),
            stale: track.is_stale(),
            skipped_for: track.skipped_for().cloned(),
            consecutive: track.consecutive(),
            running_since: overdue.and_then(|since| SystemTime::now().checked_sub(since.elapsed())),
            last: track.last().cloned(),
            kept: None,
        }
    }

    pub(crate) fn with_history(self, kept: Kept) -> Self {
        CheckReport {
            kept: Some(Box::new(kept)),
            ..self
        }
    }

    /// The name of the check.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is checked, in a line for people.
    pub fn description(&self) -> Option<&'static str> {
        self.description
    }

    /// The labels of the check.
    pub fn tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// What kind of thing is checked; `component` unless the check says more.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// Whether the check counts for a probe.
    pub fn counts_for(&self, probe: Probe) -> bool {
        self.probes.contains(probe)
    }

    /// Whether some probe fails while this check does.
    pub fn is_critical(&self) -> bool {
        self.critical
    }

    /// What is held of the check: the last results, thresholds and age applied.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The failing check at the root of why this one is not run, if it is
    /// [skipped](Verdict::Skipped).
    pub fn skipped_for(&self) -> Option<&str> {
        self.skipped_for.as_deref()
    }

    /// The last result as it came, before the thresholds; `None` before the first.
    pub fn last_status(&self) -> Option<Status> {
        Some(self.last_outcome()?.status())
    }

    /// How many results of the last one's kind (failing or not) came in a row.
    pub fn consecutive(&self) -> u32 {
        self.consecutive
    }

    /// How long the last run took; its timeout if it was not back by then.
    pub fn response_time(&self) -> Option<Duration> {
        Some(self.last.as_ref()?.took)
    }

    /// When the last result came, by the wall clock.
    pub fn checked_at(&self) -> Option<SystemTime> {
        Some(self.last.as_ref()?.at)
    }

    /// Since when a run is in flight that has been counted as timed out. No
    /// second run starts meanwhile.
    pub fn running_since(&self) -> Option<SystemTime> {
        self.running_since
    }

    /// Why the check does not pass, in words that anyone may read: the check's
    /// own public text, `timed out`, `panicked`, `stale`, or `withheld` for an
    /// error, whose text is private.
    pub fn message(&self) -> Option<&str> {
        if self.skipped_for.is_some() {
            return None;
        }
        if self.stale {
            return Some("stale");
        }
        self.last_outcome()?.reason().map(Reason::as_str)
    }

    /// The private cause of the last result: the error's text and those of its
    /// sources. Never part of a public answer.
    pub fn cause(&self) -> &[String] {
        self.last_outcome().map_or(&[], Outcome::cause)
    }

    /// The last results, and what can be counted of them. Read anew at each call.
    pub fn history(&self) -> History {
        let (Some(kept), Some(newest)) = (&self.kept, self.checked_at()) else {
            return History::default();
        };
        kept.history(newest)
    }

    pub(crate) fn observed(&self) -> Option<&Observed> {
        self.last_outcome()?.observed()
    }

    pub(crate) fn detail(&self) -> Option<&serde_json::Value> {
        self.last_outcome()?.detailed()
    }

    fn last_outcome(&self) -> Option<&Outcome> {
        Some(&self.last.as_ref()?.outcome)
    }
}
