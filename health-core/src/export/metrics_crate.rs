//! Exports to the crate `metrics`.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::timeout;

use crate::engine::monitor::Monitor;
use crate::export::duration;
use crate::health::Health;
use crate::telemetry::event::{Event, Events};
use crate::telemetry::metrics::{DURATION, FAMILIES, Family, Kind, Point};
use crate::telemetry::sample::Sample;
use crate::verdict::snapshot::CheckReport;

/// How often values are read that change without a run: the probes and the
/// drain.
const PERIOD: Duration = Duration::from_secs(1);

impl Health {
    /// Records the metrics of [`Page::Metrics`](crate::http::Page::Metrics)
    /// with the recorder of the crate [`metrics`], under the same names, until
    /// health ends. Spawn the future right after installing the recorder and
    /// starting health.
    ///
    /// A check is recorded at each result and transition, everything else once
    /// per second. The age of a run in flight is therefore only updated when
    /// the run exceeds its timeout. The recorder is called from the future,
    /// never from a run. If the future lags behind by more than 1,024 events,
    /// durations are lost, but all other values stay correct. The recorder sets
    /// the histogram buckets.
    ///
    /// Requires the feature `metrics`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// tokio::spawn(health.record_metrics());
    /// # Ok(())
    /// # }
    /// ```
    pub fn record_metrics(&self) -> impl Future<Output = ()> + Send + use<> {
        let facade = Facade {
            monitor: Arc::downgrade(self.monitor()),
            version: self.internal_endpoint().version().map(str::to_owned),
        };
        facade.record(self.subscribe())
    }
}

/// Holds no strong reference, so that it keeps no check running.
struct Facade {
    monitor: Weak<Monitor>,
    version: Option<String>,
}

impl Facade {
    async fn record(self, mut events: Events) {
        FAMILIES.iter().for_each(describe);
        if let Some(monitor) = self.monitor.upgrade() {
            self.record_all(&monitor);
        }
        loop {
            // Values are also read after a while without an event.
            let event = match timeout(PERIOD, events.next()).await {
                Ok(Some(event)) => Some(event),
                Ok(None) => return,
                Err(_) => None,
            };
            let Some(monitor) = self.monitor.upgrade() else {
                return;
            };
            match event {
                Some(Event::Completed(report)) => {
                    if let Some(took) = duration(&monitor, &report) {
                        durations(report.name()).record(took);
                    }
                    self.record_one(&monitor, Some(&report));
                }
                Some(Event::Transition(turned)) => self.record_one(&monitor, Some(&turned.report)),
                Some(Event::Lagged(_)) => self.record_all(&monitor),
                None => self.record_one(&monitor, None),
            }
        }
    }

    fn record_all(&self, monitor: &Monitor) {
        let sample = monitor.sample();
        for check in &sample.checks {
            // Registers the histogram.
            let _ = durations(&check.name);
        }
        self.set(sample);
    }

    fn record_one(&self, monitor: &Monitor, report: Option<&CheckReport>) {
        let index = report.and_then(|report| monitor.index_of(report.name()));
        self.set(monitor.sample_of_check(index));
    }

    fn set(&self, sample: Sample<'_>) {
        let version = self.version.as_deref();
        let sample = Sample { version, ..sample };
        for family in &FAMILIES {
            match family.kind {
                Kind::Histogram => {}
                Kind::Counter => (family.points)(&sample, &mut |point| {
                    counter!(family.name, labels(point)).absolute(whole(point.value));
                }),
                Kind::Gauge | Kind::Info | Kind::StateSet => {
                    (family.points)(&sample, &mut |point| {
                        gauge!(family.name, labels(point)).set(point.value);
                    });
                }
            }
        }
    }
}

fn durations(check: &str) -> metrics::Histogram {
    histogram!(DURATION.name, "check" => check.to_owned())
}

fn describe(family: &Family) {
    let Family { name, help, .. } = *family;
    let unit = family.unit.map_or(Unit::Count, |_| Unit::Seconds);
    match family.kind {
        Kind::Histogram => describe_histogram!(name, unit, help),
        Kind::Counter => describe_counter!(name, unit, help),
        Kind::Gauge | Kind::Info | Kind::StateSet => describe_gauge!(name, unit, help),
    }
}

fn labels(point: Point<'_>) -> Vec<Label> {
    let labels = point.labels.iter();
    labels
        .map(|&(label, value)| Label::new(label, value.to_owned()))
        .collect()
}

/// Counters are 32-bit whole numbers.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: f64) -> u64 {
    value as u64
}
