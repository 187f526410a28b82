//! For applications that export metrics of their own already: the same metrics
//! through their library.
//!
//! Exporters are subscribers and readers, so a run costs no more for them than
//! for any other, and their code never runs while something of a check is held.

#[cfg(feature = "metrics")]
pub(crate) mod metrics_crate;
#[cfg(feature = "opentelemetry")]
pub(crate) mod opentelemetry;

use std::time::Duration;

use crate::engine::monitor::Monitor;
use crate::verdict::snapshot::CheckReport;

/// How long the run took that has just had a result; `None` if there was no
/// run, or if it was counted when it first missed its timeout.
fn duration(monitor: &Monitor, report: &CheckReport) -> Option<Duration> {
    let index = monitor.index_of(report.name())?;
    let took = report.response_time()?;
    let counts = report.blocked_by().is_none() && took <= monitor.plan(index).timeout;
    counts.then_some(took)
}
