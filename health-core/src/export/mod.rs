//! Exports the metrics through the metrics library of the application.
//!
//! Exporters are subscribers and readers, so they do not make runs slower, and
//! their code never runs under a lock of a check.

#[cfg(feature = "metrics")]
pub(crate) mod metrics_crate;
#[cfg(feature = "opentelemetry")]
pub(crate) mod opentelemetry;

use std::time::Duration;

use crate::engine::monitor::Monitor;
use crate::verdict::snapshot::CheckReport;

/// Returns the duration of the run that just had a result. `None` if there was
/// no run, or if it was already recorded when it exceeded its timeout.
fn duration(monitor: &Monitor, report: &CheckReport) -> Option<Duration> {
    let index = monitor.index_of(report.name())?;
    let took = report.response_time()?;
    let counts = report.blocked_by().is_none() && took <= monitor.plan(index).timeout;
    counts.then_some(took)
}
