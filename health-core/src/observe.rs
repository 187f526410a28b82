//! What the outside hears: one event for each turn of a check or of an answer,
//! and few while a failure lasts; never one for each run.
//!
//! kubelet never shows the body of a failing probe, and the public body never
//! shows an error's text, so the reason is here.

use std::sync::Arc;
use std::time::Duration;

use crate::incident::Incident;
use crate::mask::masked;
use crate::options::Plan;
use crate::outcome::{Outcome, Status};
use crate::probe::Probe;
#[cfg(feature = "tracing")]
use crate::probe::Probes;
#[cfg(feature = "tracing")]
use crate::snapshot::{CheckReport, Snapshot};
use crate::verdict::{Finished, Track, Verdict};

/// A check that has turned, or has not for long: what the log says of it.
#[derive(Debug)]
pub(crate) struct Notice<'a> {
    check: &'a str,
    plan: &'a Plan,
    verdict: Verdict,
    consecutive: u32,
    incident: Option<Incident>,
    skipped_for: Option<Arc<str>>,
    last: Option<Arc<Finished>>,
    news: News,
}

/// What is new about a check.
#[derive(Clone, Copy, Debug)]
pub(crate) enum News {
    Turned {
        from: Verdict,
        /// For how long the old verdict was held.
        held: Duration,
        /// The one that begins, goes on or ends.
        incident: Option<Incident>,
    },
    /// It has not been good for so long.
    Lasts(Duration),
}

impl<'a> Notice<'a> {
    pub(crate) fn new(check: &'a str, plan: &'a Plan, track: &Track, news: News) -> Self {
        let incident = match news {
            News::Turned { incident, .. } => incident,
            News::Lasts(_) => track.incident(),
        };
        Notice {
            check,
            plan,
            verdict: track.verdict(),
            consecutive: track.consecutive(),
            incident,
            skipped_for: track.skipped_for().cloned(),
            last: track.last().cloned(),
            news,
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        Some(&self.last.as_ref()?.outcome)
    }

    /// The public words, which the check's author may have put a secret in too.
    fn reason(&self) -> String {
        let reason = match self.verdict {
            Verdict::Unknown => "stale",
            Verdict::Skipped => self.skipped_for.as_deref().unwrap_or_default(),
            Verdict::Pass | Verdict::Warn | Verdict::Fail => self
                .outcome()
                .and_then(Outcome::message)
                .unwrap_or_default(),
        };
        masked(reason).into_owned()
    }

    /// Logs are read by more people than the check's author.
    fn cause(&self) -> String {
        let cause = self.outcome().map(Outcome::cause).unwrap_or_default();
        masked(&cause.join(": ")).into_owned()
    }

    fn took(&self) -> Duration {
        let took = self.last.as_ref().and_then(|last| last.took);
        took.unwrap_or_default()
    }
}

/// A probe answers otherwise than before.
#[derive(Debug)]
pub(crate) struct AnswerTurned {
    pub(crate) probe: Probe,
    pub(crate) from: Status,
    pub(crate) to: Status,
    /// The checks that did it, sorted by name.
    pub(crate) checks: Vec<Arc<str>>,
    pub(crate) draining: bool,
}

impl AnswerTurned {
    /// The checks that did it, as far as they can be read at a glance.
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

#[cfg(feature = "tracing")]
pub(crate) fn notice(notice: &Notice<'_>) {
    /// tracing wants the level as a constant.
    macro_rules! event {
        ($level:ident, $message:literal, $($news:tt)*) => {
            tracing::$level!(
                target: TARGET,
                check = notice.check,
                probes = words(notice.plan.probes),
                critical = !notice.plan.critical.is_empty(),
                $($news)*
                to = notice.verdict.as_str(),
                reason = notice.reason(),
                cause = notice.cause(),
                incident = notice.incident.as_ref().map(Incident::as_str),
                took_ms = milliseconds(notice.took()),
                consecutive = notice.consecutive,
                $message
            )
        };
    }
    macro_rules! event_of_its_news {
        ($level:ident) => {
            match &notice.news {
                News::Turned { from, held, .. } => {
                    event!(
                        $level,
                        "health check turned",
                        from = from.as_str(),
                        held_s = held.as_secs(),
                    )
                }
                News::Lasts(lasting) => {
                    event!(
                        $level,
                        "health check is still not good",
                        lasting_s = lasting.as_secs(),
                    )
                }
            }
        };
    }
    match notice.verdict {
        Verdict::Pass => event_of_its_news!(info),
        Verdict::Warn | Verdict::Unknown | Verdict::Skipped => event_of_its_news!(warn),
        Verdict::Fail => event_of_its_news!(error),
    }
}

#[cfg(feature = "tracing")]
fn words(probes: Probes) -> String {
    let words: Vec<&str> = probes.iter().map(Probe::as_str).collect();
    words.join(" ")
}

/// A drain is the orderly way to fail, and not worth an alarm.
#[cfg(feature = "tracing")]
pub(crate) fn answer_turned(turned: &AnswerTurned) {
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

#[cfg(feature = "tracing")]
pub(crate) fn startup_done(after: Duration) {
    let after_ms = milliseconds(after);
    tracing::info!(target: TARGET, after_ms, "startup has passed");
}

#[cfg(feature = "tracing")]
pub(crate) fn startup_waits(since: Duration, snapshot: &Snapshot) {
    let awaited = snapshot.checks().iter().filter(|check| check.is_awaited());
    let names: Vec<&str> = awaited.map(CheckReport::name).collect();
    let (after_s, waits_for) = (since.as_secs(), names.join(" "));
    tracing::warn!(
        target: TARGET,
        after_s,
        waits_for,
        "startup has not passed, so readiness fails"
    );
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
pub(crate) fn quarantined(check: &str, held: Duration) {
    let held_ms = milliseconds(held);
    tracing::warn!(
        target: TARGET,
        check,
        held_ms,
        "the check blocks its thread; it runs on a thread of its own from now on. Use an async client, or make it a plain `fn`"
    );
}

#[cfg(feature = "tracing")]
pub(crate) fn abandoned(gate: &str) {
    tracing::error!(
        target: TARGET,
        gate,
        "the gate was dropped before it was opened, so startup cannot pass"
    );
}

#[cfg(feature = "tracing")]
pub(crate) fn draining(delay: Duration, readiness_fails: bool) {
    let delay_s = delay.as_secs_f64();
    if readiness_fails {
        tracing::info!(target: TARGET, delay_s, "draining: readiness fails from now on");
    } else {
        tracing::info!(target: TARGET, delay_s, "draining: readiness goes on as before");
    }
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

/// Somebody left checks out of an answer.
#[cfg(feature = "tracing")]
pub(crate) fn excluded(page: &str, checks: &str) {
    tracing::info!(target: TARGET, page, checks, "checks were excluded from an answer; said once a minute");
}

/// A hook is so slow that turns are lost to it.
#[cfg(feature = "tracing")]
pub(crate) fn hook_is_behind(hook: &str) {
    tracing::warn!(target: TARGET, hook, "the hook is too slow: older transitions of a check are merged into its newest one");
}

#[cfg(feature = "tracing")]
pub(crate) fn hook_missed(hook: &str, missed: u64) {
    tracing::warn!(target: TARGET, hook, missed, "transitions of checks were merged, because the hook is too slow");
}

#[cfg(feature = "tracing")]
pub(crate) fn hook_panicked(hook: &str, text: &str) {
    let cause = masked(text).into_owned();
    tracing::error!(target: TARGET, hook, cause, "the hook panicked, and is called again at the next turn");
}

#[cfg(all(feature = "tracing", feature = "signal"))]
pub(crate) fn no_signals(error: &std::io::Error) {
    tracing::error!(target: TARGET, %error, "cannot listen for signals, so none starts a drain");
}

#[cfg(not(feature = "tracing"))]
pub(crate) use silent::*;

/// Without `tracing` nobody listens.
#[cfg(not(feature = "tracing"))]
mod silent {
    use super::{AnswerTurned, Duration, News, Notice, RunSpan};

    impl RunSpan {
        pub(crate) const NONE: RunSpan = RunSpan();

        pub(crate) fn new(_: &str) -> Self {
            RunSpan::NONE
        }

        #[allow(clippy::unused_self)] // of the one with `tracing`
        pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
            code()
        }
    }

    pub(crate) fn notice(notice: &Notice<'_>) {
        let _ = (
            notice.check,
            notice.plan,
            notice.verdict,
            notice.consecutive,
            notice.incident,
            notice.reason(),
            notice.cause(),
            notice.took(),
        );
        match notice.news {
            News::Turned { from, held, .. } => {
                let _ = (from, held);
            }
            News::Lasts(lasting) => {
                let _ = lasting;
            }
        }
    }
    pub(crate) fn answer_turned(turned: &AnswerTurned) {
        let _ = (
            turned.probe,
            turned.from,
            turned.to,
            turned.checks(),
            turned.draining,
        );
    }
    pub(crate) fn startup_done(_: Duration) {}
    pub(crate) fn quarantined(_: &str, _: Duration) {}
    pub(crate) fn started(_: &[crate::registry::Check]) {}
    pub(crate) fn startup_waits(_: Duration, _: &crate::snapshot::Snapshot) {}
    pub(crate) fn abandoned(_: &str) {}
    pub(crate) fn draining(_: Duration, _: bool) {}
    pub(crate) fn long_drain(_: Duration, _: Duration) {}
    pub(crate) fn cut_off(_: Duration) {}
    pub(crate) fn excluded(_: &str, _: &str) {}
    pub(crate) fn hook_is_behind(_: &str) {}
    pub(crate) fn hook_missed(_: &str, _: u64) {}
    pub(crate) fn hook_panicked(_: &str, _: &str) {}
    #[cfg(feature = "signal")]
    pub(crate) fn no_signals(_: &std::io::Error) {}
}
