//! Log messages, one [`Line`] per change.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::telemetry::event::Transition;
use crate::verdict::late::Explanation;
use crate::verdict::snapshot::CheckReport;

/// A message of the log.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "tracing"),
    expect(dead_code, reason = "without tracing")
)]
pub(crate) enum Line {
    /// The verdict of a check changed.
    Transition {
        check: usize,
        turned: Arc<Transition>,
    },
    /// An incident of a check is still open after this time.
    Lasts {
        report: Box<CheckReport>,
        lasting: Duration,
    },
    /// A run ended after its timeout, which explains the timeout.
    Explained {
        explained: Arc<Transition>,
        why: Explanation,
    },
    Answer(AnswerTransition),
    /// Startup passed this long after the start.
    StartupPassed(Duration),
    StartupWaits {
        since: Duration,
        checks: String,
    },
    /// The check blocks its thread, and is moved to its own one.
    Quarantined {
        check: Arc<str>,
        held: Duration,
    },
    /// The check no longer blocks its thread.
    Released {
        check: Arc<str>,
        runs: u32,
    },
    /// The process was paused for this long.
    Paused(Duration),
    GateAbandoned(Arc<str>),
    Draining {
        delay: Duration,
        readiness_fails: bool,
    },
    /// Checks were excluded from an answer.
    Excluded {
        page: String,
        checks: String,
    },
    GuardWithoutPeer,
    UntrustedProxy(IpAddr),
    GuardPanicked(String),
}

/// The status of a probe changed.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "tracing"),
    expect(dead_code, reason = "without tracing")
)]
pub(crate) struct AnswerTransition {
    pub(crate) probe: Probe,
    pub(crate) from: Status,
    pub(crate) to: Status,
    /// The checks that caused the change, sorted by name.
    pub(crate) checks: Vec<Arc<str>>,
    pub(crate) draining: bool,
}
