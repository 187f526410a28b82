//! Exports to OpenTelemetry.

use std::future::Future;
use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};

use crate::engine::monitor::Monitor;
use crate::export::duration;
use crate::health::Health;
use crate::telemetry::event::{Event, Events};
use crate::telemetry::metrics::{DURATION, FAMILIES, Family, Kind, Point};
use crate::telemetry::sample::Sample;
use crate::verdict::stats::BOUNDS;

impl Health {
    /// Provides the metrics of [`Page::Metrics`](crate::http::Page::Metrics) to
    /// OpenTelemetry, under the same names. Spawn the future right after the
    /// start.
    ///
    /// The durations are recorded by the future until health ends. All other
    /// metrics are observed when the meter's reader collects. The meter's
    /// provider keeps no check running.
    ///
    /// Requires the feature `opentelemetry`. That crate is still at 0.x, so a
    /// new minor version of it requires a new minor version of this crate.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// let meter = opentelemetry::global::meter("health");
    /// tokio::spawn(health.record_opentelemetry(&meter));
    /// # Ok(())
    /// # }
    /// ```
    pub fn record_opentelemetry(&self, meter: &Meter) -> impl Future<Output = ()> + Send + use<> {
        let source = Arc::new(MetricsSource {
            monitor: Arc::downgrade(self.monitor()),
            version: self.internal_endpoint().version().map(str::to_owned),
        });
        for family in &FAMILIES {
            source.observe(family, meter);
        }
        let durations = meter
            .f64_histogram(DURATION.name)
            .with_description(DURATION.help)
            .with_unit(SECONDS)
            .with_boundaries(BOUNDS.map(|(bound, _)| bound.as_secs_f64()).into())
            .build();
        record(source, self.subscribe(), durations)
    }
}

/// The unit as a UCUM code, which OpenTelemetry requires.
const SECONDS: &str = "s";

/// Holds no strong reference: a provider never removes an instrument.
struct MetricsSource {
    monitor: Weak<Monitor>,
    version: Option<String>,
}

impl MetricsSource {
    fn observe(self: &Arc<Self>, family: &'static Family, meter: &Meter) {
        let Family { name, help, .. } = *family;
        let unit = family.unit.map_or("", |_| SECONDS);
        let source = Arc::clone(self);
        let observed = move |instrument: &dyn AsyncInstrument<f64>| {
            source.give(family, instrument);
        };
        match family.kind {
            Kind::Histogram => {}
            Kind::Counter => drop(
                meter
                    .f64_observable_counter(name)
                    .with_description(help)
                    .with_unit(unit)
                    .with_callback(observed)
                    .build(),
            ),
            Kind::Gauge | Kind::Info | Kind::StateSet => drop(
                meter
                    .f64_observable_gauge(name)
                    .with_description(help)
                    .with_unit(unit)
                    .with_callback(observed)
                    .build(),
            ),
        }
    }

    fn give(&self, family: &Family, instrument: &dyn AsyncInstrument<f64>) {
        let Some(monitor) = self.monitor.upgrade() else {
            return;
        };
        let version = self.version.as_deref();
        let sample = Sample {
            version,
            ..monitor.sample()
        };
        (family.points)(&sample, &mut |point| {
            instrument.observe(point.value, &attributes(point));
        });
    }
}

async fn record(source: Arc<MetricsSource>, mut events: Events, durations: Histogram<f64>) {
    while let Some(event) = events.next().await {
        let Some(monitor) = source.monitor.upgrade() else {
            return;
        };
        if let Event::Completed(report) = event {
            if let Some(took) = duration(&monitor, &report) {
                let check = KeyValue::new("check", report.name().to_owned());
                durations.record(took.as_secs_f64(), &[check]);
            }
        }
    }
}

fn attributes(point: Point<'_>) -> Vec<KeyValue> {
    let labels = point.labels.iter();
    labels
        .map(|&(label, value)| KeyValue::new(label, value.to_owned()))
        .collect()
}
