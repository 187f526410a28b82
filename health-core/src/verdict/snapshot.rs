//! What a reader sees at one moment.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::class::FailureClass;
use crate::check::options::{Links, Plan};
use crate::check::outcome::{Observed, Outcome, Reason, Status};
use crate::check::probe::{Probe, Probes};
use crate::check::source::Reports;
use crate::time::clock::Moment;
use crate::verdict::history::{History, Kept};
use crate::verdict::incident::Incident;
use crate::verdict::track::{Finished, Standing, Track, Verdict};

/// So many names say what startup waits for; the others are counted.
const MOST_NAMES: usize = 5;

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
    /// Why startup has not passed, as if it were a check.
    startup: Option<CheckReport>,
    stage: Stage,
}

/// How far the service has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    pub(crate) started: bool,
    pub(crate) draining: bool,
    /// Readiness fails for that, whatever the checks say.
    pub(crate) closed: bool,
}

impl Snapshot {
    pub(crate) fn new(
        status: [Status; Probe::ALL.len()],
        checks: Vec<CheckReport>,
        stage: Stage,
    ) -> Self {
        Snapshot {
            status,
            startup: if stage.started {
                None
            } else {
                startup(&checks)
            },
            checks,
            stage,
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

    /// What an answer lists: the checks, and what startup waits for.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &CheckReport> + Clone {
        self.checks.iter().chain(&self.startup)
    }

    /// Whether startup has passed, so that only the checks are listed.
    pub(crate) fn has_started(&self) -> bool {
        self.stage.started
    }

    /// Whether the service is on its way out.
    pub fn is_draining(&self) -> bool {
        self.stage.draining
    }

    /// Whether readiness fails for that, whatever the checks say.
    pub(crate) fn is_closed(&self) -> bool {
        self.stage.closed
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

/// What startup waits for, as a failing check of that name.
fn startup(checks: &[CheckReport]) -> Option<CheckReport> {
    let awaited: Vec<&str> = checks
        .iter()
        .filter(|check| check.is_awaited())
        .map(CheckReport::name)
        .collect();
    let (named, others) = awaited.split_at(awaited.len().min(MOST_NAMES));
    let mut text = format!("waits for {}", named.join(", "));
    if !others.is_empty() {
        text = format!("{text} and {} more", others.len());
    }
    (!awaited.is_empty()).then(|| CheckReport::startup(Outcome::fail(text)))
}

/// What readers see of a check, to tell whether a change is visible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) standing: Standing,
    pub(crate) answers: u64,
    pub(crate) overdue: Option<Moment>,
    /// The reports that a source has counted itself.
    pub(crate) reports: u64,
}

impl Seen {
    pub(crate) fn of(track: &Track) -> Self {
        Seen {
            standing: track.standing(),
            answers: track.answers(),
            overdue: track.overdue_since(),
            reports: 0,
        }
    }
}

/// One check at one moment: the verdict, and the last result behind it.
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: Arc<str>,
    probes: Probes,
    critical: bool,
    description: Option<&'static str>,
    tags: &'static [&'static str],
    affects: &'static [&'static str],
    links: Links,
    component: &'static str,
    seen: Seen,
    blocked_by: Option<Arc<str>>,
    consecutive: u32,
    incident: Option<Incident>,
    overdue_since: Option<SystemTime>,
    last: Option<Arc<Finished>>,
    /// When the last report came, of a source that goes on reporting the same.
    reported_at: Option<SystemTime>,
    kept: Option<Box<Kept>>,
}

impl CheckReport {
    pub(crate) fn new(name: Arc<str>, plan: &Plan, track: &Track, now: Moment) -> Self {
        let reports = track.reports();
        let seen = Seen {
            reports: reports.map_or(0, |reports| reports.count),
            ..Seen::of(track)
        };
        let since = |since: Moment| SystemTime::now().checked_sub(now.since(since));
        CheckReport {
            name,
            probes: plan.probes,
            critical: !plan.critical.is_empty(),
            description: plan.description,
            tags: plan.tags,
            affects: plan.affects,
            links: plan.links,
            component: plan.component,
            seen,
            blocked_by: track.blocked_by().cloned(),
            consecutive: track.consecutive(),
            incident: track.incident(),
            overdue_since: seen.overdue.and_then(since),
            last: track.last().cloned(),
            reported_at: reports.and_then(Reports::at),
            kept: None,
        }
    }

    pub(crate) fn with_history(self, kept: Kept) -> Self {
        CheckReport {
            kept: Some(Box::new(kept)),
            ..self
        }
    }

    fn startup(outcome: Outcome) -> Self {
        let last = Finished {
            outcome,
            took: None,
            at: SystemTime::now(),
        };
        CheckReport {
            name: Probe::Startup.as_str().into(),
            probes: Probes::NONE.with(Probe::Startup).with(Probe::Readiness),
            critical: true,
            description: None,
            tags: &[],
            affects: &[],
            links: &[],
            component: "component",
            seen: Seen {
                standing: Standing {
                    verdict: Verdict::Fail,
                    stale: false,
                    before_skip: Verdict::Pass,
                },
                answers: 1,
                overdue: None,
                reports: 0,
            },
            blocked_by: None,
            incident: None,
            kept: None,
            consecutive: 1,
            overdue_since: None,
            reported_at: None,
            last: Some(Arc::new(last)),
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

    /// What does not work while the check does not pass, as URI templates.
    pub fn affects(&self) -> &'static [&'static str] {
        self.affects
    }

    /// Where people find more, as URIs by relation.
    pub fn links(&self) -> &'static [(&'static str, &'static str)] {
        self.links
    }

    /// What kind of thing is checked; `component` unless the check says more.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// Whether the check counts for a probe.
    pub fn counts_for(&self, probe: Probe) -> bool {
        self.probes.contains(probe)
    }

    pub(crate) fn probes(&self) -> Probes {
        self.probes
    }

    /// Whether some probe fails while this check does.
    pub fn is_critical(&self) -> bool {
        self.critical
    }

    /// What is held of the check: the last results, thresholds and age applied.
    pub fn verdict(&self) -> Verdict {
        self.seen.standing.verdict
    }

    /// The failing check at the root of why this one is not run, if it is
    /// [skipped](Verdict::Skipped).
    pub fn blocked_by(&self) -> Option<&str> {
        self.blocked_by.as_deref()
    }

    /// The last result as it came, before the thresholds; `None` before the first.
    pub fn last_status(&self) -> Option<Status> {
        Some(self.last_outcome()?.status())
    }

    /// How many results of the last one's kind (failing or not) came in a row.
    pub fn consecutive(&self) -> u32 {
        self.consecutive
    }

    /// The name of the incident that goes on, from when the check stopped being
    /// good until it works again; `None` while it does. The log has the same one.
    pub fn incident(&self) -> Option<Incident> {
        self.incident
    }

    /// How long the last run took; its timeout if it was not back by then.
    /// `None` for a check that is reported and never run.
    pub fn response_time(&self) -> Option<Duration> {
        self.last.as_ref()?.took
    }

    /// When the last result came, by the wall clock.
    pub fn checked_at(&self) -> Option<SystemTime> {
        self.reported_at.or(Some(self.last.as_ref()?.at))
    }

    /// Since when a run is in flight that has been counted as timed out. No
    /// second run starts meanwhile.
    pub fn overdue_since(&self) -> Option<SystemTime> {
        self.overdue_since
    }

    /// Two reports of one check that say the same say it in the same words.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Why the check does not pass, in words that anyone may read: the check's
    /// own public text, `timed out`, `panicked`, `stale`, or `withheld` for an
    /// error, whose text is private.
    pub fn message(&self) -> Option<&str> {
        if self.blocked_by.is_some() {
            return None;
        }
        if self.seen.standing.stale {
            return Some("stale");
        }
        self.last_message()
    }

    /// What kind of failure the last result was, if the check says so. Public,
    /// like [`message`](Self::message).
    pub fn failure_class(&self) -> Option<FailureClass> {
        if self.blocked_by.is_some() || self.seen.standing.stale {
            return None;
        }
        self.last_outcome()?.failure_class()
    }

    /// The public text of the last result, whatever the verdict.
    pub(crate) fn last_message(&self) -> Option<&str> {
        self.last_outcome()?.reason().map(Reason::as_str)
    }

    /// The private cause of the last result: the error's text and those of its
    /// sources. Never part of a public answer.
    pub fn cause(&self) -> &[String] {
        self.last_outcome().map_or(&[], Outcome::cause)
    }

    /// Whether startup waits for it, unless it has passed already.
    pub(crate) fn is_awaited(&self) -> bool {
        self.counts_for(Probe::Startup) && !self.verdict().is_good()
    }

    /// The last results, and what can be counted of them. Read anew at each call.
    pub fn history(&self) -> History {
        let (Some(kept), Some(newest)) = (&self.kept, &self.last) else {
            return History::default();
        };
        kept.history(newest.at)
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
