//! The metrics in a recorder of the `metrics` crate.

use std::collections::HashMap;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Page, RequestHead};
use health_core::{CheckOptions, Health};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::time::sleep;

/// Every series as in the exposition format, with its value.
fn recorded(recorder: &Snapshotter) -> HashMap<String, DebugValue> {
    let metrics = recorder.snapshot().into_vec().into_iter();
    metrics
        .map(|(key, _, _, value)| {
            let (name, labels) = key.key().clone().into_parts();
            let labels: Vec<String> = labels
                .iter()
                .map(|label| format!("{}=\"{}\"", label.key(), label.value()))
                .collect();
            let name = name.as_str();
            let series = match &labels[..] {
                [] => name.to_owned(),
                labels => format!("{name}{{{}}}", labels.join(",")),
            };
            (series, value)
        })
        .collect()
}

#[test]
fn the_metrics_recorder_has_the_values_of_the_metrics_page() {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    let test = async {
        let health = Health::builder()
            .http(HttpOptions::new().path("/metrics", Page::Metrics))
            .service_info(ServiceInfo::new().version("1.2.3"))
            .check("db", CheckOptions::new().critical(), || async {
                sleep(Duration::from_millis(30)).await;
                false
            })
            .check("hangs", CheckOptions::new(), std::future::pending::<()>)
            .start()
            .expect("it starts");
        let recording = tokio::spawn(health.record_metrics());
        tokio::task::yield_now().await;
        let at_the_start = recorded(&seen);
        assert_eq!(
            at_the_start[r#"health_checks_total{check="db",kind="readiness",status="error"}"#],
            DebugValue::Counter(0),
        );

        sleep(Duration::from_secs(60)).await;
        drop(health.drain());
        sleep(Duration::from_secs(2)).await;
        let found = recorded(&seen);
        let page = health
            .internal_endpoint()
            .respond_cached(RequestHead::new("GET", "/metrics"));
        let page = String::from_utf8(page.into_body().to_vec()).expect("the bytes are UTF-8");
        let mut compared = 0;
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value: f64 = value.parse().expect("a number");
            if series.contains("duration") || series.contains("in_flight") {
                continue;
            }
            match &found[series] {
                DebugValue::Counter(count) => assert_eq!(count.to_string(), value.to_string()),
                DebugValue::Gauge(gauge) => assert!((gauge.0 - value).abs() < 1e-9, "{series}"),
                DebugValue::Histogram(_) => panic!("{series}"),
            }
            compared += 1;
        }
        assert!(compared > 20, "{page}");
        let DebugValue::Histogram(runs) = &found[r#"health_check_duration_seconds{check="db"}"#]
        else {
            panic!("{found:?}");
        };
        assert!(runs.len() >= 5 && runs.iter().all(|took| (0.03..0.05).contains(&took.0)));
        let DebugValue::Histogram(runs) = &found[r#"health_check_duration_seconds{check="hangs"}"#]
        else {
            panic!("{found:?}");
        };
        assert!(
            runs.len() <= 2,
            "a run that hangs is measured once: {runs:?}"
        );

        drop(health);
        recording.await.expect("it ends with health");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built");
    metrics::with_local_recorder(&recorder, || runtime.block_on(test));
}
