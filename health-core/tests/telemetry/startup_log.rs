//! What is logged while startup waits.

#![cfg(feature = "tracing")]

use std::time::Duration;

use health_core::reported::Gate;
use health_core::{CheckOptions, Health, testing};
use test_support::Log;
use tokio::time::sleep;

/// Returns the lines with this text that were written since the last call.
fn lines(log: &Log, health: &Health, text: &str) -> Vec<String> {
    testing::flush(health);
    let lines = log.lines(text);
    log.clear();
    lines
}

fn waits(after_s: u64, names: &str) -> String {
    format!(
        " WARN health: startup has not passed, so readiness fails after_s={after_s} waits_for=\"{names}\""
    )
}

#[tokio::test(start_paused = true)]
async fn a_waiting_startup_is_logged_at_growing_intervals_until_it_passes() {
    let (log, _guard) = Log::capture();
    let [schema, cache, lost] = ["schema", "cache", "lost"].map(Gate::new);
    let health = Health::builder()
        .reported(&schema, CheckOptions::new().startup().critical())
        .reported(&cache, CheckOptions::new().startup().critical())
        .check("late", CheckOptions::new().startup().critical(), || async {
            sleep(Duration::from_secs(4)).await;
        })
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(29)).await;
    assert_eq!(lines(&log, &health, "startup has"), [""; 0]);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(
        lines(&log, &health, "startup has"),
        [waits(30, "cache schema")]
    );
    cache.open();
    sleep(Duration::from_secs(300)).await;
    assert_eq!(
        lines(&log, &health, "startup has"),
        [waits(90, "schema"), waits(210, "schema")]
    );
    schema.open();
    assert_eq!(
        lines(&log, &health, "startup has").len(),
        1,
        "startup has passed"
    );
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(lines(&log, &health, "startup has"), [""; 0]);

    let other = Health::builder()
        .reported(&lost, CheckOptions::new().startup().critical())
        .start()
        .expect("it starts");
    drop(lost);
    assert_eq!(
        lines(&log, &other, "dropped"),
        [
            "ERROR health: the gate was dropped before it was opened, so startup cannot pass gate=\"lost\""
        ]
    );
    // A drain ends the reminders, since the service no longer waits for startup.
    let drained = other.drain();
    sleep(Duration::from_secs(3_600)).await;
    drained.await;
    assert_eq!(lines(&log, &other, "startup has"), [""; 0]);
    drop(health);
}
