//! `Health::ready`, and `HealthBuilder::for_tests`.

use std::time::Duration;

use health_core::reported::{Gate, Heartbeat};
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Probe, Status};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

#[tokio::test(start_paused = true)]
async fn ready_returns_when_every_check_has_a_result() {
    let health = Health::builder()
        .check("database", critical(), || sleep(SECOND))
        .check("dear", critical().cache(10 * SECOND), || sleep(2 * SECOND))
        .start()
        .expect("it starts");
    let start = Instant::now();
    health.ready(10 * SECOND).await.expect("it becomes ready");
    let waited = start.elapsed();
    assert!(waited >= 2 * SECOND && waited < 3 * SECOND, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_timeout_error_names_the_missing_checks() {
    let health = Health::builder()
        .check("cache", critical(), || async {})
        .check("database", critical(), || async { Err::<(), _>("refused") })
        .start()
        .expect("it starts");
    let start = Instant::now();
    let error = health.ready(3 * SECOND).await.expect_err("it fails");
    assert_eq!(start.elapsed(), 3 * SECOND);
    let text = error.to_string();
    let expected = "not ready after 3s: database: error: refused (incident ";
    assert!(
        text.starts_with(expected) && !text.contains("cache"),
        "{text}"
    );
    assert_eq!(error.causes().len(), 1);

    drop(health.drain());
    let error = health.ready(3 * SECOND).await.expect_err("it drains");
    assert_eq!(error.to_string(), "not ready: the service is draining");
}

#[tokio::test(start_paused = true)]
async fn for_tests_runs_nothing_and_is_ready_at_once() {
    let gate = Gate::new("migrations");
    let beat = Heartbeat::new("consumer", SECOND);
    let run = || -> bool { unreachable!("no check runs") };
    let health = Health::builder()
        .check(
            "cached",
            critical().cache(SECOND),
            move || async move { run() },
        )
        .check(
            "database",
            critical().failure_threshold(3).success_threshold(2),
            move || async move { run() },
        )
        .check(
            "schema",
            critical().after(["database"]),
            move || async move { run() },
        )
        .check_blocking("spool", critical().liveness(), run)
        .reported(&gate, critical().startup())
        .reported(&beat, critical().liveness())
        .for_tests()
        .start()
        .expect("it starts");
    let all_pass = |health: &Health| {
        Probe::ALL
            .iter()
            .all(|&it| health.status(it) == Status::Pass)
    };
    assert!(all_pass(&health));
    health.refresh("cached").await;
    sleep(3_600 * SECOND).await;
    assert!(all_pass(&health));

    Fake::of(&health, "database").fail("down");
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(
        health
            .check("schema")
            .and_then(|it| it.blocked_by().map(str::to_owned))
            .as_deref(),
        Some("database")
    );
    Fake::of(&health, "database").release();
    assert!(all_pass(&health));

    let start = Instant::now();
    health.drain().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Tests that run in parallel each have a service of their own.
#[tokio::test]
async fn a_fake_changes_one_service_until_it_is_released() {
    let started = || {
        let builder = Health::builder()
            .check("cache", CheckOptions::new(), || async {})
            .check("database", critical().failure_threshold(3), || async {});
        builder.for_tests().start().expect("it starts")
    };
    let (health, other) = (started(), started());
    let database = Fake::of(&health, "database");
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    database.fail("down");
    database.clone().warn("slow");
    assert_eq!(health.status(Probe::Readiness), Status::Warn);
    drop(database);
    let message = |health: &Health| {
        let report = health.check("database").expect("the check is registered");
        report.message().map(str::to_owned)
    };
    assert_eq!(message(&health).as_deref(), Some("slow"));
    Fake::of(&health, "database").release();
    assert_eq!((message(&health), message(&other)), (None, None));
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test]
#[should_panic(expected = r#"no check is named `databse`; the checks are ["cache", "database"]"#)]
async fn a_fake_of_an_unknown_check_lists_the_known_ones() {
    let health = Health::builder()
        .check("cache", critical(), || async {})
        .check("database", critical(), || async {})
        .for_tests()
        .start()
        .expect("it starts");
    Fake::of(&health, "databse").fail("down");
}

#[tokio::test]
async fn for_tests_still_reports_invalid_builders() {
    let refused = Health::builder()
        .check("database", critical(), || async {})
        .check("database", critical(), || async {})
        .for_tests()
        .start();
    assert!(refused.is_err());
}
