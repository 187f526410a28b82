//! The states by which the page counts and filters checks.

use crate::check::outcome::Status;
use crate::http::render::html::format::State;
use crate::verdict::Verdict;
use crate::verdict::snapshot::CheckReport;

/// The state of a check on the page. It distinguishes more than a [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
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

impl Kind {
    /// In order of urgency.
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Failing,
        Kind::Hung,
        Kind::Stale,
        Kind::Unknown,
        Kind::Skipped,
        Kind::Degraded,
        Kind::Passing,
    ];

    pub(super) fn of(report: &CheckReport) -> Self {
        match report.verdict() {
            Verdict::Fail if report.is_timed_out() => Kind::Hung,
            // A gate that is not open yet fails its probes, but has no result.
            Verdict::Fail if !report.has_result() => Kind::Unknown,
            Verdict::Fail => Kind::Failing,
            Verdict::Unknown if report.is_stale() => Kind::Stale,
            Verdict::Unknown => Kind::Unknown,
            Verdict::Skipped => Kind::Skipped,
            Verdict::Warn => Kind::Degraded,
            Verdict::Pass => Kind::Passing,
        }
    }

    /// Returns the value of `?state=`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Failing => "failing",
            Kind::Hung => "hung",
            Kind::Stale => "stale",
            Kind::Unknown => "unknown",
            Kind::Skipped => "skipped",
            Kind::Degraded => "degraded",
            Kind::Passing => "passing",
        }
    }

    pub(super) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the word after a number of checks.
    pub(super) fn counted(self) -> &'static str {
        match self {
            Kind::Unknown => "without a result",
            kind => kind.as_str(),
        }
    }

    pub(super) fn state(self) -> State {
        let (word, class) = match self {
            Kind::Failing => ("Failing", "fail"),
            Kind::Hung => ("Hung", "fail"),
            Kind::Stale => ("Stale", "unknown"),
            Kind::Unknown => ("Unknown", "unknown"),
            Kind::Skipped => ("Skipped", "skipped"),
            Kind::Degraded => ("Degraded", "warn"),
            Kind::Passing => ("Passing", "pass"),
        };
        State { word, class }
    }
}

/// Returns the state of a service, a probe or a group.
pub(super) fn state_of(status: Status) -> State {
    let kind = match status {
        Status::Pass => Kind::Passing,
        Status::Warn => Kind::Degraded,
        Status::Fail => Kind::Failing,
    };
    kind.state()
}
