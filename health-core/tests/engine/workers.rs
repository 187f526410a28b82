//! Background tasks of a service: their orderly end and their dependencies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use health_core::report::Verdict;
use health_core::reported::{Heartbeat, Supervised};
use health_core::{CheckOptions, Health, Probe, Status};
use tokio::sync::oneshot;
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(30);

fn live() -> CheckOptions {
    CheckOptions::new().liveness().readiness().critical()
}

fn verdict(health: &Health, name: &str) -> Verdict {
    let check = health.check(name);
    check.expect("the check is registered").verdict()
}

#[tokio::test(start_paused = true)]
async fn a_finished_heartbeat_passes_without_beats_and_after_its_drop() {
    for has_beaten in [true, false] {
        let beat = Heartbeat::new("consumer", DEADLINE);
        let health = Health::builder().reported(&beat, live());
        let health = health.start().expect("it starts");
        if has_beaten {
            beat.beat();
        }
        beat.finish();
        sleep(10 * DEADLINE).await;
        assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
        beat.beat();
        drop(beat);
        sleep(10 * DEADLINE).await;
        assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
        assert_eq!(health.status(Probe::Liveness), Status::Pass);
    }
}

#[tokio::test(start_paused = true)]
async fn a_finished_task_may_end_but_not_panic() {
    let (stop, stopped) = oneshot::channel::<()>();
    let returning = Supervised::new("returning", tokio::spawn(stopped));
    let cancelled = Supervised::new("cancelled", tokio::spawn(std::future::pending::<()>()));
    let (shake, shaken) = oneshot::channel::<()>();
    let panicking = Supervised::new(
        "panicking",
        tokio::spawn(async {
            let _ = shaken.await;
            panic!("at the end");
        }),
    );
    let early = Supervised::new("early", tokio::spawn(async {}));
    let health = Health::builder()
        .reported(&returning, live())
        .reported(&cancelled, live())
        .reported(&panicking, live())
        .reported(&early, live())
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    returning.finish();
    cancelled.finish();
    panicking.finish();
    early.finish();
    drop((stop, shake));
    cancelled.abort();
    sleep(SECOND).await;
    assert_eq!(verdict(&health, "returning"), Verdict::Pass);
    assert_eq!(verdict(&health, "cancelled"), Verdict::Pass);
    assert_eq!(verdict(&health, "panicking"), Verdict::Fail);
    assert_eq!(verdict(&health, "early"), Verdict::Fail, "it ended before");
}

/// A broker, and a consumer that beats while the broker is up.
fn consumer() -> (Health, Heartbeat, Arc<AtomicBool>) {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let broker = Arc::new(AtomicBool::new(true));
    let answers = Arc::clone(&broker);
    let health = Health::builder()
        .check("broker", CheckOptions::new().interval(SECOND), move || {
            std::future::ready(answers.load(SeqCst))
        })
        .reported(&beat, live().after(["broker"]))
        .start()
        .expect("it starts");
    (health, beat, broker)
}

#[tokio::test(start_paused = true)]
async fn missed_beats_during_an_outage_of_a_dependency_do_not_fail_liveness() {
    let (health, beat, broker) = consumer();
    sleep(SECOND / 2).await;
    beat.beat();
    sleep(27 * SECOND).await;
    broker.store(false, SeqCst);
    for _ in 0..100 {
        sleep(2 * SECOND).await;
        assert_eq!(verdict(&health, "consumer"), Verdict::Skipped);
        assert_eq!(health.status(Probe::Liveness), Status::Pass);
        assert_eq!(health.status(Probe::Readiness), Status::Fail);
    }
    let report = health.check("consumer").expect("the check is registered");
    assert_eq!(report.blocked_by(), Some("broker"));

    // The deadline starts again.
    broker.store(true, SeqCst);
    sleep(28 * SECOND).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
    sleep(3 * SECOND).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Fail);
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
    beat.beat();
    assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_during_an_outage_fails_after_it() {
    let (health, beat, broker) = consumer();
    sleep(SECOND / 2).await;
    beat.beat();
    broker.store(false, SeqCst);
    sleep(2 * SECOND).await;
    drop(beat);
    assert_eq!(verdict(&health, "consumer"), Verdict::Skipped);
    broker.store(true, SeqCst);
    sleep(2 * SECOND).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Fail);
}

/// A heartbeat that failed before the dependency did keeps failing liveness.
#[tokio::test(start_paused = true)]
async fn a_failure_before_the_skip_keeps_failing_liveness() {
    let (health, beat, broker) = consumer();
    beat.beat();
    sleep(DEADLINE + SECOND).await;
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
    broker.store(false, SeqCst);
    sleep(2 * SECOND).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Skipped);
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
}
