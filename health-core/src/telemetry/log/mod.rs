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
pub(crate) mod line;
#[cfg(feature = "tracing")]
pub(crate) mod thread;

use std::time::Duration;

#[cfg(feature = "tracing")]
use self::line::TARGET;
#[cfg(feature = "tracing")]
pub(crate) use self::thread::Log;
#[cfg(feature = "tracing")]
use crate::check::probe::Probe;

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

    use super::line::Line;
    use super::{Duration, RunSpan};

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
