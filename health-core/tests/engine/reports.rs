//! Reported checks that never run: heartbeats, switches and supervised tasks.
//! `gates.rs` has the tests of gates.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use health_core::config::HttpOptions;
use health_core::config::Settings;
use health_core::event::{Event, Events};
use health_core::report::Verdict;
use health_core::reported::{Heartbeat, Supervised, Switch};
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};
use test_support::{BOUND, until};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(30);
/// One second less than the deadline.
const ALMOST: Duration = Duration::from_secs(29);

fn options() -> CheckOptions {
    CheckOptions::new()
}

fn critical() -> CheckOptions {
    options().critical()
}

fn started(builder: HealthBuilder) -> Health {
    builder.start().expect("it starts")
}

fn verdict(health: &Health, name: &str) -> Verdict {
    health.check(name).expect("there is such a check").verdict()
}

fn message(health: &Health, name: &str) -> Option<String> {
    let check = health.check(name).expect("there is such a check");
    check.message().map(str::to_owned)
}

fn on_one_thread() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder
        .enable_all()
        .build()
        .expect("a runtime can be built")
}

/// The verdicts of the only check after each change, in order.
async fn turns(mut events: Events) -> Vec<Verdict> {
    let mut turns = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Transition(turn) = event {
            turns.push(turn.report.verdict());
        }
    }
    turns
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_is_unknown_then_passes_and_fails_after_its_deadline() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let health = started(Health::builder().reported(&beat, critical()));
    assert_eq!(verdict(&health, "consumer"), Verdict::Unknown);
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    beat.beat();
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    for _ in 0..5 {
        advance(ALMOST).await;
        assert_eq!(health.status(Probe::Readiness), Status::Pass);
        beat.beat();
    }
    advance(ALMOST).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
    advance(SECOND).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Fail);
    assert_eq!(
        message(&health, "consumer").as_deref(),
        Some("no heartbeat for 30s")
    );
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    beat.clone().beat();
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn without_a_first_beat_the_deadline_counts_from_the_start() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    sleep(10 * DEADLINE).await;
    let health = started(Health::builder().reported(&beat, critical().liveness()));
    advance(ALMOST).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Unknown);
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
    advance(SECOND).await;
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
    beat.beat();
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_beat_before_the_start_is_valid_as_long_as_any_other() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    beat.beat();
    sleep(ALMOST).await;
    let health = started(Health::builder().reported(&beat, critical().liveness()));
    assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
    advance(SECOND).await;
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
    health.stop().await;
    let again = started(Health::builder().reported(&beat, critical().liveness()));
    assert_eq!(verdict(&again, "consumer"), Verdict::Unknown);
    beat.beat();
    assert_eq!(verdict(&again, "consumer"), Verdict::Pass);
    assert_eq!(verdict(&health, "consumer"), Verdict::Fail, "it is stopped");
}

#[tokio::test(start_paused = true)]
async fn a_missed_beat_is_reported_without_readers() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let health = started(Health::builder().reported(&beat, critical()));
    let events = health.subscribe();
    beat.beat();
    sleep(DEADLINE / 2).await;
    beat.beat();
    sleep(2 * DEADLINE).await;
    beat.beat();
    sleep(SECOND).await;
    drop(beat);
    drop(health);
    assert_eq!(
        turns(events).await,
        [Verdict::Pass, Verdict::Fail, Verdict::Pass, Verdict::Fail]
    );
}

/// The clock advances while no task runs, as for a blocked runtime.
#[tokio::test(start_paused = true)]
async fn a_late_beat_reports_the_missed_one_first() {
    let stands_still = on_one_thread();
    let beat = Heartbeat::new("consumer", DEADLINE);
    let health = {
        let _entered = stands_still.enter();
        started(Health::builder().reported(&beat, critical()))
    };
    let events = health.subscribe();
    beat.beat();
    advance(2 * DEADLINE).await;
    beat.beat();
    drop(beat);
    drop(health);
    stands_still.shutdown_background();
    assert_eq!(
        turns(events).await,
        [Verdict::Pass, Verdict::Fail, Verdict::Pass, Verdict::Fail]
    );
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_fails_when_its_last_clone_is_dropped() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let health = started(Health::builder().reported(&beat, critical()));
    let task = tokio::spawn({
        let beat = beat.clone();
        async move {
            beat.beat();
            panic!("the consumer's own panic");
        }
    });
    drop(beat);
    assert!(task.await.is_err());
    assert_eq!(
        message(&health, "consumer").as_deref(),
        Some("the heartbeat was dropped")
    );
    assert_eq!(verdict(&health, "consumer"), Verdict::Fail);
}

#[test]
fn a_blocked_runtime_cannot_hide_a_missed_beat() {
    let beat = Heartbeat::new("consumer", Duration::from_millis(50));
    let of_the_loop = beat.clone();
    let (tell, told) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let wedged = thread::spawn(move || {
        on_one_thread().block_on(async {
            let health = started(Health::builder().reported(&of_the_loop, critical().liveness()));
            of_the_loop.beat();
            tell.send(health).expect("somebody reads");
            // The mistake: the only thread of the runtime blocks.
            let _ = released.recv();
        });
    });
    let health = told.recv_timeout(BOUND).expect("it starts");
    until("the silence", || {
        health.status(Probe::Liveness) == Status::Fail
    });
    assert_eq!(
        message(&health, "consumer").as_deref(),
        Some("no heartbeat for 50ms")
    );
    drop(release);
    wedged.join().expect("it ends");
    beat.beat();
    let report = health.check("consumer").expect("the check is registered");
    assert_eq!(report.consecutive(), 1, "a beat ends it without a runtime");
}

#[test]
fn beats_from_many_threads_cause_one_status_change() {
    const THREADS: usize = 8;
    const BEATS: usize = 20_000;
    let runtime = on_one_thread();
    let beat = Heartbeat::new("consumer", Duration::from_secs(3_600));
    let health = runtime.block_on(async { started(Health::builder().reported(&beat, critical())) });
    let events = health.subscribe();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut passed = false;
            while !done.load(SeqCst) {
                let verdict = verdict(&health, "consumer");
                assert!(!passed || verdict == Verdict::Pass, "{verdict}");
                passed = verdict == Verdict::Pass;
            }
        });
        let beating: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..BEATS {
                        beat.beat();
                    }
                })
            })
            .collect();
        for thread in beating {
            thread.join().expect("it beats");
        }
        done.store(true, SeqCst);
        reader.join().expect("nothing else was seen");
    });
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    drop((beat, health));
    assert_eq!(
        runtime.block_on(turns(events)),
        [Verdict::Pass, Verdict::Fail]
    );
}

/// Beats around the deadline, while another thread reads all the time: in any order,
/// no beat is lost.
#[test]
fn a_beat_at_the_deadline_is_never_lost() {
    let runtime = on_one_thread();
    let beat = Heartbeat::new("consumer", Duration::from_millis(1));
    let health = runtime.block_on(async { started(Health::builder().reported(&beat, critical())) });
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    health.status(Probe::Readiness);
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..300 {
                    beat.beat();
                    thread::sleep(Duration::from_micros(900));
                }
                done.store(true, SeqCst);
            });
        }
    });
    until("silence", || verdict(&health, "consumer") == Verdict::Fail);
    until("a beat that is seen", || {
        beat.beat();
        verdict(&health, "consumer") == Verdict::Pass
    });
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_off_until_it_is_turned_on_or_its_time_is_over() {
    let switch = Switch::new("maintenance");
    let health = started(Health::builder().reported(&switch, critical()));
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    switch.off("the index is rebuilt");
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    sleep(1_000 * DEADLINE).await;
    assert_eq!(
        message(&health, "maintenance").as_deref(),
        Some("the index is rebuilt")
    );
    switch.off_for("the disk is changed", DEADLINE);
    assert_eq!(
        message(&health, "maintenance").as_deref(),
        Some("the disk is changed")
    );
    advance(ALMOST).await;
    assert_eq!(health.status(Probe::Readiness), Status::Fail);
    assert!(!switch.is_on());
    advance(SECOND).await;
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    assert!(switch.is_on());
    switch.off_for("for ever", Duration::MAX);
    drop(switch.clone());
    assert!(!switch.is_on());
    switch.on();
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    assert_eq!(message(&health, "maintenance"), None);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_turns_on_by_itself_is_reported_without_readers() {
    let switch = Switch::new("maintenance");
    let health = started(Health::builder().reported(&switch, options()));
    let events = health.subscribe();
    switch.off_for("a moment", DEADLINE);
    switch.off_for("a moment", DEADLINE);
    sleep(2 * DEADLINE).await;
    drop(health);
    assert_eq!(turns(events).await, [Verdict::Fail, Verdict::Pass]);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_not_critical_degrades() {
    let switch = Switch::new("maintenance");
    switch.off("before the start");
    let health = started(Health::builder().reported(&switch, options()));
    assert_eq!(health.status(Probe::Readiness), Status::Warn);
    switch.off("ä".repeat(1_000));
    let cut = message(&health, "maintenance").expect("a reason");
    assert_eq!(cut, "ä".repeat(128));
}

#[tokio::test(start_paused = true)]
async fn startup_passes_when_its_last_check_recovers_by_itself() {
    let switch = Switch::new("warm-up");
    switch.off_for("caches are cold", DEADLINE);
    let health = started(Health::builder().reported(&switch, critical().startup()));
    advance(DEADLINE).await;
    assert_eq!(health.status(Probe::Startup), Status::Pass);
    switch.off("later");
    assert_eq!(health.status(Probe::Readiness), Status::Pass, "it latched");
}

#[tokio::test]
async fn a_panicked_task_fails_with_a_private_text() {
    let task = tokio::spawn(async {
        tokio::task::yield_now().await;
        panic!("password=hunter2")
    });
    let health =
        started(Health::builder().reported(&Supervised::<()>::new("worker", task), critical()));
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    let mut events = health.subscribe();
    let turned = async {
        loop {
            if let Some(Event::Transition(turn)) = events.next().await {
                return turn.report;
            }
        }
    };
    let report = timeout(BOUND, turned).await.expect("it turns");
    assert_eq!(
        (report.name(), report.message()),
        ("worker", Some("panicked"))
    );
    assert!(
        report.cause()[0].contains("password=***"),
        "{:?}",
        report.cause()
    );
    let body = health
        .internal_endpoint()
        .respond_cached(health_core::http::RequestHead::new("GET", "/health"));
    let body = String::from_utf8_lossy(body.body()).into_owned();
    assert!(
        body.contains("panicked") && !body.contains("hunter2"),
        "{body}"
    );
}

#[tokio::test]
async fn a_task_that_returns_or_is_cancelled_fails_and_its_result_is_kept() {
    let ends = Supervised::new("ends", tokio::spawn(async { String::from("result") }));
    let hangs = Supervised::new("hangs", tokio::spawn(std::future::pending::<()>()));
    let health = started(
        Health::builder()
            .reported(&ends, critical().liveness())
            .reported(&hangs, options()),
    );
    assert_eq!(ends.await.expect("no thread panicked"), "result");
    assert_eq!(message(&health, "ends").as_deref(), Some("ended"));
    assert_eq!(health.status(Probe::Liveness), Status::Fail);
    assert_eq!(verdict(&health, "hangs"), Verdict::Pass);
    hangs.abort();
    assert!(hangs.await.expect_err("cancelled").is_cancelled());
    assert_eq!(message(&health, "hangs").as_deref(), Some("cancelled"));
    assert_eq!(health.status(Probe::Readiness), Status::Warn);
}

#[tokio::test]
async fn a_task_that_ended_before_the_start_has_failed() {
    let task = Supervised::new("worker", tokio::spawn(async {}));
    while !task.is_finished() {
        tokio::task::yield_now().await;
    }
    let health = started(Health::builder().reported(&task, critical()));
    assert_eq!(message(&health, "worker").as_deref(), Some("ended"));
}

#[test]
fn a_task_is_reported_as_cancelled_after_its_runtime_has_ended() {
    let (of_health, of_task) = (on_one_thread(), on_one_thread());
    let task = of_task.spawn(std::future::pending::<()>());
    let health = of_health.block_on(async {
        started(Health::builder().reported(&Supervised::new("worker", task), critical()))
    });
    assert_eq!(verdict(&health, "worker"), Verdict::Pass);
    drop(of_task);
    assert_eq!(message(&health, "worker").as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn a_task_that_ends_after_the_stop_does_not_fail() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = Supervised::new("worker", tokio::spawn(stopped));
    let health = started(Health::builder().reported(&task, critical().liveness()));
    health.stop().await;
    drop(stop);
    assert!(task.await.expect("no thread panicked").is_err());
    assert_eq!(health.status(Probe::Liveness), Status::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_with_the_last_health_does_not_fail() {
    let (beat, switch) = (Heartbeat::new("beat", DEADLINE), Switch::new("switch"));
    let task = tokio::spawn(std::future::pending::<()>());
    let abort = task.abort_handle();
    let health = started(
        Health::builder()
            .reported(&beat, options())
            .reported(&switch, options())
            .reported(&Supervised::new("task", task), options()),
    );
    beat.beat();
    let events = health.subscribe();
    drop(health);
    drop(beat);
    switch.off("at the end");
    abort.abort();
    assert_eq!(turns(events).await, []);
}

/// A task that is awaited on one thread is cancelled on another at the same time.
#[test]
fn the_result_of_a_task_is_never_lost() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        for round in 0..2_000 {
            let task = Supervised::new("worker", tokio::spawn(async move { round }));
            assert_eq!(task.await.expect("no thread panicked"), round);
        }
    });
}

#[tokio::test]
async fn run_options_and_invalid_deadlines_are_refused() {
    let dropped = Heartbeat::new("dropped", DEADLINE);
    let builder = Health::builder();
    let runs = critical()
        .timeout(SECOND)
        .interval(SECOND)
        .cache(SECOND)
        .initial_delay(SECOND)
        .failure_threshold(2)
        .success_threshold(2)
        .stale_after(SECOND);
    let builder = builder
        .reported(&Heartbeat::new("runs", DEADLINE), runs)
        .reported(&dropped, critical());
    drop(dropped);
    let [zero, long] = [
        Heartbeat::new("zero", Duration::ZERO),
        Heartbeat::new("long", Duration::MAX),
    ];
    let live = Switch::new("live");
    let error = builder
        .reported(&zero, critical())
        .reported(&long, critical())
        .reported(&live, options().liveness())
        .start()
        .expect_err("it is refused")
        .to_string();
    for expected in [
        "`timeout`",
        "`interval`",
        "`cache`",
        "`initial_delay`",
        "`failure_threshold`",
        "`success_threshold`",
        "`stale_after`",
    ] {
        let what = format!("it is reported and never run, so {expected} has no effect on it");
        let help = format!("help: leave {expected} out");
        assert!(error.contains(&what) && error.contains(&help), "{error}");
    }
    for expected in [
        "a liveness check that is not critical has no effect",
        "help: add `.critical()`, or leave `.liveness()` out",
        "the heartbeat has been dropped, so it cannot beat",
        "help: keep a clone of it where the work is done",
        "the timeout of a heartbeat cannot be below 1 ms",
        "help: write several times what one round of the work takes",
        "the timeout of the heartbeat is too long",
        "help: the longest timeout is 24 h",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_can_only_disable_reported_checks() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let builder = || Health::builder().reported(&beat, critical());
    let settings = |key, value| Settings::from_vars([(key, value)]);
    let without = builder().settings(settings("HEALTH_CHECK_CONSUMER_ENABLED", "false"));
    assert!(started(without).check("consumer").is_none());
    let changed = builder().settings(settings("HEALTH_CHECK_CONSUMER_INTERVAL", "5s"));
    assert!(changed.start().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_check_after_a_heartbeat_follows_it() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let runs = Arc::new(AtomicBool::new(false));
    let ran = Arc::clone(&runs);
    let health = started(Health::builder().reported(&beat, options()).check(
        "lag",
        options().after(["consumer"]),
        move || {
            ran.store(true, SeqCst);
            async {}
        },
    ));
    sleep(SECOND).await;
    assert!(!runs.load(SeqCst), "nothing is known yet");
    assert_eq!(verdict(&health, "lag"), Verdict::Unknown);
    beat.beat();
    tokio::task::yield_now().await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(verdict(&health, "lag"), Verdict::Pass);
    sleep(DEADLINE + 11 * SECOND).await;
    let lag = health.check("lag").expect("the check is registered");
    assert_eq!(lag.blocked_by(), Some("consumer"));
    beat.beat();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(verdict(&health, "lag"), Verdict::Pass);
}

/// Every kind of work that a service ends when it drains.
#[tokio::test(start_paused = true)]
async fn work_that_ends_during_a_drain_does_not_fail() {
    let live = || CheckOptions::new().liveness().critical();
    let beat = Heartbeat::new("consumer", DEADLINE);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Supervised::new("worker", tokio::spawn(async move { drop(stopped.await) }));
    let cancelled = Supervised::new("cancelled", tokio::spawn(std::future::pending::<()>()));
    let health = started(
        Health::builder()
            .reported(&beat, live())
            .reported(&worker, live())
            .reported(&cancelled, live()),
    );
    beat.beat();
    let mut events = health.subscribe();
    let drained = health.drain();
    drop((beat, stop));
    worker.await.expect("it ends");
    cancelled.abort();
    drained.await;
    for _ in 0..100 {
        assert_eq!(health.status(Probe::Liveness), Status::Pass);
        sleep(DEADLINE).await;
    }
    assert!(timeout(SECOND, events.next()).await.is_err(), "no event");
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_missed_beat_fail_during_a_drain() {
    let live = || CheckOptions::new().liveness().critical();
    let beat = Heartbeat::new("consumer", DEADLINE);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Supervised::new(
        "worker",
        tokio::spawn(async move {
            let _ = stopped.await;
            panic!("out of order");
        }),
    );
    let health = started(
        Health::builder()
            .reported(&beat, live())
            .reported(&worker, live()),
    );
    beat.beat();
    drop(health.drain());
    drop(stop);
    assert!(worker.await.is_err());
    assert_eq!(message(&health, "worker").as_deref(), Some("panicked"));
    assert_eq!(verdict(&health, "consumer"), Verdict::Pass);
    sleep(DEADLINE).await;
    assert_eq!(verdict(&health, "consumer"), Verdict::Fail);
}

/// Times and counts are those of the last report, not those of the last change.
#[tokio::test(start_paused = true)]
async fn a_heartbeat_reports_the_time_and_count_of_its_last_beat() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let builder = Health::builder()
        .http(HttpOptions::new().path("/metrics", health_core::http::Page::Metrics));
    let health = started(builder.reported(&beat, critical()));
    let page = |path: &str| {
        let answer = health
            .internal_endpoint()
            .respond_cached(health_core::http::RequestHead::new("GET", path));
        String::from_utf8(answer.body().to_vec()).expect("the bytes are UTF-8")
    };
    beat.beat();
    let (first, first_page) = (
        health.check("consumer").expect("the check is registered"),
        page("/health"),
    );
    for _ in 0..10 {
        sleep(SECOND).await;
        beat.beat();
    }
    let last = health.check("consumer").expect("the check is registered");
    assert!(last.checked_at() > first.checked_at());
    assert_ne!(page("/health"), first_page, "its `checked_at` moves on");
    let metrics = page("/metrics");
    let beats = "health_checks_total{check=\"consumer\",kind=\"readiness\",status=\"success\"} 11";
    assert!(metrics.contains(beats), "{metrics}");
    assert_eq!(last.consecutive(), 1, "one report that lasts");
}

/// Beats are counted once per millisecond, so a busy loop may beat in each round.
#[tokio::test(start_paused = true)]
async fn beats_within_one_millisecond_count_once() {
    let beat = Heartbeat::new("consumer", DEADLINE);
    let builder = Health::builder()
        .http(HttpOptions::new().path("/metrics", health_core::http::Page::Metrics));
    let health = started(builder.reported(&beat, critical()));
    for _ in 0..5 {
        beat.beat();
    }
    advance(Duration::from_millis(1)).await;
    for _ in 0..5 {
        beat.beat();
    }
    let request = health_core::http::RequestHead::new("GET", "/metrics");
    let answer = health.internal_endpoint().respond_cached(request);
    let metrics = String::from_utf8(answer.body().to_vec()).expect("the bytes are UTF-8");
    let beats = "health_checks_total{check=\"consumer\",kind=\"readiness\",status=\"success\"} 2";
    assert!(metrics.contains(beats), "{metrics}");
}
