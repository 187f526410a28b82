//! Push monitors over real sockets.
#![cfg(feature = "webhook")]

use std::sync::mpsc;
use std::time::Duration;

use health_core::config::RuntimeOptions;
use health_core::notify::PushMonitor;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Probe};
use test_support::BOUND;
use test_support::receiver::{Answer, next, receiver};

const SECOND: Duration = Duration::from_secs(1);

/// A service with one check whose outcome the test sets.
fn forced(monitor: PushMonitor) -> HealthBuilder {
    let idle = CheckOptions::new().critical().initial_delay(BOUND * 60);
    Health::builder()
        .check("database", idle, || async {})
        .notify(monitor)
}

fn fail(health: &Health) {
    Fake::of(health, "database").fail("drill");
}

fn pass(health: &Health) {
    Fake::of(health, "database").pass();
}

#[tokio::test]
async fn beats_are_sent_while_the_service_is_live_and_ready() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let (alive_url, alive) = receiver(&[Answer::Code(200)]);
    let monitor = PushMonitor::new(url).period(SECOND);
    let liveness = PushMonitor::new(alive_url).period(SECOND);
    let health = forced(monitor)
        .notify(liveness.probe(Probe::Liveness))
        .start()
        .expect("it starts");
    // A whole period passes on the other monitor.
    next(&alive);
    next(&alive);
    assert!(told.try_recv().is_err(), "no beat comes before readiness");
    pass(&health);
    let first = next(&told);
    assert_eq!(first.line, "GET /turns HTTP/1.1");
    assert!(first.raw.is_empty());
    let second = next(&told);
    // The receiver's clock starts before the sender's.
    assert!(second.at - first.at >= SECOND / 2);
    drop(health);
}

#[tokio::test]
async fn no_beat_is_sent_while_the_service_fails() {
    let (beats, beaten) = receiver(&[Answer::Code(200)]);
    let (failures, failed) = receiver(&[Answer::Code(200)]);
    let silent = PushMonitor::new(beats).period(SECOND);
    let talking = PushMonitor::new(&failures).failure_url(&failures);
    let health = forced(silent)
        .notify(talking.period(SECOND))
        .start()
        .expect("it starts");
    pass(&health);
    next(&beaten);
    next(&failed);
    fail(&health);
    // Periods pass on the other monitor; the first call can be a late beat.
    next(&failed);
    next(&failed);
    while beaten.try_recv().is_ok() {}
    next(&failed);
    next(&failed);
    assert!(beaten.try_recv().is_err(), "no beat while it fails");
    pass(&health);
    next(&beaten);
    drop(health);
}

#[tokio::test]
async fn a_change_is_sent_before_the_end_of_the_period() {
    let hour = Duration::from_secs(3_600);
    let (url, told) = receiver(&[Answer::Code(200)]);
    let rare = PushMonitor::new(&url)
        .failure_url(url.replace("/turns", "/fail"))
        .period(hour);
    let health = forced(rare).start().expect("it starts");
    pass(&health);
    assert_eq!(next(&told).line, "GET /turns HTTP/1.1");
    fail(&health);
    assert_eq!(next(&told).line, "GET /fail HTTP/1.1");
    pass(&health);
    assert_eq!(next(&told).line, "GET /turns HTTP/1.1");
}

#[tokio::test]
async fn a_drain_and_a_stop_are_not_sent_as_failures() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let monitor = PushMonitor::new(&url).failure_url(&url);
    let health = forced(monitor).start().expect("it starts");
    pass(&health);
    next(&told);
    drop(health.drain());
    fail(&health);
    health.stop().await;
    assert_eq!(told.try_iter().count(), 0);
}

#[tokio::test]
async fn a_service_that_was_never_ready_sends_nothing() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let monitor = PushMonitor::new(&url).failure_url(&url);
    let health = forced(monitor).start().expect("it starts");
    fail(&health);
    health.stop().await;
    assert_eq!(told.try_iter().count(), 0);
}

#[tokio::test]
async fn beats_can_depend_on_liveness_only() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let monitor = PushMonitor::new(&url).probe(Probe::Liveness);
    let health = forced(monitor).start().expect("it starts");
    fail(&health);
    next(&told);
    assert_eq!(health.status(Probe::Readiness), health_core::Status::Fail);
}

/// No task of the runtime can run; the thread of the monitor notices that.
#[test]
fn a_blocked_runtime_stops_the_beats_if_it_fails_liveness() {
    let (beats, beaten) = receiver(&[Answer::Code(200)]);
    let (failures, failed) = receiver(&[Answer::Code(200)]);
    let (release, released) = mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let stuck = std::thread::spawn(move || {
        runtime.block_on(async move {
            let monitor = PushMonitor::new(beats).failure_url(failures);
            let health = forced(monitor)
                .runtime(RuntimeOptions::new().watchdog(SECOND))
                .start()
                .expect("it starts");
            pass(&health);
            // The watchdog ignores a runtime that has not run a task yet.
            tokio::task::yield_now().await;
            let _ = released.recv();
            drop(health);
        });
    });
    next(&beaten);
    next(&failed);
    drop(release);
    stuck.join().expect("no thread panicked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_beat_runs_checks_on_demand() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let on_demand = CheckOptions::new().critical().cache(SECOND);
    let health = Health::builder()
        .check("stripe", on_demand, || async {})
        .notify(PushMonitor::new(url))
        .start()
        .expect("it starts");
    next(&told);
    drop(health);
}

#[tokio::test]
async fn a_lost_beat_is_repeated_within_the_period() {
    for lost in [Answer::Code(500), Answer::Garbage, Answer::Nothing] {
        let (url, told) = receiver(&[lost, Answer::Code(200)]);
        let hour = Duration::from_secs(3_600);
        let monitor = PushMonitor::new(url).period(hour);
        let health = forced(monitor).start().expect("it starts");
        pass(&health);
        next(&told);
        next(&told);
        health.stop().await;
        assert_eq!(told.try_iter().count(), 0, "{lost:?}");
    }
}

#[tokio::test]
async fn the_method_headers_and_body_can_be_set() {
    let (url, told) = receiver(&[Answer::Code(200)]);
    let monitor = PushMonitor::new(format!("{url}?success=true"))
        .method("POST")
        .bearer("let me in")
        .header("content-type", "text/plain")
        .body("alive");
    let health = forced(monitor).start().expect("it starts");
    pass(&health);
    let request = next(&told);
    assert_eq!(request.line, "POST /turns?success=true HTTP/1.1");
    assert_eq!(request.headers["authorization"], "Bearer let me in");
    assert_eq!(request.headers["content-type"], "text/plain");
    assert_eq!(request.raw, b"alive");
}

#[tokio::test]
async fn an_unsendable_configuration_is_refused_at_the_start_without_secrets() {
    let refused = |monitor: PushMonitor| {
        let error = forced(monitor)
            .start()
            .expect_err("it is refused")
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    let all = PushMonitor::new("hc-ping.com/hunter2")
        .failure_url("ftp://hc-ping.com/hunter2")
        .method("DELETE")
        .bearer("hunter2\n")
        .timeout(Duration::from_secs(90))
        .period(Duration::ZERO);
    let error = refused(all);
    assert!(error.contains("6 problems"), "{error}");
    let error = refused(PushMonitor::new("https://hc-ping.com/hunter2").failure_url("/hunter2"));
    assert!(error.contains("1 problem:"), "{error}");
}
