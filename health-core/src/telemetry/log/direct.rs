//! Events that are written at once, on the thread of the application.

#![cfg_attr(
    not(feature = "tracing"),
    expect(
        unused_variables,
        clippy::if_same_then_else,
        reason = "without tracing"
    )
)]

#[cfg(feature = "signal")]
use std::io;
use std::time::Duration;

#[cfg(feature = "tracing")]
use crate::check::probe::Probe;
use crate::registry::Check;
use crate::telemetry::log::InEffect;
#[cfg(feature = "tracing")]
use crate::text::bounded::private;

/// Logs every check by name, so that a missing one is noticed: the linker drops
/// a crate that nothing in the binary refers to, together with its checks.
pub(crate) fn started(checks: &[Check]) {
    if checks.is_empty() {
        log!(
            warn,
            "no health check is registered; if they live in a library, name it in the binary: `use my_checks as _;`"
        );
    } else {
        log!(
            info,
            count = checks.len(),
            liveness = names(checks, Probe::Liveness),
            readiness = names(checks, Probe::Readiness),
            startup = names(checks, Probe::Startup),
            "health checks started"
        );
    }
}

/// Returns the names of the checks that count for a probe.
#[cfg(feature = "tracing")]
fn names(checks: &[Check], probe: Probe) -> String {
    let counted = checks
        .iter()
        .filter(|check| check.plan.probes.contains(probe));
    let names: Vec<&str> = counted.map(|check| &*check.name).collect();
    names.join(" ")
}

/// Warns that panics abort the process, because they cannot be caught then.
pub(crate) fn panics_abort() {
    log!(
        warn,
        "panics abort the process, so a check that panics ends it; build with `panic=unwind` to isolate checks"
    );
}

pub(crate) fn in_effect(in_effect: &InEffect<'_>) {
    log!(
        info,
        drain_delay_s = in_effect.drain_delay.as_secs_f64(),
        drain_readiness = in_effect.drain_readiness,
        details = in_effect.details,
        probe_details = in_effect.probe_details,
        guard = in_effect.guard,
        paths = in_effect.paths,
        prefixes = in_effect.prefixes,
        settings = in_effect.settings,
        "health settings in effect"
    );
}

pub(crate) fn long_drain(delay: Duration, grace: Duration) {
    log!(
        warn,
        delay_s = delay.as_secs_f64(),
        grace_s = grace.as_secs_f64(),
        "the drain delay is not shorter than the termination grace period, so the platform kills the process during the drain; shorten `drain_delay` or set `termination_grace`"
    );
}

pub(crate) fn cut_off(limit: Duration) {
    log!(
        warn,
        limit_s = limit.as_secs_f64(),
        "shutdown timeout elapsed, open requests were aborted"
    );
}

pub(crate) fn hook_missed(hook: &str, missed: u64) {
    log!(
        warn,
        hook,
        missed,
        "the hook is too slow, transitions were merged"
    );
}

pub(crate) fn hook_panicked(hook: &str, text: &str) {
    log!(
        error,
        hook,
        cause = private(text),
        "the hook panicked, and is called again at the next transition"
    );
}

#[cfg(feature = "signal")]
pub(crate) fn no_signals(error: &io::Error) {
    log!(error, %error, "cannot listen for termination signals, so no signal starts a drain");
}

#[cfg(feature = "signal")]
pub(crate) fn ended_by_signal(code: i32) {
    log!(warn, code, "third termination signal received, exiting");
}
