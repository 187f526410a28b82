//! The behaviour of the engine under tokio's paused clock.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use health_core::config::RuntimeOptions;
use health_core::config::ServiceInfo;
use health_core::report::{Answer, Verdict};
use health_core::{CheckOptions, Health, HealthCheck, Outcome, Probe, Status, async_trait};
use test_support::until;
use tokio::time::{Instant, advance, sleep};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn critical() -> CheckOptions {
    CheckOptions::new().critical()
}

fn body(health: &Health, path: &str) -> (u16, String) {
    let request = http::Request::get(path)
        .body(())
        .expect("the request is valid");
    let response = health.internal_endpoint().respond_cached(&request);
    let body = String::from_utf8(response.body().to_vec()).expect("the bytes are UTF-8");
    (response.status().as_u16(), body)
}

/// Counts the runs of a check and how many of them ran concurrently.
#[derive(Clone, Default)]
struct Runs(Arc<(AtomicUsize, AtomicUsize, AtomicUsize)>);

impl Runs {
    async fn one(self, takes: Duration) {
        let (count, now, most) = &*self.0;
        count.fetch_add(1, SeqCst);
        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        sleep(takes).await;
        now.fetch_sub(1, SeqCst);
    }

    fn count(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    fn most_at_once(&self) -> usize {
        self.0.2.load(SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn only_liveness_passes_before_the_first_result() {
    let health = Health::builder()
        .check("slow", critical(), || sleep(secs(1)))
        .check("alive", critical().liveness(), || sleep(secs(1)))
        .start()
        .expect("it starts");
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    let check = health.check("slow").expect("the check is registered");
    assert_eq!(check.verdict(), Verdict::Unknown);
    assert_eq!(
        body(&health, "/readyz"),
        (503, r#"{"status":"unhealthy"}"#.into())
    );
    sleep(secs(2)).await;
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    assert_eq!(
        body(&health, "/readyz"),
        (200, r#"{"status":"healthy"}"#.into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_noncritical_check_degrades_and_answers_200() {
    let health = Health::builder()
        .check("cache", CheckOptions::new(), || async {
            Outcome::fail("cold")
        })
        .start()
        .expect("it starts");
    sleep(secs(1)).await;
    assert_eq!(
        body(&health, "/readyz"),
        (200, r#"{"status":"degraded"}"#.into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_hanging_check_fails_at_its_deadline_and_runs_once() {
    let runs = Runs::default();
    let counted = runs.clone();
    let health = Health::builder()
        .check(
            "hung",
            critical().timeout(secs(2)).interval(secs(2)),
            move || counted.clone().one(Duration::MAX),
        )
        .check("fine", critical(), || async {})
        .start()
        .expect("it starts");
    sleep(Duration::from_millis(1_999)).await;
    assert_eq!(
        health
            .check("hung")
            .expect("the check is registered")
            .verdict(),
        Verdict::Unknown
    );
    sleep(Duration::from_millis(2)).await;
    let hung = health.check("hung").expect("the check is registered");
    assert_eq!(
        (hung.verdict(), hung.message()),
        (Verdict::Fail, Some("timed out"))
    );
    assert_eq!(hung.response_time(), Some(secs(2)));
    assert!(hung.overdue_since().is_some());
    assert_eq!(
        health
            .check("fine")
            .expect("the check is registered")
            .verdict(),
        Verdict::Pass
    );
    sleep(secs(20)).await;
    assert_eq!(
        runs.count(),
        1,
        "no second run while the first is in flight"
    );
    sleep(secs(20)).await;
    assert_eq!(runs.count(), 2, "given up after its second limit");
}

#[tokio::test(start_paused = true)]
async fn a_late_result_does_not_pass_and_the_next_run_decides() {
    let first = Arc::new(AtomicBool::new(true));
    let health = Health::builder()
        .check(
            "once-slow",
            critical().timeout(secs(1)).interval(secs(5)),
            move || {
                let takes = if first.swap(false, SeqCst) {
                    secs(3)
                } else {
                    secs(0)
                };
                sleep(takes)
            },
        )
        .start()
        .expect("it starts");
    sleep(secs(2)).await;
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    sleep(Duration::from_millis(1_500)).await;
    let check = health.check("once-slow").expect("the check is registered");
    assert_eq!(check.verdict(), Verdict::Fail, "late is late");
    assert!(check.overdue_since().is_none());
    sleep(secs(3)).await;
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_reader_applies_the_deadline_when_the_scheduler_is_blocked() {
    let health = Health::builder()
        .check(
            "hung",
            critical().liveness().readiness().timeout(secs(2)),
            std::future::pending::<()>,
        )
        .start()
        .expect("it starts");
    tokio::task::yield_now().await;
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    assert_eq!(
        health
            .check("hung")
            .expect("the check is registered")
            .verdict(),
        Verdict::Unknown
    );
    let mut later = pin!(advance(secs(3)));
    // The first poll moves the clock; no other task has been polled since then.
    poll_fn(|cx| Poll::Ready(later.as_mut().poll(cx).is_ready())).await;
    assert_eq!(body(&health, "/readyz").0, 503);
    let hung = health.check("hung").expect("the check is registered");
    assert_eq!(
        (hung.verdict(), hung.message()),
        (Verdict::Fail, Some("timed out"))
    );
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_only_its_own_check_and_its_text_is_private() {
    async fn explode() -> bool {
        sleep(Duration::ZERO).await;
        panic!("password=hunter2")
    }
    let health = Health::builder()
        .check("bomb", critical(), explode)
        .check("fine", critical(), || async {})
        .start()
        .expect("it starts");
    sleep(secs(1)).await;
    let bomb = health.check("bomb").expect("the check is registered");
    assert_eq!(bomb.message(), Some("panicked"));
    assert_eq!(bomb.cause(), ["password=***"]);
    for path in ["/health", "/health/bomb", "/readyz", "/readyz/bomb"] {
        let (status, body) = body(&health, path);
        assert_eq!(status, 503, "{path}");
        assert!(!body.contains("hunter2"), "{path}: {body}");
    }
    assert_eq!(
        health
            .check("fine")
            .expect("the check is registered")
            .verdict(),
        Verdict::Pass
    );
    sleep(secs(15)).await;
    assert!(
        health
            .check("bomb")
            .expect("the check is registered")
            .consecutive()
            >= 2,
        "it runs on"
    );
}

#[tokio::test(start_paused = true)]
async fn the_text_of_an_error_is_withheld() {
    let health = Health::builder()
        .check("db", critical(), || async {
            Err::<(), _>("postgres://u:secret@10.0.0.7")
        })
        .start()
        .expect("it starts");
    sleep(secs(1)).await;
    let (status, body) = body(&health, "/health");
    assert_eq!(status, 503);
    assert!(body.contains(r#""message":"withheld""#), "{body}");
    assert!(!body.contains("secret"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_add_runs_to_a_thousand_checks() {
    const CHECKS: usize = 1_000;
    let runs: Vec<Runs> = std::iter::repeat_with(Runs::default).take(CHECKS).collect();
    let mut builder = Health::builder();
    for (nth, runs) in runs.iter().enumerate() {
        let runs = runs.clone();
        builder = builder.check(format!("check-{nth}"), critical(), move || {
            runs.clone().one(Duration::from_millis(10))
        });
    }
    let health = builder.start().expect("it starts");
    let callers: Vec<_> = std::iter::repeat_with(|| {
        let health = health.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                let _ = body(&health, "/readyz");
                sleep(Duration::from_millis(450)).await;
            }
        })
    })
    .take(100)
    .collect();
    for caller in callers {
        caller.await.expect("no caller panics");
    }
    // 45 s have passed: runs at 0, 10, 20, 30 and 40 s, each up to 10 % earlier.
    for runs in &runs {
        assert!((4..=6).contains(&runs.count()), "{} runs", runs.count());
        assert_eq!(runs.most_at_once(), 1);
    }
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waiting_checks_run_concurrently() {
    let mut builder = Health::builder();
    for nth in 0..1_000 {
        builder = builder.check(format!("check-{nth}"), critical(), || {
            sleep(Duration::from_millis(10))
        });
    }
    let health = builder.start().expect("it starts");
    let start = Instant::now();
    while health.status(Probe::Readiness) != Status::Pass {
        sleep(Duration::from_millis(1)).await;
    }
    let first = start.elapsed();
    assert!(first <= Duration::from_millis(150), "spread: {first:?}");

    let start = Instant::now();
    let again: Vec<_> = (0..1_000)
        .map(|nth| {
            let health = health.clone();
            tokio::spawn(async move { health.refresh(&format!("check-{nth}")).await })
        })
        .collect();
    for refreshed in again {
        let report = refreshed
            .await
            .expect("no thread panicked")
            .expect("the check is registered");
        assert_eq!(report.verdict(), Verdict::Pass);
    }
    let later = start.elapsed();
    assert!(later <= Duration::from_millis(15), "{later:?}");
}

#[tokio::test(start_paused = true)]
async fn startup_latches_and_readiness_waits_for_it() {
    let runs = Runs::default();
    let counted = runs.clone();
    let healthy = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&healthy);
    let options = critical().startup().interval(secs(1)).timeout(secs(1));
    let health = Health::builder()
        .check("migrations", options, move || {
            let runs = counted.clone();
            let healthy = Arc::clone(&seen);
            async move {
                runs.one(Duration::ZERO).await;
                healthy.load(SeqCst)
            }
        })
        .start()
        .expect("it starts");
    sleep(secs(3)).await;
    assert_eq!(health.status(Probe::Startup), Status::Fail);
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);

    healthy.store(true, SeqCst);
    sleep(secs(2)).await;
    assert_eq!(health.status(Probe::Startup), Status::Pass);
    assert_eq!(health.status(Probe::Readiness), Status::Pass);

    healthy.store(false, SeqCst);
    let so_far = runs.count();
    sleep(secs(3_600)).await;
    assert_eq!(runs.count(), so_far, "what has passed is not asked again");
    assert_eq!(health.status(Probe::Startup), Status::Pass);
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_drain_fails_readiness_at_once_and_keeps_liveness() {
    let health = Health::builder()
        .check("fine", critical(), || async {})
        .start()
        .expect("it starts");
    sleep(secs(1)).await;
    let start = Instant::now();
    let drained = health.drain();
    assert_eq!(
        health.status(Probe::Readiness),
        Status::Fail,
        "before the first poll"
    );
    let (status, text) = body(&health, "/health");
    assert_eq!(status, 503);
    assert!(
        text.contains(r#""shutdown":{"status":"error","critical":true,"message":"draining"}"#),
        "{text}"
    );
    sleep(secs(2)).await;
    let second = health.drain();
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    drained.await;
    assert_eq!(start.elapsed(), secs(7));
    second.await;
    assert_eq!(start.elapsed(), secs(7), "the second call joins the first");
    assert_eq!(
        health.status(Probe::Readiness),
        Status::Fail,
        "and nothing flips back"
    );
}

#[tokio::test(start_paused = true)]
async fn the_checks_stop_with_the_last_handle() {
    let runs = Runs::default();
    let counted = runs.clone();
    let health = Health::builder()
        .check("counted", critical(), move || {
            counted.clone().one(Duration::ZERO)
        })
        .start()
        .expect("it starts");
    let endpoint = health.internal_endpoint();
    sleep(secs(1)).await;
    drop(health);
    sleep(secs(60)).await;
    assert!(runs.count() >= 5, "a mounted endpoint keeps them running");
    drop(endpoint);
    let so_far = runs.count();
    sleep(secs(60)).await;
    assert_eq!(runs.count(), so_far);
}

#[tokio::test]
async fn a_stop_waits_for_tasks_and_threads() {
    struct Tells(std::sync::mpsc::Sender<()>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (tell, told) = std::sync::mpsc::channel();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let ended = tell.clone();
    let health = Health::builder()
        .check("hung", critical(), move || {
            let held = Tells(tell.clone());
            async move {
                let _held = held;
                std::future::pending::<()>().await;
            }
        })
        .check_blocking("plain", critical(), move || {
            let _held = Tells(ended.clone());
            let _ = blocked.lock().expect("one run at a time").recv();
        })
        .start()
        .expect("it starts");
    tokio::task::yield_now().await;
    let stopping = health.stop();
    drop(release);
    stopping.await;
    assert_eq!(told.try_iter().count(), 2, "nothing runs any more");
}

#[tokio::test(start_paused = true)]
async fn a_check_is_unknown_during_its_initial_delay() {
    let health = Health::builder()
        .check("later", critical().initial_delay(secs(30)), || async {})
        .start()
        .expect("it starts");
    sleep(secs(29)).await;
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    sleep(secs(2)).await;
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_boxed_health_check_can_be_registered() {
    struct Queue(usize);
    #[async_trait]
    impl HealthCheck for Queue {
        async fn check(&self) -> Outcome {
            sleep(Duration::from_millis(1)).await;
            Outcome::warn("filling up")
                .observe(3.0, "jobs")
                .detail(["a"; 1])
                .because(format!("limit {}", self.0))
        }
    }
    let boxed: Box<dyn HealthCheck> = Box::new(Queue(8));
    let shared: Arc<dyn HealthCheck> = Arc::new(Queue(9));
    let health = Health::builder()
        .check_impl("queue", critical(), Queue(7))
        .check_impl("boxed", critical(), boxed)
        .check_impl("shared", critical(), shared)
        .service_info(ServiceInfo::new().version("1.4.2"))
        .start()
        .expect("it starts");
    sleep(secs(1)).await;
    let (status, body) = body(&health, "/health");
    assert_eq!(status, 200);
    let answer: Answer = serde_json::from_str(&body).expect("the text is valid JSON");
    assert_eq!(answer.status, Status::Warn);
    assert_eq!(answer.version.as_deref(), Some("1.4.2"));
    let queue = &answer.checks["queue"];
    assert_eq!(queue.status, Verdict::Warn);
    assert_eq!(queue.message.as_deref(), Some("filling up"));
    let observed = queue.observed.as_ref().expect("a value");
    assert_eq!((&observed.value, &*observed.unit), (&3.0.into(), "jobs"));
    assert_eq!(queue.detail.as_ref().expect("a list")[0], "a");
    for (name, cause) in [
        ("queue", "limit 7"),
        ("boxed", "limit 8"),
        ("shared", "limit 9"),
    ] {
        assert_eq!(
            health.check(name).expect("the check is registered").cause(),
            [cause]
        );
    }
}

/// One of the few tests in real time: only a blocked thread and the real clock bring
/// about the conditions that it waits for.
#[test]
fn a_check_that_blocks_its_thread_is_caught_at_its_deadline() {
    use std::sync::mpsc;

    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let timeout = Duration::from_millis(50);
    let health = runtime.block_on(async {
        Health::builder()
            .check("blocker", critical().timeout(timeout), move || {
                let blocked = Arc::clone(&blocked);
                async move {
                    // The most common mistake: a blocking call in an async function.
                    let _ = blocked.lock().expect("one run at a time").recv();
                }
            })
            .start()
            .expect("it starts")
    });
    // The only worker is blocked, so only this reader can notice the deadline.
    let overdue = || {
        health
            .check("blocker")
            .expect("the check is registered")
            .message()
            == Some("timed out")
    };
    until("the deadline fails the check", overdue);
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    drop(release);
    drop(health);
}

/// Forty checks that share a pool of five connections, each for 0.8 s.
#[tokio::test(start_paused = true)]
async fn queued_first_runs_do_not_time_out() {
    for limit in [None, Some(5)] {
        let pool = Arc::new(tokio::sync::Semaphore::new(5));
        let mut builder = Health::builder();
        if let Some(limit) = limit {
            builder = builder.runtime(RuntimeOptions::new().max_concurrent_runs(limit));
        }
        for nth in 0..40 {
            let pool = Arc::clone(&pool);
            let check = move || {
                let pool = Arc::clone(&pool);
                async move {
                    let _connection = pool.acquire().await.expect("it is open");
                    sleep(Duration::from_millis(800)).await;
                }
            };
            builder = builder.check(format!("query-{nth}"), critical(), check);
        }
        let health = builder.start().expect("it starts");
        let start = Instant::now();
        while health.status(Probe::Readiness) != Status::Pass {
            sleep(Duration::from_millis(50)).await;
            let snapshot = health.snapshot();
            let failed = snapshot
                .checks()
                .iter()
                .find(|check| check.verdict() == Verdict::Fail);
            assert!(failed.is_none(), "{failed:?} with limit {limit:?}");
        }
        let took = start.elapsed();
        assert!(took < secs(8), "{took:?} for 6.4 s of work");
        let report = health.check("query-7").expect("the check is registered");
        let response = report.response_time().expect("a run");
        assert!(
            limit.is_none() || response < secs(1),
            "no run waits: {response:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_first_runs_delay_the_others_only_briefly() {
    let mut builder = Health::builder();
    for nth in 0..20 {
        let options = CheckOptions::new();
        builder = builder.check(format!("a-{nth:02}"), options, std::future::pending::<()>);
    }
    let health = builder
        .check("critical", critical(), || async {})
        .check("z", CheckOptions::new(), || async {})
        .start()
        .expect("it starts");
    sleep(Duration::from_millis(10)).await;
    let verdict = |name: &str| {
        health
            .check(name)
            .expect("the check is registered")
            .verdict()
    };
    assert_eq!(
        verdict("critical"),
        Verdict::Pass,
        "critical checks come first"
    );
    assert_eq!(verdict("z"), Verdict::Unknown);
    sleep(secs(4)).await;
    assert_eq!(verdict("z"), Verdict::Pass);
}

#[tokio::test]
async fn a_concurrency_limit_of_zero_is_refused() {
    let refused = Health::builder()
        .runtime(RuntimeOptions::new().max_concurrent_runs(0))
        .start();
    let text = refused.expect_err("no check could run").to_string();
    assert!(text.contains("max_concurrent_runs"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_at_the_due_time_joins_the_due_run() {
    let runs = Runs::default();
    let counted = runs.clone();
    let health = Health::builder()
        .check("counted", critical(), move || {
            counted.clone().one(Duration::ZERO)
        })
        .start()
        .expect("it starts");
    health.refresh("counted").await;
    sleep(secs(1)).await;
    assert_eq!(runs.count(), 1, "the first run was due as well");
}
