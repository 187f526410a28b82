//! Exports to the crate `metrics`.

use std::future::Future;
use std::time::Duration;

use metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::timeout;

use crate::export::{Metrics, Reading};
use crate::health::Health;
use crate::telemetry::event::{Event, Events};
use crate::telemetry::metrics::{DURATION, FAMILIES, Family, Kind, Point};

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
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
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
        record(self.metrics(), self.subscribe())
    }
}

async fn record(metrics: Metrics, mut events: Events) {
    FAMILIES.iter().for_each(describe);
    record_all(&metrics);
    loop {
        // Values are also read periodically without an event.
        let event = match timeout(PERIOD, events.next()).await {
            Ok(Some(event)) => Some(event),
            Ok(None) => return,
            Err(_) => None,
        };
        match event {
            Some(Event::Completed(report)) => {
                if let Some(took) = metrics.duration(&report) {
                    durations(report.name()).record(took);
                }
                set(metrics.read_check(report.name()));
            }
            Some(Event::Transition(turned)) => set(metrics.read_check(turned.report.name())),
            Some(Event::Lagged(_)) => record_all(&metrics),
            None => set(metrics.read_service()),
        }
    }
}

fn record_all(metrics: &Metrics) {
    let reading = metrics.read();
    for check in reading.iter().flat_map(|reading| &reading.sample.checks) {
        // Registers the histogram.
        let _ = durations(&check.name);
    }
    set(reading);
}

/// Does nothing if health has ended, since the events end as well.
fn set(reading: Option<Reading<'_>>) {
    let Some(reading) = reading else {
        return;
    };
    for family in &FAMILIES {
        match family.kind {
            Kind::Histogram => {}
            Kind::Counter => reading.points(family, |point| {
                counter!(family.name, labels(point)).absolute(whole(point.value));
            }),
            Kind::Gauge | Kind::Info | Kind::StateSet => reading.points(family, |point| {
                gauge!(family.name, labels(point)).set(point.value);
            }),
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
