//! A consistent view of all checks at one moment.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::check::class::FailureClass;
use crate::check::options::{CheckOptions, Plan};
use crate::check::outcome::{Observed, Outcome, Reason, Status};
use crate::check::probe::Probe;
use crate::check::source::Reports;
use crate::text::list::listed;
use crate::time::clock::Moment;
use crate::verdict::Verdict;
use crate::verdict::check_state::{CheckState, Finished, Standing};
use crate::verdict::history::{History, Kept};
use crate::verdict::incident::Incident;

/// The maximum number of checks that the message of startup names; the others
/// are counted.
const MAX_NAMES: usize = 5;

/// A snapshot of the service and its checks.
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
    /// The reason why startup has not passed, in the form of a check.
    startup: Option<CheckReport>,
    stage: Stage,
}

/// The lifecycle stage of the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stage {
    pub(crate) started: bool,
    pub(crate) draining: bool,
    /// Whether readiness fails because of the drain, regardless of the checks.
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

    /// Returns the status of one probe.
    pub fn status(&self, probe: Probe) -> Status {
        self.status[probe as usize]
    }

    /// Returns the worst status of all probes, which is that of `/health`.
    pub fn overall(&self) -> Status {
        Status::worst(self.status)
    }

    /// Returns every check, sorted by name.
    pub fn checks(&self) -> &[CheckReport] {
        &self.checks
    }

    /// Returns the entries of an answer: the checks, and the entry for startup
    /// if it has not passed.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().chain(&self.startup)
    }

    /// Returns whether startup has passed, so that only the checks are listed.
    pub(crate) fn has_started(&self) -> bool {
        self.stage.started
    }

    /// Returns whether the service is draining.
    pub fn is_draining(&self) -> bool {
        self.stage.draining
    }

    /// Returns whether readiness fails because of the drain, regardless of the
    /// checks.
    pub(crate) fn is_closed(&self) -> bool {
        self.stage.closed
    }
}

/// Returns the checks that startup waits for, in the form of a failing check.
fn startup(checks: &[CheckReport]) -> Option<CheckReport> {
    let awaited: Vec<&str> = checks
        .iter()
        .filter(|check| check.is_awaited())
        .map(CheckReport::name)
        .collect();
    let text = format!("waits for {}", listed(&awaited, MAX_NAMES, ", "));
    (!awaited.is_empty()).then(|| CheckReport::startup(Outcome::fail(text)))
}

/// The visible part of a check, compared to detect changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) standing: Standing,
    pub(crate) answers: u64,
    pub(crate) overdue: Option<Moment>,
    /// The number of reports that the source itself counted.
    pub(crate) reports: u64,
}

impl Seen {
    pub(crate) fn of(state: &CheckState) -> Self {
        Seen {
            standing: state.standing(),
            answers: state.answers(),
            overdue: state.overdue_since(),
            reports: 0,
        }
    }
}

/// A check at one moment: the verdict, and the last result behind it.
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: Arc<str>,
    plan: Arc<Plan>,
    seen: Seen,
    blocked_by: Option<Arc<str>>,
    consecutive: u32,
    incident: Option<Incident>,
    overdue_since: Option<SystemTime>,
    last: Option<Arc<Finished>>,
    /// The time of the last report, for a source that repeats its reports.
    reported_at: Option<SystemTime>,
    kept: Option<Box<Kept>>,
    #[cfg(feature = "status-page")]
    is_reported: bool,
    /// Since when the verdict is unchanged, if it does not pass.
    #[cfg(feature = "status-page")]
    since: Option<SystemTime>,
    #[cfg(feature = "status-page")]
    notice: Option<Notice>,
}

/// A switch that is off.
#[cfg(feature = "status-page")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    /// When it turns on again automatically.
    pub(crate) until: Option<SystemTime>,
}

impl CheckReport {
    pub(crate) fn new(name: Arc<str>, plan: Arc<Plan>, state: &CheckState, now: Moment) -> Self {
        let reports = state.reports();
        let seen = Seen {
            reports: reports.map_or(0, |reports| reports.count),
            ..Seen::of(state)
        };
        let since = |since: Moment| SystemTime::now().checked_sub(now.since(since));
        CheckReport {
            name,
            plan,
            seen,
            blocked_by: state.blocked_by().cloned(),
            consecutive: state.consecutive(),
            incident: state.incident(),
            overdue_since: seen.overdue.and_then(since),
            last: state.last().cloned(),
            reported_at: reports.and_then(Reports::at),
            kept: None,
            #[cfg(feature = "status-page")]
            is_reported: state.is_reported(),
            // Only computed here, since each answer creates all reports.
            #[cfg(feature = "status-page")]
            since: match state.verdict() {
                Verdict::Pass => None,
                _ => since(state.since()),
            },
            #[cfg(feature = "status-page")]
            notice: Notice::of(state, now),
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
        let options = CheckOptions::new().startup().readiness().critical();
        CheckReport {
            name: Probe::Startup.as_str().into(),
            plan: Arc::new(options.with_defaults()),
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
            #[cfg(feature = "status-page")]
            is_reported: true,
            #[cfg(feature = "status-page")]
            since: None,
            #[cfg(feature = "status-page")]
            notice: None,
            last: Some(Arc::new(last)),
        }
    }

    /// Returns the name of the check.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the one-line description of the check.
    pub fn description(&self) -> Option<&str> {
        self.plan.description.as_deref()
    }

    /// Returns the tags of the check.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.plan.tags.iter().map(|tag| &**tag)
    }

    /// Returns the endpoints that do not work while the check does not pass, as
    /// URI templates.
    pub fn affects(&self) -> impl Iterator<Item = &str> {
        self.plan.affects.iter().map(|endpoint| &**endpoint)
    }

    /// Returns URIs with further information, by relation.
    pub fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        let links = self.plan.links.iter();
        links.map(|(relation, uri)| (&**relation, &**uri))
    }

    /// Returns the type of the component. Default `component`.
    pub fn component(&self) -> &str {
        &self.plan.component
    }

    /// Returns whether the check counts for a probe.
    pub fn counts_for(&self, probe: Probe) -> bool {
        self.plan.probes.contains(probe)
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns whether the check is critical for any probe.
    pub fn is_critical(&self) -> bool {
        !self.plan.critical.is_empty()
    }

    /// Returns the verdict: the last results after applying thresholds and age.
    pub fn verdict(&self) -> Verdict {
        self.seen.standing.verdict
    }

    /// Returns the status of the check in a group, regardless of its probes.
    pub(crate) fn status_in_group(&self) -> Status {
        self.verdict().status_in_group(self.is_critical())
    }

    pub(crate) fn passes(&self) -> bool {
        self.verdict() == Verdict::Pass
    }

    /// Returns the failing check that causes this one to be
    /// [skipped](Verdict::Skipped).
    pub fn blocked_by(&self) -> Option<&str> {
        self.blocked_by.as_deref()
    }

    /// Returns the last result before thresholds; `None` before the first one.
    pub fn last_status(&self) -> Option<Status> {
        Some(self.last_outcome()?.status())
    }

    /// Returns how many consecutive results were like the last one (failing or
    /// not).
    pub fn consecutive(&self) -> u32 {
        self.consecutive
    }

    /// Returns the ID of the current incident, which lasts from the first bad
    /// verdict until the check works again. `None` while the check works. The
    /// log shows the same ID.
    pub fn incident(&self) -> Option<Incident> {
        self.incident
    }

    /// Returns the duration of the last run, or its timeout if it exceeded
    /// that. `None` for a check that is reported instead of run.
    pub fn response_time(&self) -> Option<Duration> {
        self.last.as_ref()?.took
    }

    /// Returns the wall-clock time of the last result.
    pub fn checked_at(&self) -> Option<SystemTime> {
        self.reported_at.or(Some(self.last.as_ref()?.at))
    }

    /// Returns since when a run that already timed out has been in flight. No
    /// second run starts meanwhile.
    pub fn overdue_since(&self) -> Option<SystemTime> {
        self.overdue_since
    }

    /// Returns the visible part. Two reports of one check with equal parts have
    /// equal texts.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Returns the public reason why the check does not pass: its own public
    /// text, `timed out`, `panicked`, `stale`, or `withheld` for an error,
    /// whose text is private.
    pub fn message(&self) -> Option<&str> {
        if self.blocked_by.is_some() {
            return None;
        }
        if self.seen.standing.stale {
            return Some("stale");
        }
        self.last_message()
    }

    /// Returns the failure class of the last result, if it has one. Public, like
    /// [`message`](Self::message).
    pub fn failure_class(&self) -> Option<FailureClass> {
        if self.blocked_by.is_some() || self.seen.standing.stale {
            return None;
        }
        self.last_outcome()?.failure_class()
    }

    /// Returns the public text of the last result, regardless of the verdict.
    pub(crate) fn last_message(&self) -> Option<&str> {
        self.last_outcome()?.reason().map(Reason::as_str)
    }

    /// Returns the private cause of the last result: the error's text and those
    /// of its sources. It is never part of a public answer.
    pub fn cause(&self) -> &[String] {
        self.last_outcome().map_or(&[], Outcome::cause)
    }

    /// Returns whether startup waits for the check, unless it has already
    /// passed.
    pub(crate) fn is_awaited(&self) -> bool {
        self.counts_for(Probe::Startup) && !self.verdict().is_good()
    }

    /// Returns the last results and their statistics. Computed at each call.
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
/// What only the status page shows.
#[cfg(feature = "status-page")]
impl Snapshot {
    /// Returns the status of the checks, regardless of a drain.
    pub(crate) fn without_drain(&self) -> Status {
        Status::worst(self.checks.iter().map(CheckReport::status_in_group))
    }
}

#[cfg(feature = "status-page")]
impl Notice {
    fn of(state: &CheckState, now: Moment) -> Option<Self> {
        let until = |until: Moment| SystemTime::now().checked_add(until.since(now));
        state.switched_off().map(|off| Notice {
            until: off.until.and_then(until),
        })
    }
}

/// What only the status page shows.
#[cfg(feature = "status-page")]
impl CheckReport {
    /// Returns whether the check is reported instead of run.
    pub(crate) fn is_reported(&self) -> bool {
        self.is_reported
    }

    /// Returns the wall-clock time since which the verdict is unchanged, unless
    /// the check passes.
    pub(crate) fn since(&self) -> Option<SystemTime> {
        self.since
    }

    /// Returns the notice of a switch that is off.
    pub(crate) fn notice(&self) -> Option<Notice> {
        self.notice
    }

    /// Returns whether there has been a result, or the check has been skipped.
    pub(crate) fn has_result(&self) -> bool {
        self.seen.answers > 0
    }

    /// Returns whether the last run has exceeded its timeout.
    pub(crate) fn is_timed_out(&self) -> bool {
        self.last_outcome().is_some_and(Outcome::is_timed_out)
    }

    /// Returns whether the verdict was good and there has been no result for too
    /// long.
    pub(crate) fn is_stale(&self) -> bool {
        self.seen.standing.stale
    }
}
