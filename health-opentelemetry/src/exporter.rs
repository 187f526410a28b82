//! The exporter for the version of opentelemetry in the parent module.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use health_core::Health;
use health_core::event::{Event, Events};
use health_core::metrics::{DURATION_BOUNDS, Family, Kind, Metrics, Point};

use super::opentelemetry::KeyValue;
use super::opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};

/// The unit as a UCUM code, which OpenTelemetry requires.
const SECONDS: &str = "s";

/// Provides the metrics of `health` to the meter, under the names of
/// [`Page::Metrics`](health_core::http::Page::Metrics). Spawn the future right
/// after the start.
///
/// The future records the durations of runs until health ends. All other metrics are
/// observed when the reader of the meter collects. The provider of the meter does not
/// keep the checks running.
pub fn record(health: &Health, meter: &Meter) -> impl Future<Output = ()> + Send + use<> {
    let metrics = Arc::new(health.metrics());
    let mut durations = None;
    for family in Family::all() {
        match family.kind {
            Kind::Histogram => durations = Some(histogram(family, meter)),
            _ => observe(family, meter, Arc::clone(&metrics)),
        }
    }
    let events = health.subscribe();
    async move {
        if let Some(durations) = durations {
            record_durations(&metrics, events, &durations).await;
        }
    }
}

fn histogram(family: &'static Family, meter: &Meter) -> Histogram<f64> {
    meter
        .f64_histogram(family.name)
        .with_description(family.help)
        .with_unit(unit(family))
        .with_boundaries(DURATION_BOUNDS.iter().map(Duration::as_secs_f64).collect())
        .build()
}

/// An instrument cannot be removed from a provider, so it holds no `Health`.
fn observe(family: &'static Family, meter: &Meter, metrics: Arc<Metrics>) {
    let callback = move |instrument: &dyn AsyncInstrument<f64>| {
        let Some(reading) = metrics.read() else {
            return;
        };
        reading.points(family, |point| {
            instrument.observe(point.value, &attributes(&point));
        });
    };
    if family.kind == Kind::Counter {
        let counter = meter.f64_observable_counter(family.name);
        let counter = counter.with_description(family.help);
        counter
            .with_unit(unit(family))
            .with_callback(callback)
            .build();
    } else {
        let gauge = meter.f64_observable_gauge(family.name);
        let gauge = gauge.with_description(family.help);
        gauge
            .with_unit(unit(family))
            .with_callback(callback)
            .build();
    }
}

async fn record_durations(metrics: &Metrics, mut events: Events, durations: &Histogram<f64>) {
    while let Some(event) = events.next().await {
        let Event::Completed(report) = event else {
            continue;
        };
        if let Some(took) = metrics.duration(&report) {
            let check = KeyValue::new("check", report.name().to_owned());
            durations.record(took.as_secs_f64(), &[check]);
        }
    }
}

fn unit(family: &Family) -> &'static str {
    family.unit.map_or("", |_| SECONDS)
}

fn attributes(point: &Point<'_>) -> Vec<KeyValue> {
    let labels = point.labels.iter();
    labels
        .map(|&(label, value)| KeyValue::new(label, value.to_owned()))
        .collect()
}
