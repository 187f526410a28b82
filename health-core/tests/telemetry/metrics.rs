//! The metrics page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Page, RequestHead};
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Probe, Status};
use http::Response;
use tokio::time::{advance, sleep};

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5,*/*;q=0.1";

fn builder() -> HealthBuilder {
    Health::builder().http(HttpOptions::new().path("/metrics", Page::Metrics))
}

fn get(health: &Health, accept: Option<&str>) -> Response<bytes::Bytes> {
    let headers = [("accept", accept.unwrap_or("*/*"))];
    let head = RequestHead::new("GET", "/metrics").with_headers(&headers);
    health.internal_endpoint().respond_cached(head)
}

fn text(health: &Health, accept: Option<&str>) -> String {
    let answer = get(health, accept);
    assert_eq!(answer.status(), 200);
    String::from_utf8(answer.into_body().to_vec()).expect("the bytes are UTF-8")
}

fn assert_says(page: &str, lines: &str) {
    for wanted in lines.lines().map(str::trim) {
        assert!(page.lines().any(|line| line == wanted), "{wanted}\n{page}");
    }
}

/// The value of one series.
fn value(page: &str, series: &str) -> f64 {
    let mut lines = page.lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("no {series} in\n{page}"));
    value.parse().expect("a number")
}

fn series(page: &str) -> impl Iterator<Item = &str> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').expect("a value").0)
}

#[tokio::test(start_paused = true)]
async fn every_series_exists_before_the_first_run() {
    let both = CheckOptions::new().liveness().readiness().critical();
    let health = builder()
        .check("database", both, || async {})
        .start()
        .expect("it starts");
    let page = text(&health, None);
    assert_says(
        &page,
        r#"health_check_status{check="database",kind="liveness"} 0
           health_check_status{check="database",kind="readiness"} 0
           health_check_state{check="database",health_check_state="ok"} 0
           health_check_state{check="database",health_check_state="unknown"} 1
           health_checks_total{check="database",kind="liveness",status="success"} 0
           health_check_last_success_timestamp_seconds{check="database"} 0"#,
    );
    let before: Vec<String> = series(&page).map(str::to_owned).collect();
    sleep(Duration::from_secs(60)).await;
    let page = text(&health, None);
    let after: Vec<&str> = series(&page).collect();
    assert_eq!(before, after);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_series_matches_the_guide() {
    let one = || CheckOptions::new();
    let three = || one().liveness().readiness().startup().critical();
    for (builder, checks, probes) in [
        (builder(), 0, 0),
        (builder().check("a", one(), || async {}), 1, 1),
        (
            builder()
                .check("a", one(), || async {})
                .check("b", three(), || async {}),
            2,
            4,
        ),
    ] {
        let health = builder.start().expect("it starts");
        let page = text(&health, None);
        let expected = 6 + 26 * checks + 4 * probes;
        assert_eq!(series(&page).count(), expected, "{page}");
        let mut unique: Vec<&str> = series(&page).collect();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), expected, "no series twice");
    }
}

#[tokio::test(start_paused = true)]
async fn results_verdicts_and_durations_are_counted() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let health = builder()
        .check("queue", CheckOptions::new().critical(), move || {
            let run = counted.fetch_add(1, SeqCst);
            async move {
                sleep(Duration::from_millis(30)).await;
                match run {
                    0 => Outcome::pass(),
                    1 => Outcome::warn("slow"),
                    2 => Outcome::fail("down"),
                    _ => std::future::pending().await,
                }
            }
        })
        .start()
        .expect("it starts");
    let before = SystemTime::now();
    while health
        .check("queue")
        .expect("the check is registered")
        .overdue_since()
        .is_none()
    {
        sleep(Duration::from_millis(100)).await;
    }
    let page = text(&health, None);
    assert_says(
        &page,
        r#"health_status{kind="readiness"} 0
           health_status{kind="liveness"} 1
           health_check_status{check="queue",kind="readiness"} 0
           health_checks_total{check="queue",kind="readiness",status="success"} 1
           health_checks_total{check="queue",kind="readiness",status="degraded"} 1
           health_checks_total{check="queue",kind="readiness",status="error"} 2
           health_check_transitions_total{check="queue"} 3
           health_check_runs_total{check="queue"} 4
           health_check_consecutive_failures{check="queue"} 2
           health_check_duration_seconds_bucket{check="queue",le="0.025"} 0
           health_check_duration_seconds_bucket{check="queue",le="0.05"} 3
           health_check_duration_seconds_bucket{check="queue",le="2.5"} 3
           health_check_duration_seconds_bucket{check="queue",le="5.0"} 4
           health_check_duration_seconds_bucket{check="queue",le="+Inf"} 4
           health_check_duration_seconds_count{check="queue"} 4
           health_drain_start_timestamp_seconds 0"#,
    );
    let sum = value(&page, r#"health_check_duration_seconds_sum{check="queue"}"#);
    assert!((5.09..5.2).contains(&sum), "{sum}");
    let in_flight = value(&page, r#"health_check_in_flight_seconds{check="queue"}"#);
    assert!((5.0..5.2).contains(&in_flight), "{in_flight}");
    let success = value(
        &page,
        r#"health_check_last_success_timestamp_seconds{check="queue"}"#,
    );
    let before = before
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    assert!((success - before.as_secs_f64()).abs() < 60.0, "{success}");

    // The run keeps hanging: more failures, but no more runs.
    sleep(Duration::from_secs(20)).await;
    let page = text(&health, None);
    assert_says(
        &page,
        r#"health_checks_total{check="queue",kind="readiness",status="error"} 4
           health_check_runs_total{check="queue"} 4
           health_check_duration_seconds_count{check="queue"} 4"#,
    );
    let turned = value(
        &page,
        r#"health_check_last_transition_timestamp_seconds{check="queue"}"#,
    );
    // The third run began to hang before 40 s, and its timeout changed nothing.
    let start = value(&page, "health_start_time_seconds");
    assert!(
        (18.0..40.0).contains(&(turned - start)),
        "{}",
        turned - start
    );
}

#[tokio::test(start_paused = true)]
async fn exactly_one_state_is_set() {
    let health = builder()
        .check("first", CheckOptions::new(), || async { false })
        .check("second", CheckOptions::new().after(["first"]), || async {})
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(1)).await;
    let page = text(&health, None);
    for (check, state) in [("first", "error"), ("second", "skipped")] {
        let prefix = format!(r#"health_check_state{{check="{check}","#);
        let set: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with(&prefix) && line.ends_with(" 1"))
            .collect();
        assert_eq!(
            set,
            [format!(r#"{prefix}health_check_state="{state}"}} 1"#)]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_has_a_start_time_metric() {
    let health = builder().start().expect("it starts");
    advance(Duration::from_secs(7)).await;
    let _drained = health.drain();
    let page = text(&health, None);
    let start = value(&page, "health_start_time_seconds");
    let drain = value(&page, "health_drain_start_timestamp_seconds");
    assert!((drain - start - 7.0).abs() < 0.001, "{start} {drain}");
    assert_says(&page, r#"health_status{kind="readiness"} 0"#);
    advance(Duration::from_secs(5)).await;
    let drain = format!("health_drain_start_timestamp_seconds {drain}");
    assert_says(&text(&health, None), &drain);
}

#[tokio::test(start_paused = true)]
async fn both_exposition_formats_are_valid() {
    let health = builder()
        .service_info(ServiceInfo::new().version("1.0 \"rc\""))
        .check("db", CheckOptions::new().critical(), || async { false })
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(1)).await;

    let classic = get(&health, None);
    assert_eq!(
        classic.headers()["content-type"],
        "text/plain; version=0.0.4"
    );
    assert_eq!(classic.headers()["cache-control"], "no-store");
    assert_eq!(classic.headers()["x-content-type-options"], "nosniff");
    let classic = text(&health, Some("text/plain;version=0.0.4"));
    assert!(
        classic.contains("# TYPE health_checks_total counter\n"),
        "{classic}"
    );
    assert!(
        classic.contains("# TYPE health_check_state gauge\n"),
        "{classic}"
    );
    assert!(
        !classic.contains("# UNIT") && !classic.contains("# EOF"),
        "{classic}"
    );

    let open = get(&health, Some(OPENMETRICS));
    assert_eq!(
        open.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let open = text(&health, Some(OPENMETRICS));
    assert!(
        open.contains("# TYPE health_checks counter\nhealth_checks_total{"),
        "{open}"
    );
    assert!(
        open.contains("# TYPE health_check_state stateset\n"),
        "{open}"
    );
    assert!(
        open.contains(
            "# TYPE health_service info\nhealth_service_info{version=\"1.0 \\\"rc\\\"\"} 1\n"
        ),
        "{open}"
    );
    assert!(
        open.contains("# TYPE health_check_duration_seconds histogram\n# UNIT health_check_duration_seconds seconds\n"),
        "{open}"
    );
    assert!(open.ends_with("\n# EOF\n"), "{open}");
    for page in [&open, &classic] {
        assert!(page.lines().all(|line| !line.is_empty()), "{page}");
    }
    let samples = |page: &str| -> Vec<String> { series(page).map(str::to_owned).collect() };
    assert_eq!(
        samples(&open),
        samples(&classic),
        "one series has one name in both"
    );
}

#[tokio::test(start_paused = true)]
async fn a_scrape_runs_nothing_and_is_always_answered() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let on_demand = CheckOptions::new().cache(Duration::from_secs(1)).critical();
    let http = HttpOptions::new()
        .path("/metrics", Page::Metrics)
        .status_code(Status::Pass, 202);
    let health = Health::builder()
        .http(http)
        .check("licence", on_demand, move || {
            counted.fetch_add(1, SeqCst);
            async { false }
        })
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    for _ in 0..1_000 {
        let answer = endpoint.respond(RequestHead::new("GET", "/metrics")).await;
        assert_eq!(answer.status(), 200);
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(runs.load(SeqCst), 0);
    let _ = endpoint.respond(RequestHead::new("GET", "/readyz")).await;
    assert_eq!(runs.load(SeqCst), 1, "a probe does run it");
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(get(&health, None).status(), 200);

    let head = endpoint.respond_cached(RequestHead::new("HEAD", "/metrics/"));
    assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
    for (method, path, status) in [("GET", "/metrics/licence", 404), ("POST", "/metrics", 405)] {
        let answer = endpoint.respond_cached(RequestHead::new(method, path));
        assert_eq!(answer.status(), status, "{method} {path}");
    }
    let people = RequestHead::new("GET", "/metrics").with_query(Some("format=openmetrics"));
    let answer = endpoint.respond_cached(people);
    assert!(answer.body().ends_with(b"# EOF\n"));
}
