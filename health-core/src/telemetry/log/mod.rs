//! Structured log events: one per transition of a check or probe, plus
//! reminders while a failure lasts. Runs without a transition are not logged.
//!
//! kubelet does not show the body of a failing probe, and public answers do not
//! contain the text of an error, so the log has the reason. Results of runs,
//! reads and reports are [`Line`]s that a separate thread writes ([`Log`]): the
//! `tracing` subscriber is code of the application, and may block. Direct calls
//! of the application, such as a start, are logged synchronously.

#[cfg(feature = "webhook")]
pub(crate) mod delivery;
pub(crate) mod line;
#[cfg(feature = "tracing")]
pub(crate) mod thread;
pub(crate) mod unrecorded;

use std::time::Duration;

#[cfg(feature = "tracing")]
use self::line::TARGET;
#[cfg(feature = "tracing")]
pub(crate) use self::thread::Log;
#[cfg(feature = "tracing")]
use crate::check::probe::Probe;

/// The span of one run, if spans are enabled.
pub(crate) struct RunSpan(#[cfg(feature = "tracing")] Option<Box<tracing::Span>>);

#[cfg(feature = "tracing")]
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

/// Returns the names of the checks that count for a probe.
#[cfg(feature = "tracing")]
fn names(checks: &[crate::registry::Check], probe: Probe) -> String {
    let counted = checks
        .iter()
        .filter(|check| check.plan.probes.contains(probe));
    let names: Vec<&str> = counted.map(|check| &*check.name).collect();
    names.join(" ")
}

/// Warns that panics abort the process, because they cannot be caught then.
#[cfg(feature = "tracing")]
pub(crate) fn panics_abort() {
    tracing::warn!(
        target: TARGET,
        "panics abort the process, so a check that panics ends it; build with `panic=unwind` to isolate checks"
    );
}

/// The effective configuration of the builder and the operator's settings.
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
        "the drain delay leaves no time to finish: the platform kills the process first. Shorten `drain_delay`, or set `termination_grace` to the time that the platform waits"
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
    tracing::error!(target: TARGET, hook, cause, "the hook panicked, and is called again at the next transition");
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

/// The log without the feature `tracing`.
#[cfg(not(feature = "tracing"))]
mod silent {
    use std::io;

    use super::line::Line;
    use super::{Duration, RunSpan};

    /// Discards every message.
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
