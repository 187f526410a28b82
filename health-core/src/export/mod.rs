//! The metrics of [`Page::Metrics`](crate::http::Page::Metrics) for exporters to
//! other metrics libraries.
//!
//! Exporters are subscribers and readers, so they do not make runs slower, and
//! their code never runs under a lock of a check.

#[cfg(feature = "metrics")]
pub(crate) mod metrics_crate;

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::engine::monitor::Monitor;
use crate::health::Health;
use crate::telemetry::metrics::{Family, Point};
use crate::telemetry::sample::Sample;
use crate::verdict::snapshot::CheckReport;

impl Health {
    /// Returns the metrics of [`Page::Metrics`](crate::http::Page::Metrics), for
    /// an exporter to another library.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            monitor: Arc::downgrade(self.monitor()),
            version: self.endpoint().version().map(str::to_owned),
        }
    }
}

/// The metrics of a running [`Health`].
///
/// Does not keep the checks running, so an exporter can outlive health.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::metrics::{Family, Kind};
/// use health_core::{CheckOptions, Health};
///
/// let health = Health::builder()
///     .check("queue", CheckOptions::new(), || async { true })
///     .start()?;
/// # health.refresh("queue").await;
/// let metrics = health.metrics();
/// let reading = metrics.read().expect("health has not ended");
/// let mut lines = Vec::new();
/// for family in Family::all().iter().filter(|family| family.kind == Kind::Counter) {
///     reading.points(family, |point| {
///         lines.push(format!("{} {:?} {}", family.name, point.labels, point.value));
///     });
/// }
/// assert!(lines.contains(&r#"health_check_runs_total [("check", "queue")] 1"#.to_owned()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    monitor: Weak<Monitor>,
    version: Option<String>,
}

impl Metrics {
    /// Reads all values at one moment. `None` if health has ended.
    pub fn read(&self) -> Option<Reading<'_>> {
        let monitor = self.monitor.upgrade()?;
        Some(self.reading(monitor.sample()))
    }

    /// Reads the values of one check and of the service, after a result of this
    /// check. `None` if health has ended.
    pub fn read_check(&self, name: &str) -> Option<Reading<'_>> {
        let monitor = self.monitor.upgrade()?;
        Some(self.reading(monitor.sample_of_check(monitor.index_of(name))))
    }

    /// Reads the values of the service, without those of checks. `None` if health
    /// has ended.
    pub fn read_service(&self) -> Option<Reading<'_>> {
        let monitor = self.monitor.upgrade()?;
        Some(self.reading(monitor.sample_of_check(None)))
    }

    /// Returns the duration to record for an
    /// [`Event::Completed`](crate::event::Event::Completed). `None` if there was
    /// no run, or if the run was already counted when it exceeded its timeout.
    pub fn duration(&self, completed: &CheckReport) -> Option<Duration> {
        let monitor = self.monitor.upgrade()?;
        let index = monitor.index_of(completed.name())?;
        let took = completed.response_time()?;
        let counts = completed.blocked_by().is_none() && took <= monitor.plan(index).timeout;
        counts.then_some(took)
    }

    fn reading(&self, sample: Sample<'static>) -> Reading<'_> {
        Reading {
            sample: Sample {
                version: self.version.as_deref(),
                ..sample
            },
        }
    }
}

/// The values of [`Metrics`] at one moment.
#[derive(Debug)]
pub struct Reading<'a> {
    sample: Sample<'a>,
}

impl Reading<'_> {
    /// Calls `each` with every value of the family, in a stable order.
    pub fn points(&self, family: &Family, mut each: impl FnMut(Point<'_>)) {
        (family.points)(&self.sample, &mut each);
    }
}
