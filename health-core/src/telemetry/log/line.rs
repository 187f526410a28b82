//! Log messages, one [`Line`] per change.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "tracing")]
use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
#[cfg(feature = "tracing")]
use crate::check::probe::Probes;
use crate::telemetry::event::Transition;
#[cfg(feature = "tracing")]
use crate::text::mask::masked;
#[cfg(feature = "tracing")]
use crate::time::stamp::milliseconds;
#[cfg(feature = "tracing")]
use crate::verdict::Verdict;
#[cfg(feature = "tracing")]
use crate::verdict::incident::Incident;
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
        page: &'static str,
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

impl AnswerTransition {
    /// Returns the first check that caused the change, and the number of
    /// others.
    #[cfg(feature = "tracing")]
    fn checks(&self) -> String {
        const AT_A_GLANCE: usize = 10;
        let shown: Vec<&str> = self
            .checks
            .iter()
            .take(AT_A_GLANCE)
            .map(|name| &**name)
            .collect();
        let shown = shown.join(" ");
        match self.checks.len().saturating_sub(AT_A_GLANCE) {
            0 => shown,
            others => format!("{shown} and {others} more"),
        }
    }
}

/// The target for filters: `RUST_LOG=health=info`.
#[cfg(feature = "tracing")]
pub(crate) const TARGET: &str = "health";

/// Writes a message.
#[cfg(feature = "tracing")]
pub(super) fn write(line: &Line) {
    match line {
        Line::Transition { turned, .. } => transition(turned),
        Line::Lasts { report, lasting } => lasts(report, *lasting),
        Line::Explained { explained, why } => self::explained(explained, why),
        Line::Answer(answer) => answer_turned(answer),
        Line::StartupPassed(after) => {
            let after_ms = milliseconds(*after);
            tracing::info!(target: TARGET, after_ms, "startup has passed");
        }
        Line::StartupWaits { since, checks } => {
            let (after_s, waits_for) = (since.as_secs(), checks);
            tracing::warn!(
                target: TARGET,
                after_s,
                waits_for,
                "startup has not passed, so readiness fails"
            );
        }
        Line::Quarantined { check, held } => {
            let held_ms = milliseconds(*held);
            tracing::warn!(
                target: TARGET,
                check = &**check,
                held_ms,
                "the check blocks its thread; it runs on its own thread until it no longer does. Use an async client, or make it a plain `fn`"
            );
        }
        Line::Released { check, runs } => tracing::info!(
            target: TARGET,
            check = &**check,
            runs,
            "the check no longer blocks its thread; it runs on the runtime again"
        ),
        Line::Paused(lasted) => {
            let lasted_s = lasted.as_secs_f64();
            tracing::warn!(
                target: TARGET,
                lasted_s,
                "the process was paused; the pause does not count for timeouts and staleness"
            );
        }
        Line::GateAbandoned(gate) => tracing::error!(
            target: TARGET,
            gate = &**gate,
            "the gate was dropped before it was opened, so startup cannot pass"
        ),
        Line::Draining {
            delay,
            readiness_fails,
        } => draining(*delay, *readiness_fails),
        Line::Excluded { page, checks } => tracing::info!(
            target: TARGET,
            page,
            checks,
            "checks were excluded from an answer; logged at most once per minute"
        ),
        Line::GuardWithoutPeer => tracing::warn!(
            target: TARGET,
            "the guard recognizes no address, because the server does not pass on the address of the connection; logged once. \
             With axum, serve with `into_make_service_with_connect_info::<SocketAddr>()`"
        ),
        Line::UntrustedProxy(peer) => tracing::warn!(
            target: TARGET,
            %peer,
            "the guard does not recognize forwarded requests of this peer; logged once. \
             If it is your proxy, name it: `Guard::trusted_proxies`"
        ),
        Line::GuardPanicked(text) => {
            let reason = masked(text);
            tracing::error!(
                target: TARGET,
                %reason,
                "a rule of the guard panicked, so the request is not recognized; logged once"
            );
        }
    }
}

/// The common fields of events about a check, followed by further fields.
#[cfg(feature = "tracing")]
macro_rules! check_event {
    ($level:ident, $report:expr, $incident:expr, $message:literal, $($news:tt)*) => {
        tracing::$level!(
            target: TARGET,
            check = $report.name(),
            probes = words($report.probes()),
            critical = $report.is_critical(),
            $($news)*
            to = $report.verdict().as_str(),
            reason = reason($report),
            class = $report.failure_class().map(FailureClass::as_str),
            cause = $report.cause().join(": "),
            incident = $incident.as_ref().map(Incident::as_str),
            took_ms = milliseconds($report.response_time().unwrap_or_default()),
            consecutive = $report.consecutive(),
            $message
        )
    };
}

/// An event about a check at the level of its verdict. A macro, because tracing
/// requires a constant level.
#[cfg(feature = "tracing")]
macro_rules! check_event_by_verdict {
    ($report:expr, $($event:tt)*) => {
        match $report.verdict() {
            Verdict::Pass => check_event!(info, $report, $($event)*),
            Verdict::Warn | Verdict::Unknown | Verdict::Skipped => {
                check_event!(warn, $report, $($event)*);
            }
            Verdict::Fail => check_event!(error, $report, $($event)*),
        }
    };
}

#[cfg(feature = "tracing")]
fn transition(turned: &Transition) {
    let report = &turned.report;
    check_event_by_verdict!(
        report,
        turned.incident,
        "health check status changed",
        from = turned.from.as_str(),
        held_s = turned.held.as_secs(),
    );
}

#[cfg(feature = "tracing")]
fn lasts(report: &CheckReport, lasting: Duration) {
    check_event_by_verdict!(
        report,
        report.incident(),
        "health check still not passing",
        lasting_s = lasting.as_secs(),
    );
}

#[cfg(feature = "tracing")]
fn explained(explained: &Transition, why: &Explanation) {
    let report = &explained.report;
    check_event_by_verdict!(
        report,
        explained.incident,
        "health check run ended after its timeout",
        ended_after_ms = milliseconds(why.took),
        hint = why.hint(),
    );
}

/// Returns the public reason.
#[cfg(feature = "tracing")]
fn reason(report: &CheckReport) -> &str {
    match report.verdict() {
        Verdict::Unknown => "stale",
        Verdict::Skipped => report.blocked_by().unwrap_or_default(),
        Verdict::Pass | Verdict::Warn | Verdict::Fail => report.last_message().unwrap_or_default(),
    }
}

#[cfg(feature = "tracing")]
fn words(probes: Probes) -> String {
    let words: Vec<&str> = probes.iter().map(Probe::as_str).collect();
    words.join(" ")
}

/// A failure because of a drain is expected and logged at a lower level.
#[cfg(feature = "tracing")]
fn answer_turned(turned: &AnswerTransition) {
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: TARGET,
                probe = turned.probe.as_str(),
                from = word(turned.from),
                to = word(turned.to),
                checks = turned.checks(),
                draining = turned.draining,
                "{} status changed",
                turned.probe
            )
        };
    }
    match turned.to {
        Status::Fail if !turned.draining => event!(error),
        Status::Warn => event!(warn),
        Status::Pass | Status::Fail => event!(info),
    }
}

/// Returns the word of the default vocabulary.
#[cfg(feature = "tracing")]
const fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "healthy",
        Status::Warn => "degraded",
        Status::Fail => "unhealthy",
    }
}

#[cfg(feature = "tracing")]
fn draining(delay: Duration, readiness_fails: bool) {
    let delay_s = delay.as_secs_f64();
    if readiness_fails {
        tracing::info!(target: TARGET, delay_s, "draining: readiness fails from now on");
    } else {
        tracing::info!(target: TARGET, delay_s, "draining: readiness is not changed");
    }
}
