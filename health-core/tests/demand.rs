//! Checks that run when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use health_core::{CheckOptions, Endpoint, Health, RequestHead, Verdict};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A check that takes a while, and counts.
fn counted(takes: Duration) -> (Arc<AtomicUsize>, impl Fn() -> tokio::time::Sleep) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let check = move || {
        counter.fetch_add(1, SeqCst);
        sleep(takes)
    };
    (runs, check)
}

async fn ask(endpoint: &Endpoint, path: &str) -> u16 {
    let answer = endpoint.answer(RequestHead::new("GET", path)).await;
    answer.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_probe_runs_a_check_on_demand_and_waits_for_it() {
    let (runs, check) = counted(SECOND / 10);
    let options = CheckOptions::new().cache(5 * SECOND).critical();
    let health = Health::builder()
        .check("dear", options, check)
        .start()
        .expect("it starts");
    let endpoint = health.endpoint();
    sleep(3_600 * SECOND).await;
    assert_eq!(runs.load(SeqCst), 0, "nobody asked");

    let start = Instant::now();
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    assert_eq!(start.elapsed(), SECOND / 10);
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    assert_eq!(start.elapsed(), SECOND / 10, "the result is recent");
    assert_eq!(runs.load(SeqCst), 1);

    sleep(3_600 * SECOND).await;
    assert_eq!(ask(&endpoint, "/livez").await, 200);
    assert_eq!(runs.load(SeqCst), 1, "liveness does not depend on it");
    assert_eq!(ask(&endpoint, "/health/dear").await, 200);
    assert_eq!(runs.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_run() {
    let (runs, check) = counted(SECOND / 2);
    let options = CheckOptions::new().cache(SECOND).critical();
    let health = Health::builder()
        .check("dear", options, check)
        .start()
        .expect("it starts");
    let callers: Vec<_> = std::iter::repeat_with(|| {
        let endpoint = health.endpoint();
        tokio::spawn(async move { ask(&endpoint, "/readyz").await })
    })
    .take(500)
    .collect();
    for caller in callers {
        assert_eq!(caller.await.expect("no caller panics"), 200);
    }
    assert_eq!(runs.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_within_800_ms_and_a_caller_who_leaves_changes_nothing() {
    let (runs, check) = counted(3 * SECOND);
    let options = CheckOptions::new().cache(60 * SECOND).critical();
    let health = Health::builder()
        .check("slow", options, check)
        .start()
        .expect("it starts");
    let endpoint = health.endpoint();
    let start = Instant::now();
    assert_eq!(ask(&endpoint, "/readyz").await, 503, "nothing is known yet");
    assert_eq!(start.elapsed(), Duration::from_millis(800));
    drop(endpoint.answer(RequestHead::new("GET", "/readyz")));
    sleep(3 * SECOND).await;
    assert_eq!(
        ask(&endpoint, "/readyz").await,
        200,
        "the run went on by itself"
    );
    assert_eq!(runs.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_result_counts_while_the_next_is_late_until_it_is_stale() {
    let takes = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&takes);
    let options = CheckOptions::new()
        .cache(SECOND)
        .timeout(10 * SECOND)
        .critical();
    let health = Health::builder()
        .check("slowing", options, move || {
            sleep(SECOND * u32::try_from(seen.load(SeqCst)).unwrap_or(0))
        })
        .start()
        .expect("it starts");
    let endpoint = health.endpoint();
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    takes.store(5, SeqCst);
    sleep(2 * SECOND).await;
    assert_eq!(
        ask(&endpoint, "/readyz").await,
        200,
        "the last known result"
    );
    takes.store(60, SeqCst);
    sleep(10 * SECOND).await;
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    sleep(20 * SECOND).await;
    assert_eq!(ask(&endpoint, "/readyz").await, 503, "timed out, and old");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_runs_at_once_and_joins_what_is_under_way() {
    let (runs, check) = counted(SECOND);
    let options = CheckOptions::new()
        .timeout(2 * SECOND)
        .interval(60 * SECOND);
    let health = Health::builder()
        .check("queue", options, check)
        .start()
        .expect("it starts");
    sleep(SECOND / 2).await;
    let start = Instant::now();
    let queue = health.refresh("queue").await.expect("it");
    assert_eq!(start.elapsed(), SECOND / 2, "it joined the first run");
    assert_eq!(queue.verdict(), Verdict::Pass);
    assert_eq!(runs.load(SeqCst), 1);
    sleep(5 * SECOND).await;
    let start = Instant::now();
    tokio::join!(health.refresh("queue"), health.refresh("queue"));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(runs.load(SeqCst), 2);
    assert!(health.refresh("nobody").await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_never_waits_for_an_overdue_run() {
    let options = CheckOptions::new().timeout(SECOND).interval(SECOND);
    let health = Health::builder()
        .check("hung", options, std::future::pending::<()>)
        .start()
        .expect("it starts");
    let hung = health.refresh("hung").await.expect("it");
    assert_eq!(
        hung.message(),
        Some("timed out"),
        "the run under way timed out"
    );
    let start = Instant::now();
    let hung = health.refresh("hung").await.expect("it");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(hung.running_since().is_some());
}
