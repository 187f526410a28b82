//! The cause of an outage if the client retries for longer than the timeout of the
//! check.
#![cfg(feature = "tracing")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use health_core::report::{CheckReport, Incident, Verdict};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, testing};
use serde_json::Value;
use test_support::Log;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const MESSAGE: &str = "health check run ended after its timeout";

fn options() -> CheckOptions {
    CheckOptions::new()
        .timeout(2 * SECOND)
        .interval(10 * SECOND)
}

/// A pool that retries for 30 s.
async fn acquire() -> Result<(), &'static str> {
    sleep(30 * SECOND).await;
    Err("pool timed out while waiting for an open connection")
}

fn cause(health: &Health) -> String {
    let database = health.check("database").expect("the check is registered");
    assert_eq!(database.verdict(), Verdict::Fail);
    assert_eq!(database.message(), Some("timed out"));
    database.cause().join(": ")
}

fn explanations(health: &Health, log: &Log) -> Vec<Value> {
    testing::flush(health);
    let mut events = log.events();
    events.retain(|event| event["message"] == MESSAGE);
    events
}

const CAUSE: &str = "failed after 30.0 s: pool timed out while waiting for an open connection";

#[tokio::test(start_paused = true)]
async fn the_late_error_of_an_abandoned_run_is_the_cause_of_the_outage() {
    let (log, _guard) = Log::capture_json();
    let health = Health::builder()
        .check("database", options(), acquire)
        .start()
        .expect("it starts");
    sleep(20 * SECOND).await;
    assert_eq!(cause(&health), "");
    assert!(explanations(&health, &log).is_empty());

    sleep(11 * SECOND).await;
    assert_eq!(cause(&health), CAUSE);
    let told = explanations(&health, &log);
    let [event] = &told[..] else {
        panic!("one event: {told:?}");
    };
    assert_eq!(event["level"], "ERROR");
    assert_eq!(event["cause"], CAUSE);
    assert_eq!(event["ended_after_ms"], 30_000.0);
    let incident = health.check("database").and_then(|check| check.incident());
    assert_eq!(
        event["incident"].as_str(),
        incident.as_ref().map(Incident::as_str)
    );
    let hint = event["hint"].as_str().expect("a hint");
    assert!(hint.contains("acquire_timeout"), "{hint}");

    // The next runs time out as well: the cause stays, and is logged once.
    for _ in 0..20 {
        sleep(10 * SECOND).await;
        assert_eq!(cause(&health), CAUSE);
    }
    assert_eq!(explanations(&health, &log).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_result_in_time_clears_the_late_cause() {
    // A thread without a subscriber would disable the events of the others.
    let (_log, _guard) = Log::capture_json();
    let latency = Arc::new(AtomicU64::new(3));
    let current = Arc::clone(&latency);
    let health = Health::builder()
        .check("database", options(), move || {
            let latency = current.load(SeqCst);
            async move { sleep(Duration::from_secs(latency)).await }
        })
        .start()
        .expect("it starts");
    sleep(4 * SECOND).await;
    assert_eq!(cause(&health), "passed after 3.0 s");
    latency.store(0, SeqCst);
    sleep(10 * SECOND).await;
    let database = health.check("database").expect("the check is registered");
    assert_eq!(database.verdict(), Verdict::Pass);
    assert!(database.cause().is_empty());

    // The next outage begins without a cause.
    latency.store(600, SeqCst);
    sleep(13 * SECOND).await;
    assert_eq!(cause(&health), "");
    sleep(30 * SECOND).await;
    assert_eq!(cause(&health), "still running after 32.0 s, then dropped");
}

#[tokio::test(start_paused = true)]
async fn the_public_answer_has_no_late_cause() {
    // A thread without a subscriber would disable the events of the others.
    let (_log, _guard) = Log::capture_json();
    let health = Health::builder()
        .check("database", options(), acquire)
        .start()
        .expect("it starts");
    sleep(31 * SECOND).await;
    assert_eq!(cause(&health), CAUSE);
    for path in ["/health", "/health/database", "/readyz", "/readyz/database"] {
        for query in [
            None,
            Some("verbose&format=text"),
            Some("format=health-json"),
        ] {
            let head = health_core::http::RequestHead::new("GET", path).with_query(query);
            let answer = health.internal_endpoint().respond_cached(head);
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            assert!(!body.contains("pool"), "{path}: {body}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn causes_lists_failing_checks_with_critical_ones_first() {
    // A thread without a subscriber would disable the events of the others.
    let (_log, _guard) = Log::capture_json();
    let refused = || async { Err::<(), _>("connection\nrefused") };
    let health = Health::builder()
        .check("a-cache", options(), refused)
        .check("database", options().critical(), acquire)
        .check("queue", options(), || async {})
        .check("schema", options().after(["database"]), || async {})
        .check("slow", options(), pending::<()>)
        .start()
        .expect("it starts");
    sleep(31 * SECOND).await;
    let causes = health.causes();
    let names: Vec<&str> = causes.iter().map(CheckReport::name).collect();
    assert_eq!(names, ["database", "a-cache", "schema", "slow"]);
    let shown = regex_lite::Regex::new(r" \(incident \w{6}\)")
        .expect("a regex")
        .replace_all(&causes.to_string(), "")
        .into_owned();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines,
        [
            &*format!("database: error: timed out: {CAUSE}"),
            r"a-cache: error: connection\nrefused",
            "schema: skipped: waits for database",
            "slow: error: timed out",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_forced_outcome_has_no_late_cause() {
    // A thread without a subscriber would disable the events of the others.
    let (_log, _guard) = Log::capture_json();
    let health = Health::builder()
        .check("database", options(), acquire)
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    Fake::of(&health, "database").set(health_core::Outcome::fail("drill"));
    sleep(60 * SECOND).await;
    let database = health.check("database").expect("the check is registered");
    assert_eq!(database.message(), Some("drill"));
    assert!(database.cause().is_empty());
}
