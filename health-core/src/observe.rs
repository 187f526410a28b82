//! What the outside hears: one event for each transition, never one for each run.
//!
//! kubelet never shows the body of a failing probe, and the public body never
//! shows an error's text, so the reason is here.

use std::sync::Arc;
use std::time::Duration;

use crate::mask::masked;
use crate::outcome::Outcome;
#[cfg(feature = "tracing")]
use crate::probe::Probe;
#[cfg(feature = "tracing")]
use crate::snapshot::{CheckReport, Snapshot};
use crate::verdict::{Finished, Track, Verdict};

/// A check turned.
#[derive(Debug)]
pub(crate) struct Transition<'a> {
    check: &'a str,
    from: Verdict,
    to: Verdict,
    /// For how long the old verdict was held.
    held: Duration,
    consecutive: u32,
    skipped_for: Option<Arc<str>>,
    last: Option<Arc<Finished>>,
}

impl<'a> Transition<'a> {
    pub(crate) fn new(
        check: &'a str,
        from: Verdict,
        to: Verdict,
        held: Duration,
        track: &Track,
    ) -> Self {
        Transition {
            check,
            from,
            to,
            held,
            consecutive: track.consecutive(),
            skipped_for: track.skipped_for().cloned(),
            last: track.last().cloned(),
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        Some(&self.last.as_ref()?.outcome)
    }

    fn reason(&self) -> &str {
        match self.to {
            Verdict::Unknown => "stale",
            Verdict::Skipped => self.skipped_for.as_deref().unwrap_or_default(),
            Verdict::Pass | Verdict::Warn | Verdict::Fail => self
                .outcome()
                .and_then(Outcome::message)
                .unwrap_or_default(),
        }
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

/// Down to the microsecond: the rest is noise.
#[cfg(feature = "tracing")]
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The log's target, for filters: `RUST_LOG=health=info`.
#[cfg(feature = "tracing")]
const TARGET: &str = "health";

#[cfg(feature = "tracing")]
pub(crate) fn transition(turned: &Transition<'_>) {
    /// tracing wants the level as a constant.
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                target: TARGET,
                check = turned.check,
                from = turned.from.as_str(),
                to = turned.to.as_str(),
                reason = turned.reason(),
                cause = turned.cause(),
                took_ms = milliseconds(turned.took()),
                consecutive = turned.consecutive,
                held_s = turned.held.as_secs(),
                "health check turned"
            )
        };
    }
    match turned.to {
        Verdict::Pass => event!(info),
        Verdict::Warn | Verdict::Unknown | Verdict::Skipped => event!(warn),
        Verdict::Fail => event!(error),
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

#[cfg(all(feature = "tracing", feature = "signal"))]
pub(crate) fn no_signals(error: &std::io::Error) {
    tracing::error!(target: TARGET, %error, "cannot listen for signals, so none starts a drain");
}

#[cfg(not(feature = "tracing"))]
pub(crate) use silent::*;

/// Without `tracing` nobody listens; observers of the application come later.
#[cfg(not(feature = "tracing"))]
mod silent {
    use super::{Duration, Transition};

    pub(crate) fn transition(turned: &Transition<'_>) {
        let _ = (
            turned.check,
            turned.from,
            turned.reason(),
            turned.cause(),
            turned.took(),
            turned.consecutive,
            turned.held,
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
    #[cfg(feature = "signal")]
    pub(crate) fn no_signals(_: &std::io::Error) {}
}
