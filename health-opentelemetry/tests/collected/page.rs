//! The test for the version that the parent module names.

use std::collections::BTreeSet;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::http::{Page, RequestHead};
use health_core::{CheckOptions, Health, Probe, Status};
use test_support::eventually;

use super::opentelemetry::metrics::MeterProvider as _;
use super::opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, GaugeDataPoint, MetricData, ResourceMetrics, ScopeMetrics, SumDataPoint,
};
use super::opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use super::record;

fn each(metrics: &[ResourceMetrics], mut see: impl FnMut(&str, &MetricData<f64>)) {
    let last = metrics.last().expect("something was collected");
    for metric in last.scope_metrics().flat_map(ScopeMetrics::metrics) {
        let AggregatedMetrics::F64(data) = metric.data() else {
            panic!("{metric:?}");
        };
        see(metric.name(), data);
    }
}

#[tokio::test]
async fn the_reader_collects_the_values_of_the_metrics_page() {
    let exporter = InMemoryMetricExporter::default();
    // It collects when it is told to.
    let reader = PeriodicReader::builder(exporter.clone())
        .with_interval(Duration::from_secs(3_600))
        .build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let options = CheckOptions::new()
        .interval(Duration::from_millis(10))
        .critical();
    let health = Health::builder()
        .http(HttpOptions::new().path("/metrics", Page::Metrics))
        .check("db", options, || async {})
        .start()
        .expect("it starts");
    let recording = tokio::spawn(record(&health, &provider.meter("health")));
    eventually("three runs", async || {
        health
            .check("db")
            .expect("the check is registered")
            .consecutive()
            >= 3
    })
    .await;
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    provider.force_flush().expect("collected");

    let collected = exporter.get_finished_metrics().expect("kept");
    let mut names = BTreeSet::new();
    each(&collected, |name, data| {
        names.insert(name.to_owned());
        match (name, data) {
            ("health_checks_total", MetricData::Sum(sum)) => {
                assert!(sum.is_monotonic());
                let runs: f64 = sum.data_points().map(SumDataPoint::value).sum();
                assert!(runs >= 3.0, "{runs}");
            }
            ("health_check_duration_seconds", MetricData::Histogram(runs)) => {
                let point = runs.data_points().next().expect("one check");
                assert!(point.count() >= 2, "{point:?}");
                assert_eq!(point.bounds().count(), 12);
                let check = point.attributes().next().expect("a label");
                assert_eq!(
                    (check.key.as_str(), check.value.as_str().as_ref()),
                    ("check", "db")
                );
            }
            ("health_check_state", MetricData::Gauge(states)) => {
                assert_eq!(states.data_points().count(), 5);
                let set: f64 = states.data_points().map(GaugeDataPoint::value).sum();
                assert!((set - 1.0).abs() < f64::EPSILON, "{set}");
            }
            _ => {}
        }
    });
    let page = health
        .internal_endpoint()
        .respond_cached(RequestHead::new("GET", "/metrics"));
    let page = String::from_utf8(page.into_body().to_vec()).expect("UTF-8");
    // A reader omits what has no points yet.
    let has_points = |name: &&str| {
        let mut lines = page.lines();
        lines.any(|line| line.starts_with(&**name))
    };
    let shown: BTreeSet<String> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split_once(' ')?.0))
        .filter(has_points)
        .map(str::to_owned)
        .collect();
    assert_eq!(names, shown);

    drop(health);
    recording.await.expect("it ends with health");
    exporter.reset();
    provider.force_flush().expect("collected");
    let afterwards = exporter.get_finished_metrics().expect("kept");
    let is_observed = |metrics: &ResourceMetrics| {
        let metrics = metrics.scope_metrics().flat_map(ScopeMetrics::metrics);
        metrics
            .filter(|metric| metric.name() == "health_status")
            .count()
            > 0
    };
    assert!(
        !afterwards.iter().any(is_observed),
        "the provider holds no health"
    );
}
