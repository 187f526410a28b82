//! Structured log events: one per transition of a check or probe, plus
//! reminders while a failure lasts. Runs without a transition are not logged.
//!
//! kubelet does not show the body of a failing probe, and public answers do not
//! contain the text of an error, so the log has the reason. Results of runs,
//! reads and reports are [`Line`]s that a separate thread writes ([`Log`]): the
//! `tracing` subscriber is code of the application, and may block. Direct calls
//! of the application, such as a start, are logged synchronously.

/// The target for filters: `RUST_LOG=health=info`.
#[cfg(feature = "tracing")]
const TARGET: &str = "health";

/// Emits an event of tracing. Expands to nothing without the feature `tracing`.
macro_rules! log {
    ($level:ident, $($event:tt)+) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!(target: crate::telemetry::log::TARGET, $($event)+);
    }};
}

#[cfg(feature = "webhook")]
pub(crate) mod delivery;
mod direct;
pub(crate) mod line;
#[cfg(not(feature = "tracing"))]
mod silent;
#[cfg(feature = "tracing")]
mod span;
#[cfg(feature = "tracing")]
mod thread;
pub(crate) mod unrecorded;
#[cfg(feature = "tracing")]
mod write;

use std::time::Duration;

pub(crate) use self::direct::*;
#[cfg(not(feature = "tracing"))]
pub(crate) use self::silent::{Log, RunSpan};
#[cfg(feature = "tracing")]
pub(crate) use self::span::RunSpan;
#[cfg(feature = "tracing")]
pub(crate) use self::thread::Log;

/// The effective configuration of the builder and the operator's settings.
#[cfg_attr(
    not(feature = "tracing"),
    expect(dead_code, reason = "without tracing")
)]
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
