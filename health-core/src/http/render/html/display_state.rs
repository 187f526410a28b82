//! The states by which the page counts and filters checks.

use crate::check::outcome::Status;
use crate::verdict::Verdict;
use crate::verdict::snapshot::CheckReport;

/// The state of a check on the page. It distinguishes more than a [`Verdict`].
///
/// It is never shown by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisplayState {
    Failing,
    /// Failing, because its runs do not return within their timeout.
    Hung,
    /// It was good, but the last result is too old.
    Stale,
    /// There is no result yet.
    Unknown,
    Skipped,
    Degraded,
    Passing,
}

impl DisplayState {
    /// In order of urgency.
    pub(crate) const ALL: [DisplayState; 7] = [
        DisplayState::Failing,
        DisplayState::Hung,
        DisplayState::Stale,
        DisplayState::Unknown,
        DisplayState::Skipped,
        DisplayState::Degraded,
        DisplayState::Passing,
    ];

    pub(super) fn of(report: &CheckReport) -> Self {
        match report.verdict() {
            Verdict::Fail if report.is_timed_out() => DisplayState::Hung,
            // A gate that is not open yet fails its probes, but has no result.
            Verdict::Fail if !report.has_result() => DisplayState::Unknown,
            Verdict::Unknown if report.is_stale() => DisplayState::Stale,
            verdict => verdict.into(),
        }
    }

    /// Returns the value of `?state=`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DisplayState::Failing => "failing",
            DisplayState::Hung => "hung",
            DisplayState::Stale => "stale",
            DisplayState::Unknown => "unknown",
            DisplayState::Skipped => "skipped",
            DisplayState::Degraded => "degraded",
            DisplayState::Passing => "passing",
        }
    }

    pub(super) fn named(name: &str) -> Option<DisplayState> {
        let mut all = DisplayState::ALL.into_iter();
        all.find(|state| state.as_str() == name)
    }

    /// Returns the word after a number of checks.
    pub(super) fn counted(self) -> &'static str {
        match self {
            DisplayState::Unknown => "without a result",
            state => state.as_str(),
        }
    }

    /// Returns the CSS class, which is also the name of the icon.
    pub(super) fn class(self) -> &'static str {
        match self {
            DisplayState::Failing | DisplayState::Hung => "fail",
            DisplayState::Stale | DisplayState::Unknown => "unknown",
            DisplayState::Skipped => "skipped",
            DisplayState::Degraded => "warn",
            DisplayState::Passing => "pass",
        }
    }

    /// Returns the colour of images, as hexadecimal digits.
    pub(super) fn colour(self) -> &'static str {
        match self {
            DisplayState::Failing | DisplayState::Hung => "c0262d",
            DisplayState::Stale | DisplayState::Unknown | DisplayState::Skipped => "56616d",
            DisplayState::Degraded => "8a5a00",
            DisplayState::Passing => "137a3e",
        }
    }
}

impl From<Verdict> for DisplayState {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => DisplayState::Passing,
            Verdict::Warn => DisplayState::Degraded,
            Verdict::Fail => DisplayState::Failing,
            Verdict::Unknown => DisplayState::Unknown,
            Verdict::Skipped => DisplayState::Skipped,
        }
    }
}

/// The state of a service, a probe or a group.
impl From<Status> for DisplayState {
    fn from(status: Status) -> Self {
        Verdict::from(status).into()
    }
}
