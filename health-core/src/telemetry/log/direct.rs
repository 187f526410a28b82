//! Events that are written at once, on the thread of the application.

#[cfg(feature = "signal")]
use std::io;
use std::time::Duration;

use crate::check::probe::Probe;
use crate::registry::Check;
use crate::telemetry::log::write::TARGET;
use crate::telemetry::log::{InEffect, RunSpan};
use crate::text::bounded::private;

impl RunSpan {
    pub(crate) const NONE: RunSpan = RunSpan(None);

    /// A root span: a check does not belong to any request.
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

/// Logs every check by name, so that a missing one is noticed: the linker drops
/// a crate that nothing in the binary refers to, together with its checks.
pub(crate) fn started(checks: &[Check]) {
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

/// Returns the names of the checks that count for a probe.
fn names(checks: &[Check], probe: Probe) -> String {
    let counted = checks
        .iter()
        .filter(|check| check.plan.probes.contains(probe));
    let names: Vec<&str> = counted.map(|check| &*check.name).collect();
    names.join(" ")
}

/// Warns that panics abort the process, because they cannot be caught then.
pub(crate) fn panics_abort() {
    tracing::warn!(
        target: TARGET,
        "panics abort the process, so a check that panics ends it; build with `panic=unwind` to isolate checks"
    );
}

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

pub(crate) fn long_drain(delay: Duration, grace: Duration) {
    let (delay_s, grace_s) = (delay.as_secs_f64(), grace.as_secs_f64());
    tracing::warn!(
        target: TARGET,
        delay_s,
        grace_s,
        "the drain delay leaves no time to finish: the platform kills the process first. Shorten `drain_delay`, or set `termination_grace` to the time that the platform waits"
    );
}

pub(crate) fn cut_off(limit: Duration) {
    let limit_s = limit.as_secs_f64();
    tracing::warn!(target: TARGET, limit_s, "requests were cut off, since they took too long after the drain");
}

pub(crate) fn hook_missed(hook: &str, missed: u64) {
    tracing::warn!(target: TARGET, hook, missed, "transitions of checks were merged, because the hook is too slow");
}

pub(crate) fn hook_panicked(hook: &str, text: &str) {
    let cause = private(text);
    tracing::error!(target: TARGET, hook, cause, "the hook panicked, and is called again at the next transition");
}

#[cfg(feature = "signal")]
pub(crate) fn no_signals(error: &io::Error) {
    tracing::error!(target: TARGET, %error, "cannot listen for signals, so none starts a drain");
}

#[cfg(feature = "signal")]
pub(crate) fn ended_by_signal(code: i32) {
    tracing::warn!(target: TARGET, code, "a third signal ends the process before it has finished");
}
