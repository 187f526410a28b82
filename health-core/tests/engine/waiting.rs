//! No caller waits for a result that cannot come.
//!
//! Each test is a regression test for such a wait: for a completed check, for a
//! deadline that no task was left to notice, or for a run that was not requested.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;

use health_core::event::Event;
use health_core::http::RequestHead;
use health_core::report::Verdict;
use health_core::{CheckOptions, Health, Probe, Status};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

/// The verdict after a refresh, which takes at most one timeout.
async fn refreshed(health: &Health, name: &str) -> Verdict {
    let answer = timeout(60 * SECOND, health.refresh(name)).await;
    let report = answer.expect("a refresh ends").expect("there is a check");
    report.verdict()
}

#[tokio::test(start_paused = true)]
async fn a_completed_startup_check_is_not_waited_for() {
    let health = Health::builder()
        .check("migrations", critical().startup(), || async {})
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    assert_eq!(health.status(Probe::Startup), Status::Pass);
    let start = Instant::now();
    assert_eq!(refreshed(&health, "migrations").await, Verdict::Pass);
    assert_eq!(start.elapsed(), Duration::ZERO, "it is not run again");
}

/// Both checks are completed with the first result of the second: the run of the
/// first one is in flight then, and its result no longer counts.
#[tokio::test(start_paused = true)]
async fn waiters_for_a_startup_check_return_when_startup_passes() {
    let runs = AtomicUsize::new(0);
    let often = critical().startup().interval(SECOND).timeout(SECOND);
    let health = Health::builder()
        .check("first", often.clone(), move || {
            let hangs = runs.fetch_add(1, SeqCst) > 0;
            async move {
                if hangs {
                    pending::<()>().await;
                }
            }
        })
        .check("second", often.initial_delay(SECOND / 4), || async {})
        .start()
        .expect("it starts");
    sleep(SECOND / 8).await;
    let start = Instant::now();
    assert_eq!(refreshed(&health, "first").await, Verdict::Pass);
    assert_eq!(start.elapsed(), SECOND / 8);
    assert_eq!(health.status(Probe::Startup), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_probe_does_not_wait_for_a_completed_startup_check_on_demand() {
    let options = critical().startup().cache(SECOND);
    let health = Health::builder()
        .check("migrations", options, || async {})
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    for _ in 0..2 {
        for path in ["/startupz", "/health", "/health/migrations"] {
            let start = Instant::now();
            let answer = endpoint.respond(RequestHead::new("GET", path)).await;
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(start.elapsed(), Duration::ZERO, "{path}");
        }
        sleep(10 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_runs_the_dependencies_that_are_on_demand() {
    let health = Health::builder()
        .check("database", critical().cache(SECOND), || async {})
        .check("schema", critical().after(["database"]), || async {})
        .check("queries", critical().after(["schema"]), || async {})
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    assert_eq!(refreshed(&health, "queries").await, Verdict::Pass);
}

/// The check blocks the worker that its own task needs, so the waiter must notice the
/// deadline. In real time, since only a blocked thread causes this.
#[test]
fn a_refresh_of_a_blocked_check_ends_at_its_deadline() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let health = runtime.block_on(async {
        let options = critical().timeout(SECOND / 20);
        let health = Health::builder().check("blocker", options, move || {
            let blocked = Arc::clone(&blocked);
            async move {
                let _ = blocked.lock().expect("one run at a time").recv();
            }
        });
        health.start().expect("it starts")
    });
    // The timer has a runtime of its own: the blocked worker may be the one that
    // drives the timers of its runtime.
    let elsewhere = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let answer = elsewhere.block_on(async { timeout(5 * SECOND, health.refresh("blocker")).await });
    drop(release);
    let report = answer.expect("a refresh ends").expect("there is a check");
    assert_eq!(report.message(), Some("timed out"));
    assert!(report.overdue_since().is_some());
}

/// As above: only the dependent check reads the verdict of the dependency.
#[test]
fn a_check_is_skipped_when_its_dependency_blocks_past_the_deadline() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let block = Arc::new(AtomicBool::new(false));
    let blocks = Arc::clone(&block);
    let (tell, told) = mpsc::channel();
    let often = critical().interval(SECOND / 50).timeout(SECOND / 50);
    let health = runtime.block_on(async {
        let health = Health::builder()
            .check("database", often.clone(), move || {
                let blocked = Arc::clone(&blocked);
                let blocks = blocks.load(SeqCst);
                let tell = tell.clone();
                async move {
                    if blocks {
                        let _ = tell.send(());
                        let _ = blocked.lock().expect("one run at a time").recv();
                    }
                }
            })
            .check("schema", often.after(["database"]), || async {});
        health.start().expect("it starts")
    });
    let start = std::time::Instant::now();
    while health.status(Probe::Readiness) != Status::Pass {
        assert!(start.elapsed() < 10 * SECOND, "never ready");
        std::thread::yield_now();
    }
    let mut events = health.subscribe();
    block.store(true, SeqCst);
    told.recv_timeout(10 * SECOND).expect("it blocks");
    // As a request would: the other worker may be parked without the timers that the
    // blocked worker drives.
    runtime.spawn(async {});
    let elsewhere = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let skipped = elsewhere.block_on(async {
        let first = async {
            while let Some(event) = events.next().await {
                if matches!(event, Event::Completed(ran) if ran.blocked_by() == Some("database")) {
                    return;
                }
            }
        };
        timeout(5 * SECOND, first).await
    });
    drop(release);
    assert!(skipped.is_ok(), "it went on as if the database were there");
    drop(health);
}
