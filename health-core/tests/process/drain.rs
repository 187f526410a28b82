//! The drain: that nothing reverts it, its options, and its limits.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use health_core::config::LifecycleOptions;
use health_core::http::RequestHead;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);
const DEFAULT_DELAY: Duration = Duration::from_secs(7);

fn critical() -> CheckOptions {
    CheckOptions::new().critical().interval(SECOND)
}

fn started(builder: HealthBuilder) -> Health {
    builder.start().expect("it starts")
}

fn says(health: &Health, path: &str) -> (u16, String) {
    let answer = health
        .internal_endpoint()
        .respond_cached(RequestHead::new("GET", path));
    let body = String::from_utf8(answer.body().to_vec()).expect("the bytes are UTF-8");
    (answer.status().as_u16(), body)
}

#[tokio::test(start_paused = true)]
async fn a_drain_without_a_delay_ends_at_once() {
    let health =
        started(Health::builder().lifecycle(LifecycleOptions::new().drain_delay(Duration::ZERO)));
    let start = Instant::now();
    health.drain().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
}

#[tokio::test(start_paused = true)]
async fn a_drain_starts_with_the_call_and_continues_without_a_waiter() {
    let health = started(Health::builder());
    let start = Instant::now();
    assert!(!health.is_draining());
    drop(health.drain());
    assert!(health.is_draining());
    sleep(SECOND).await;
    health.drain().await;
    assert_eq!(start.elapsed(), DEFAULT_DELAY);
}

#[tokio::test(start_paused = true)]
async fn a_passing_check_does_not_end_a_drain() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let slow = || critical().interval(10 * SECOND);
    let health = started(
        Health::builder()
            .check("database", critical(), move || ready(up.load(SeqCst)))
            .check("slow", slow(), || sleep(2 * SECOND))
            .check("migrations", slow().startup(), || sleep(3 * SECOND)),
    );
    sleep(SECOND).await;
    let drained = health.drain();
    is_up.store(true, SeqCst);
    for _ in 0..50 {
        sleep(SECOND / 10).await;
        assert_eq!(health.status(Probe::Readiness), Status::Fail);
        assert_eq!(health.status(Probe::Liveness), Status::Pass);
    }
    drained.await;
    // Every check has passed by now, including startup.
    assert_eq!(health.status(Probe::Startup), Status::Pass);
    health.refresh("database").await;
    Fake::of(&health, "slow").pass();
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(says(&health, "/readyz").0, 503);
    drop(health.drain());
    assert_eq!(says(&health, "/readyz").0, 503);
}

#[tokio::test(start_paused = true)]
async fn a_drain_can_leave_readiness_unchanged() {
    let builder =
        Health::builder().lifecycle(LifecycleOptions::new().fail_readiness_while_draining(false));
    let health = started(builder.check("database", critical(), || async {}));
    sleep(SECOND / 2).await;
    let start = Instant::now();
    let drained = health.drain();
    assert!(health.snapshot().is_draining());
    assert_eq!(says(&health, "/readyz").0, 200);
    let (code, body) = says(&health, "/health");
    assert_eq!(code, 200);
    assert!(!body.contains("shutdown"), "{body}");

    Fake::of(&health, "database").fail("gone");
    assert_eq!(says(&health, "/readyz").0, 503, "the checks still count");
    Fake::of(&health, "database").release();
    health.refresh("database").await;
    assert_eq!(says(&health, "/readyz").0, 200);
    drained.await;
    assert_eq!(start.elapsed(), DEFAULT_DELAY, "the delay is served");

    health.stop().await;
    assert_eq!(says(&health, "/readyz").0, 503, "nobody checks any more");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_in_time_is_not_cut_off() {
    let health = started(Health::builder());
    let start = Instant::now();
    let server = async {
        health.drain().await;
        sleep(2 * SECOND).await;
        "its result"
    };
    let ended = health.shutdown_timeout(3 * SECOND, server).await;
    assert_eq!(ended, Some("its result"));
    assert_eq!(start.elapsed(), DEFAULT_DELAY + 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_timeout_of_a_hanging_server_starts_after_the_drain() {
    let health = started(Health::builder());
    let draining = health.clone();
    tokio::spawn(async move {
        sleep(3_600 * SECOND).await;
        draining.drain().await;
    });
    let start = Instant::now();
    let ended = health.shutdown_timeout(3 * SECOND, pending::<()>()).await;
    assert_eq!(ended, None);
    assert_eq!(start.elapsed(), DEFAULT_DELAY + 3_603 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn hanging_checks_do_not_delay_the_shutdown() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let health = started(
        Health::builder()
            .check("hangs", critical(), pending::<()>)
            .check_blocking("holds-its-thread", critical(), move || {
                let _ = released.lock().expect("one run at a time").recv();
            }),
    );
    sleep(SECOND / 2).await;
    let start = Instant::now();
    let ended = health.shutdown_timeout(SECOND, health.drain()).await;
    assert_eq!((ended, start.elapsed()), (Some(()), DEFAULT_DELAY));
    drop(release);
}
