//! Checks on demand: they run when a probe or a refresh needs their result.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use health_core::event::{Event, Events};
use health_core::http::{Endpoint, RequestHead};
use health_core::report::Verdict;
use health_core::{CheckOptions, Health};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A check that takes `time` and counts its runs.
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
    let answer = endpoint.respond(RequestHead::new("GET", path)).await;
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
    let endpoint = health.internal_endpoint();
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
        let endpoint = health.internal_endpoint();
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
async fn an_answer_waits_at_most_800_ms_and_a_dropped_request_changes_nothing() {
    let (runs, check) = counted(3 * SECOND);
    let options = CheckOptions::new().cache(60 * SECOND).critical();
    let health = Health::builder()
        .check("slow", options, check)
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    let start = Instant::now();
    assert_eq!(ask(&endpoint, "/readyz").await, 503, "nothing is known yet");
    assert_eq!(start.elapsed(), Duration::from_millis(800));
    drop(endpoint.respond(RequestHead::new("GET", "/readyz")));
    sleep(3 * SECOND).await;
    assert_eq!(
        ask(&endpoint, "/readyz").await,
        200,
        "the run went on by itself"
    );
    assert_eq!(runs.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_result_counts_until_it_is_stale() {
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
    let endpoint = health.internal_endpoint();
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
async fn a_refresh_runs_at_once_or_joins_a_current_run() {
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
    let queue = health
        .refresh("queue")
        .await
        .expect("the check is registered");
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
    let hung = health
        .refresh("hung")
        .await
        .expect("the check is registered");
    assert_eq!(
        hung.message(),
        Some("timed out"),
        "the run under way timed out"
    );
    let start = Instant::now();
    let hung = health
        .refresh("hung")
        .await
        .expect("the check is registered");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(hung.overdue_since().is_some());
}

/// The status changes so far. All events are in the channel already, so the first
/// `await` that would block ends the list.
fn turns(events: &mut Events) -> Vec<(Verdict, Verdict)> {
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = Vec::new();
    while let Poll::Ready(Some(event)) = pin!(events.next()).poll(&mut context) {
        if let Event::Transition(turned) = event {
            turns.push((turned.from, turned.report.verdict()));
        }
    }
    turns
}

#[tokio::test(start_paused = true)]
async fn a_rarely_requested_passing_check_changes_status_once() {
    let options = CheckOptions::new().cache(SECOND).critical();
    let health = Health::builder()
        .check("good", options, || async {})
        .start()
        .expect("it starts");
    let (mut events, endpoint) = (health.subscribe(), health.internal_endpoint());
    for _ in 0..20 {
        assert_eq!(ask(&endpoint, "/readyz").await, 200);
        // No run happens between two requests, whatever is read meanwhile.
        for _ in 0..10 {
            sleep(SECOND).await;
            assert_eq!(
                health
                    .check("good")
                    .expect("the check is registered")
                    .incident(),
                None
            );
            let metrics = endpoint.respond_cached(RequestHead::new("GET", "/health"));
            assert_eq!(metrics.status(), 200);
        }
    }
    assert_eq!(turns(&mut events), [(Verdict::Unknown, Verdict::Pass)]);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_passes_within_its_timeout_never_fails() {
    let (_, check) = counted(9 * SECOND / 10);
    let options = CheckOptions::new().cache(5 * SECOND).critical();
    let health = Health::builder()
        .check("slow", options, check)
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    assert_eq!(ask(&endpoint, "/readyz").await, 503, "no result yet");
    for _ in 0..20 {
        sleep(30 * SECOND).await;
        assert_eq!(ask(&endpoint, "/readyz").await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_on_demand_fails_at_its_timeout() {
    let hangs = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&hangs);
    let options = CheckOptions::new()
        .cache(SECOND)
        .timeout(5 * SECOND)
        .critical();
    let health = Health::builder()
        .check("hangs", options, move || {
            sleep(SECOND * if seen.load(SeqCst) { 3_600 } else { 0 })
        })
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    hangs.store(true, SeqCst);
    sleep(60 * SECOND).await;
    assert_eq!(ask(&endpoint, "/readyz").await, 200, "within its timeout");
    sleep(3 * SECOND).await;
    assert_eq!(ask(&endpoint, "/readyz").await, 200, "still");
    sleep(SECOND).await;
    assert_eq!(ask(&endpoint, "/readyz").await, 503, "over its timeout");
}

#[tokio::test(start_paused = true)]
async fn the_failure_threshold_applies_only_after_a_recent_pass() {
    for (asked_every, answers) in [(2, [200, 200, 200, 503]), (60, [200, 503, 503, 503])] {
        let good = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&good);
        let options = CheckOptions::new()
            .cache(SECOND)
            .timeout(SECOND)
            .failure_threshold(3)
            .stale_after(10 * SECOND)
            .critical();
        let health = Health::builder()
            .check("db", options, move || std::future::ready(seen.load(SeqCst)))
            .start()
            .expect("it starts");
        let endpoint = health.internal_endpoint();
        let mut answered = vec![ask(&endpoint, "/readyz").await];
        good.store(false, SeqCst);
        for _ in 0..3 {
            sleep(asked_every * SECOND).await;
            answered.push(ask(&endpoint, "/readyz").await);
        }
        assert_eq!(answered, answers, "asked every {asked_every} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_readiness_probe_runs_startup_checks_on_demand() {
    let (runs, check) = counted(SECOND / 10);
    let options = CheckOptions::new().startup().critical().cache(SECOND / 2);
    let health = Health::builder()
        .check("schema", options, check)
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    assert_eq!(runs.load(SeqCst), 1);
    sleep(60 * SECOND).await;
    assert_eq!(ask(&endpoint, "/readyz").await, 200);
    assert_eq!(runs.load(SeqCst), 1, "startup has passed for good");
}

#[tokio::test(start_paused = true)]
async fn a_dependent_runs_its_dependency_on_demand() {
    let (tokens, token) = counted(SECOND / 10);
    let (calls, call) = counted(SECOND / 10);
    let health = Health::builder()
        .check("token", CheckOptions::new().cache(SECOND), token)
        .check("api", CheckOptions::new().after(["token"]), call)
        .start()
        .expect("it starts");
    sleep(100 * SECOND).await;
    let api = health.check("api").expect("the check is registered");
    assert_eq!(api.verdict(), Verdict::Pass);
    assert!((9..=12).contains(&calls.load(SeqCst)));
    assert!((9..=12).contains(&tokens.load(SeqCst)), "once for each run");
}

#[test]
fn an_answer_can_be_awaited_outside_the_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let endpoint = runtime.block_on(async {
        let health = Health::builder()
            .check(
                "db",
                CheckOptions::new().cache(SECOND).critical(),
                || async {},
            )
            .check(
                "hung",
                CheckOptions::new().cache(SECOND),
                std::future::pending::<()>,
            )
            .start()
            .expect("it starts");
        health.internal_endpoint()
    });
    let answer = endpoint.respond(RequestHead::new("GET", "/readyz"));
    // An executor without tokio.
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut answer = pin!(answer);
    let response = loop {
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(response) => break response,
            Poll::Pending => thread::park(),
        }
    };
    assert_eq!(response.status(), 200);
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_without_a_result_is_neither_degraded_nor_in_an_incident() {
    let options = CheckOptions::new().cache(SECOND);
    let health = Health::builder()
        .check("db", options, || async {})
        .start()
        .expect("it starts");
    sleep(60 * SECOND).await;
    let db = health.check("db").expect("the check is registered");
    assert_eq!((db.verdict(), db.incident()), (Verdict::Unknown, None));
}

#[tokio::test(start_paused = true)]
async fn a_dependent_uses_a_recent_result_of_its_dependency() {
    let (first_runs, first) = counted(Duration::ZERO);
    let (runs, check) = counted(Duration::ZERO);
    let options = CheckOptions::new().interval(SECOND).after(["database"]);
    let _health = Health::builder()
        .check("database", CheckOptions::new().cache(60 * SECOND), first)
        .check("schema", options, check)
        .start()
        .expect("it starts");
    sleep(30 * SECOND).await;
    assert!(runs.load(SeqCst) > 20, "the dependent runs by itself");
    assert_eq!(first_runs.load(SeqCst), 1, "its result is recent");
}
