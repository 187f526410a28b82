//! Structured log events: one for each transition of a check or an answer, few
//! while a failure lasts, and never one for each run.
//!
//! kubelet never shows the body of a failing probe, and the public body never
//! shows an error's text, so the reason is here. What a run, a reader or a report
//! finds out is a [`Line`], written by a thread of its own ([`Log`]): the
//! subscriber of `tracing` is code of the application, and may block. What the
//! application itself asks for (a start, a drain that is cut off) is written at
//! once.

#[cfg(feature = "webhook")]
pub(crate) mod delivery;
#[cfg(feature = "tracing")]
pub(crate) mod thread;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "tracing")]
pub(crate) use self::thread::Log;
#[cfg(feature = "tracing")]
use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
#[cfg(feature = "tracing")]
use crate::check::probe::Probes;
use crate::telemetry::event::Turned;
#[cfg(feature = "tracing")]
use crate::text::mask::masked;
#[cfg(feature = "tracing")]
use crate::verdict::incident::Incident;
use crate::verdict::snapshot::CheckReport;
#[cfg(feature = "tracing")]
use crate::verdict::track::Verdict;

/// One line of the log.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "tracing"),
    expect(dead_code, reason = "without tracing")
)]
pub(crate) enum Line {
    /// The verdict on a check changed.
    Turned {
        check: usize,
        turned: Arc<Turned>,
    },
    /// A check has not been good for so long.
    Lasts {
        report: Box<CheckReport>,
        lasting: Duration,
    },
    Answer(AnswerTurned),
    /// So long after the start.
    StartupPassed(Duration),
    StartupWaits {
        since: Duration,
        checks: String,
    },
    /// The check blocks its thread, and gets one of its own.
    Quarantined {
        check: Arc<str>,
        held: Duration,
    },
    /// The check has stopped blocking its thread.
    Released {
        check: Arc<str>,
        runs: u32,
    },
    /// The process was stopped for so long.
    Paused(Duration),
    GateAbandoned(Arc<str>),
    Draining {
        delay: Duration,
        readiness_fails: bool,
    },
    /// Checks were left out of an answer.
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
pub(crate) struct AnswerTurned {
    pub(crate) probe: Probe,
    pub(crate) from: Status,
    pub(crate) to: Status,
    /// The checks that did it, sorted by name.
    pub(crate) checks: Vec<Arc<str>>,
    pub(crate) draining: bool,
}

impl AnswerTurned {
    /// The first of the checks that did it, and how many more there are.
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

/// Down to the microsecond: the rest is noise.
#[cfg(feature = "tracing")]
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The log's target, for filters: `RUST_LOG=health=info`.
#[cfg(feature = "tracing")]
pub(crate) const TARGET: &str = "health";

/// Writes a line.
#[cfg(feature = "tracing")]
fn write(line: &Line) {
    match line {
        Line::Turned { turned, .. } => transition(turned),
        Line::Lasts { report, lasting } => lasts(report, *lasting),
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
                "the check blocks its thread; it runs on a thread of its own until it has stopped doing so. Use an async client, or make it a plain `fn`"
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
                "the process was stopped; this time does not count against deadlines and ages"
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
            "checks were excluded from an answer; said once a minute"
        ),
        Line::GuardWithoutPeer => tracing::warn!(
            target: TARGET,
            "the guard recognizes no address, because the server does not pass on the address of the connection; said once. \
             With axum, serve with `into_make_service_with_connect_info::<SocketAddr>()`"
        ),
        Line::UntrustedProxy(peer) => tracing::warn!(
            target: TARGET,
            %peer,
            "the guard does not recognize forwarded requests of this peer; said once. \
             If it is your proxy, name it: `Guard::trusted_proxies`"
        ),
        Line::GuardPanicked(text) => {
            let reason = masked(text);
            tracing::error!(
                target: TARGET,
                %reason,
                "a rule of the guard panicked; said once. It recognizes no client when it panics"
            );
        }
    }
}

/// The fields that the lines about a check have in common, and its own.
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

/// The event of a check, at the level of its verdict: tracing wants the level as
/// a constant.
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
fn transition(turned: &Turned) {
    let report = &turned.report;
    check_event_by_verdict!(
        report,
        turned.incident,
        "health check turned",
        from = turned.from.as_str(),
        held_s = turned.held.as_secs(),
    );
}

#[cfg(feature = "tracing")]
fn lasts(report: &CheckReport, lasting: Duration) {
    check_event_by_verdict!(
        report,
        report.incident(),
        "health check is still not good",
        lasting_s = lasting.as_secs(),
    );
}

/// The public words.
#[cfg(feature = "tracing")]
fn reason(report: &CheckReport) -> &str {
    match report.verdict() {
        Verdict::Unknown => "stale",
        Verdict::Skipped => report.skipped_for().unwrap_or_default(),
        Verdict::Pass | Verdict::Warn | Verdict::Fail => report.last_message().unwrap_or_default(),
    }
}

#[cfg(feature = "tracing")]
fn words(probes: Probes) -> String {
    let words: Vec<&str> = probes.iter().map(Probe::as_str).collect();
    words.join(" ")
}

/// A drain is the orderly way to fail, and not worth an alarm.
#[cfg(feature = "tracing")]
fn answer_turned(turned: &AnswerTurned) {
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: TARGET,
                probe = turned.probe.as_str(),
                from = word(turned.from),
                to = word(turned.to),
                checks = turned.checks(),
                draining = turned.draining,
                "health answer turned"
            )
        };
    }
    match turned.to {
        Status::Fail if !turned.draining => event!(error),
        Status::Warn => event!(warn),
        Status::Pass | Status::Fail => event!(info),
    }
}

/// As the answers say it by default.
#[cfg(feature = "tracing")]
const fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "healthy",
        Status::Warn => "degraded",
        Status::Fail => "unhealthy",
    }
}

/// The span of one run, if the application wants one.
#[derive(Debug)]
pub(crate) struct RunSpan(#[cfg(feature = "tracing")] Option<Box<tracing::Span>>);

#[cfg(feature = "tracing")]
impl RunSpan {
    pub(crate) const NONE: RunSpan = RunSpan(None);

    /// A root: what a check does belongs to no request.
    pub(crate) fn new(check: &str) -> Self {
        let span = tracing::info_span!(target: TARGET, parent: None, "health_check", check);
        RunSpan(Some(Box::new(span)))
    }

    pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(span) => span.in_scope(code),
            None => code(),
        }
    }
}

/// Every check by name, so that one that vanished is missed: a crate that
/// nothing in the binary names is not linked, and its checks are gone.
#[cfg(feature = "tracing")]
pub(crate) fn started(checks: &[crate::registry::Check]) {
    if checks.is_empty() {
        tracing::warn!(
            target: TARGET,
            "no health check is registered; if they live in a library, name it in the binary: `use my_checks as _;`"
        );
        return;
    }
    let [liveness, readiness, startup] = Probe::ALL.map(|probe| names(checks, probe));
    let count = checks.len();
    tracing::info!(target: TARGET, count, liveness, readiness, startup, "health checks started");
}

/// The checks that count for a probe.
#[cfg(feature = "tracing")]
fn names(checks: &[crate::registry::Check], probe: Probe) -> String {
    let counted = checks
        .iter()
        .filter(|check| check.plan.probes.contains(probe));
    let names: Vec<&str> = counted.map(|check| &*check.name).collect();
    names.join(" ")
}

#[cfg(feature = "tracing")]
fn draining(delay: Duration, readiness_fails: bool) {
    let delay_s = delay.as_secs_f64();
    if readiness_fails {
        tracing::info!(target: TARGET, delay_s, "draining: readiness fails from now on");
    } else {
        tracing::info!(target: TARGET, delay_s, "draining: readiness goes on as before");
    }
}

/// A panic that ends the process cannot be caught.
#[cfg(feature = "tracing")]
pub(crate) fn panics_abort() {
    tracing::warn!(
        target: TARGET,
        "panics abort the process, so a check that panics ends it; build with `panic=unwind` to isolate checks"
    );
}

/// What the builder and the settings of an operator amount to.
#[derive(Debug)]
pub(crate) struct InEffect<'a> {
    pub(crate) drain_delay: Duration,
    pub(crate) drain_readiness: bool,
    pub(crate) details: &'static str,
    pub(crate) probe_details: &'static str,
    pub(crate) guard: &'a str,
    pub(crate) paths: &'a str,
    pub(crate) prefixes: Option<&'a str>,
    pub(crate) settings: Option<&'a str>,
}

#[cfg(feature = "tracing")]
pub(crate) fn in_effect(in_effect: &InEffect<'_>) {
    let InEffect {
        drain_readiness,
        details,
        probe_details,
        guard,
        paths,
        prefixes,
        settings,
        ..
    } = *in_effect;
    let drain_delay_s = in_effect.drain_delay.as_secs_f64();
    tracing::info!(
        target: TARGET,
        drain_delay_s,
        drain_readiness,
        details,
        probe_details,
        guard,
        paths,
        prefixes,
        settings,
        "health settings in effect"
    );
}

#[cfg(feature = "tracing")]
pub(crate) fn long_drain(delay: Duration, grace: Duration) {
    let (delay_s, grace_s) = (delay.as_secs_f64(), grace.as_secs_f64());
    tracing::warn!(
        target: TARGET,
        delay_s,
        grace_s,
        "the drain delay leaves no time to finish: the platform kills the process first. Shorten `drain_delay`, or say with `termination_grace` how long the platform waits"
    );
}

#[cfg(feature = "tracing")]
pub(crate) fn cut_off(limit: Duration) {
    let limit_s = limit.as_secs_f64();
    tracing::warn!(target: TARGET, limit_s, "requests were cut off, since they took too long after the drain");
}

#[cfg(feature = "tracing")]
pub(crate) fn hook_missed(hook: &str, missed: u64) {
    tracing::warn!(target: TARGET, hook, missed, "transitions of checks were merged, because the hook is too slow");
}

#[cfg(feature = "tracing")]
pub(crate) fn hook_panicked(hook: &str, text: &str) {
    let cause = crate::text::bounded::private(text);
    tracing::error!(target: TARGET, hook, cause, "the hook panicked, and is called again at the next turn");
}

#[cfg(all(feature = "tracing", feature = "signal"))]
pub(crate) fn no_signals(error: &std::io::Error) {
    tracing::error!(target: TARGET, %error, "cannot listen for signals, so none starts a drain");
}

#[cfg(all(feature = "tracing", feature = "signal"))]
pub(crate) fn ended_by_signal(code: i32) {
    tracing::warn!(target: TARGET, code, "a third signal ends the process before it has finished");
}

#[cfg(not(feature = "tracing"))]
pub(crate) use silent::*;

/// Without `tracing` there is no log.
#[cfg(not(feature = "tracing"))]
mod silent {
    use std::io;

    use super::{Duration, Line, RunSpan};

    /// Discards every line.
    #[derive(Debug)]
    pub(crate) struct Log;

    #[expect(clippy::unused_self, reason = "same signature")]
    impl Log {
        #[expect(clippy::unnecessary_wraps, reason = "same signature")]
        pub(crate) fn start(_: usize) -> io::Result<Self> {
            Ok(Log)
        }

        pub(crate) fn is_on(&self) -> bool {
            false
        }

        pub(crate) fn append(&self, line: Line) {
            drop(line);
        }

        pub(crate) fn flush(&self, _: Duration) {}

        pub(crate) fn close(&self) {}
    }

    impl RunSpan {
        pub(crate) const NONE: RunSpan = RunSpan();

        pub(crate) fn new(_: &str) -> Self {
            RunSpan::NONE
        }

        #[expect(clippy::unused_self, reason = "same signature")]
        pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
            code()
        }
    }

    pub(crate) fn started(_: &[crate::registry::Check]) {}
    pub(crate) fn panics_abort() {}
    pub(crate) fn in_effect(in_effect: &super::InEffect<'_>) {
        let _ = (
            in_effect.drain_delay,
            in_effect.drain_readiness,
            in_effect.details,
            in_effect.probe_details,
            in_effect.guard,
            in_effect.paths,
            in_effect.prefixes,
            in_effect.settings,
        );
    }
    pub(crate) fn long_drain(_: Duration, _: Duration) {}
    pub(crate) fn cut_off(_: Duration) {}
    pub(crate) fn hook_missed(_: &str, _: u64) {}
    pub(crate) fn hook_panicked(_: &str, _: &str) {}
    #[cfg(feature = "signal")]
    pub(crate) fn no_signals(_: &std::io::Error) {}
    #[cfg(feature = "signal")]
    pub(crate) fn ended_by_signal(_: i32) {}
}
