//! The state of the checks, changed by results and deadlines. No clock, no I/O.

pub(crate) mod causes;
#[cfg(feature = "status-page")]
pub(crate) mod changes;
pub(crate) mod check_state;
#[cfg(feature = "status-page")]
pub(crate) mod day;
pub(crate) mod deadlines;
pub(crate) mod history;
pub(crate) mod impact;
pub(crate) mod incident;
pub(crate) mod late;
pub(crate) mod snapshot;
pub(crate) mod stats;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::check::outcome::Status;

/// The verdict of a check, derived from its last results.
///
/// Thresholds determine how many consecutive results change the verdict. A
/// verdict stays valid until it is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The check works.
    Pass,
    /// The check works, but needs attention.
    Warn,
    /// The check does not work.
    Fail,
    /// There is no result yet, or no recent one.
    Unknown,
    /// The check was not run, because a prerequisite fails.
    Skipped,
}

impl Verdict {
    pub(crate) const ALL: [Verdict; 5] = [
        Verdict::Pass,
        Verdict::Warn,
        Verdict::Fail,
        Verdict::Unknown,
        Verdict::Skipped,
    ];

    /// Returns the name in reports and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "ok",
            Verdict::Warn => "degraded",
            Verdict::Fail => "error",
            Verdict::Unknown => "unknown",
            Verdict::Skipped => "skipped",
        }
    }

    /// Returns whether the check works: it passes or warns.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Verdict::Pass | Verdict::Warn)
    }

    /// Returns the status of the check by itself. Unknown does not count as
    /// healthy.
    pub(crate) const fn status(self) -> Status {
        match self {
            Verdict::Pass => Status::Pass,
            Verdict::Warn => Status::Warn,
            Verdict::Fail | Verdict::Unknown | Verdict::Skipped => Status::Fail,
        }
    }

    /// Returns the status of the check in a group, regardless of its probes.
    pub(crate) const fn status_in_group(self, is_critical: bool) -> Status {
        match self.status() {
            Status::Fail if !is_critical => Status::Warn,
            status => status,
        }
    }
}

impl From<Status> for Verdict {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Verdict::Pass,
            Status::Warn => Verdict::Warn,
            Status::Fail => Verdict::Fail,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
