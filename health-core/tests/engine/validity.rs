//! How long a good result is valid, and that no failure makes a status healthier.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;

use health_core::config::RuntimeOptions;
use health_core::report::Verdict;
use health_core::reported::Switch;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, Probe, Status};
use test_support::until;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// The behaviour of a check, changed by the test.
#[derive(Clone, Default)]
struct Behaviour(Arc<AtomicU8>);

const PASSES: u8 = 0;
const FAILS: u8 = 1;
const HANGS: u8 = 2;

impl Behaviour {
    fn set(&self, behaviour: u8) {
        self.0.store(behaviour, SeqCst);
    }

    async fn run(self) -> bool {
        match self.0.load(SeqCst) {
            PASSES => true,
            FAILS => false,
            _ => std::future::pending().await,
        }
    }
}

fn verdict(health: &Health, check: &str) -> Verdict {
    health
        .check(check)
        .expect("the check is registered")
        .verdict()
}

#[tokio::test(start_paused = true)]
async fn failing_runs_do_not_renew_the_last_pass() {
    for behaviour in [FAILS, HANGS] {
        let check = Behaviour::default();
        let runs = check.clone();
        let options = CheckOptions::new()
            .critical()
            .interval(SECOND)
            .timeout(SECOND / 2)
            .failure_threshold(20)
            .stale_after(20 * SECOND);
        let health = Health::builder()
            .check("db", options, move || runs.clone().run())
            .start()
            .expect("it starts");
        sleep(SECOND / 2).await;
        assert_eq!(verdict(&health, "db"), Verdict::Pass);
        check.set(behaviour);
        let failing_since = Instant::now();
        while health.status(Probe::Readiness) != Status::Fail {
            sleep(SECOND / 10).await;
        }
        let took = failing_since.elapsed();
        assert!(took <= 21 * SECOND, "{took:?}: no pass is younger");
        let mut worst = Verdict::Unknown;
        for _ in 0..300 {
            sleep(SECOND / 10).await;
            assert_eq!(health.status(Probe::Readiness), Status::Fail);
            if verdict(&health, "db") == Verdict::Fail {
                worst = Verdict::Fail;
            }
        }
        assert_eq!(worst, Verdict::Fail, "the next failure settles it");
    }
}

/// A switch skips the check, so that it becomes stale without a run.
#[tokio::test(start_paused = true)]
async fn the_first_failure_after_a_skip_counts_at_once() {
    let check = Behaviour::default();
    let runs = check.clone();
    let switch = Switch::new("broker");
    let options = CheckOptions::new()
        .critical()
        .failure_threshold(3)
        .after(["broker"]);
    let health = Health::builder()
        .reported(&switch, CheckOptions::new())
        .check("queue", options, move || runs.clone().run())
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    assert_eq!(verdict(&health, "queue"), Verdict::Pass);
    switch.off("maintenance");
    sleep(SECOND).await;
    assert_eq!(verdict(&health, "queue"), Verdict::Skipped);
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    check.set(FAILS);
    switch.on();
    sleep(SECOND).await;
    assert_eq!(
        verdict(&health, "queue"),
        Verdict::Fail,
        "one failure of three"
    );
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
}

#[tokio::test(start_paused = true)]
async fn a_failed_liveness_check_keeps_failing_while_it_is_skipped() {
    for (behaviour, status) in [(PASSES, Status::Pass), (FAILS, Status::Fail)] {
        let check = Behaviour::default();
        check.set(behaviour);
        let switch = Switch::new("broker");
        let options = CheckOptions::new().liveness().critical().after(["broker"]);
        let health = Health::builder()
            .reported(&switch, CheckOptions::new())
            .check("loop", options, move || check.clone().run())
            .start()
            .expect("it starts");
        sleep(SECOND).await;
        assert_eq!(health.status(Probe::Liveness), status);
        switch.off("maintenance");
        sleep(3_600 * SECOND).await;
        assert_eq!(verdict(&health, "loop"), Verdict::Skipped);
        assert_eq!(health.status(Probe::Liveness), status, "no failure heals");
    }
}

#[test]
fn startup_does_not_latch_while_one_of_its_checks_is_over_its_timeout() {
    // The first check blocks the only worker, so only a reader notices its deadline;
    // the second one is reported from another thread.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let gate = health_core::reported::Gate::new("migrations");
    let runs = Arc::new(AtomicU8::new(0));
    let counted = Arc::clone(&runs);
    let health = runtime.block_on(async {
        let options = CheckOptions::new()
            .startup()
            .critical()
            .timeout(SECOND / 20)
            .interval(SECOND / 20);
        Health::builder()
            .runtime(RuntimeOptions::new().max_poll_time(None))
            .reported(&gate, CheckOptions::new().startup().critical())
            .check("schema", options, move || {
                let held = Arc::clone(&held);
                let is_first = counted.fetch_add(1, SeqCst) == 0;
                async move {
                    if !is_first {
                        let _ = held.lock().expect("one run at a time").recv();
                    }
                }
            })
            .start()
            .expect("it starts")
    });
    until("a second run", || runs.load(SeqCst) >= 2);
    let began = std::time::Instant::now();
    while began.elapsed() < SECOND / 5 {
        std::thread::yield_now();
    }
    gate.open();
    assert_eq!(health.status(Probe::Startup), Status::Fail);
    let schema = health.check("schema").expect("the check is registered");
    assert_eq!(schema.message(), Some("timed out"));
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn no_status_changes_after_a_stop() {
    let health = Health::builder()
        .check(
            "loop",
            CheckOptions::new().liveness().readiness().critical(),
            || async {},
        )
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    health.stop().await;
    for _ in 0..100 {
        assert_eq!(health.status(Probe::Liveness), Status::Pass);
        assert_eq!(health.status(Probe::Readiness), Status::Fail);
        assert_eq!(verdict(&health, "loop"), Verdict::Pass);
        sleep(60 * SECOND).await;
    }
    Fake::of(&health, "loop").fail("late");
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_does_not_wait_for_the_initial_delay() {
    let health = Health::builder()
        .check(
            "report",
            CheckOptions::new().initial_delay(3_600 * SECOND),
            || async {},
        )
        .start()
        .expect("it starts");
    let start = Instant::now();
    let report = health
        .refresh("report")
        .await
        .expect("the check is registered");
    assert_eq!(report.verdict(), Verdict::Pass);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// A service that was not read for so long that every deadline has passed answers
/// like one that is read all the time.
#[tokio::test(start_paused = true)]
async fn a_late_reader_sees_the_same_transition_times() {
    let (first, second) = (Switch::new("first"), Switch::new("second"));
    let startup = || CheckOptions::new().startup().critical();
    let health = Health::builder()
        .reported(&first, startup())
        .reported(&second, startup())
        .start();
    drop(health);
    first.off_for("a", 10 * SECOND);
    second.off_for("b", 5 * SECOND);
    let health = Health::builder()
        .reported(&first, startup())
        .reported(&second, startup())
        .start()
        .expect("it starts");
    // Both switches are on from 10 s on, so startup has passed then.
    tokio::time::advance(20 * SECOND).await;
    second.off("c");
    assert_eq!(health.status(Probe::Startup), Status::Pass);
}
