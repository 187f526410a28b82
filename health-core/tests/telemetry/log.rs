//! What is written to the log while startup waits. One test, since the log is
//! that of the process.

#![cfg(feature = "tracing")]

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use health_core::{CheckOptions, Gate, Health, testing};
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The log, as far as health wrote it: one line for each event.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "health"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

/// What has been written since the last call, of these lines.
fn lines(health: &Health, of: &str) -> Vec<String> {
    testing::flush(health);
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = std::mem::take(&mut *log);
    lines.into_iter().filter(|line| line.contains(of)).collect()
}

fn waits(after_s: u64, names: &str) -> String {
    format!(
        "WARN message=startup has not passed, so readiness fails after_s={after_s} waits_for=\"{names}\""
    )
}

#[tokio::test(start_paused = true)]
async fn startup_that_waits_is_spoken_of_less_and_less_often_until_it_passes() {
    tracing::subscriber::set_global_default(Capture).expect("the only one");
    let [schema, cache, lost] = ["schema", "cache", "lost"].map(Gate::new);
    let health = Health::builder()
        .gate(&schema)
        .gate(&cache)
        .check("late", CheckOptions::new().startup().critical(), || async {
            sleep(Duration::from_secs(4)).await;
        })
        .start()
        .expect("it starts");
    sleep(Duration::from_secs(29)).await;
    assert_eq!(lines(&health, "startup has"), [""; 0]);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(lines(&health, "startup has"), [waits(30, "cache schema")]);
    cache.open();
    sleep(Duration::from_secs(300)).await;
    assert_eq!(
        lines(&health, "startup has"),
        [waits(90, "schema"), waits(210, "schema")]
    );
    schema.open();
    assert_eq!(lines(&health, "startup has").len(), 1, "startup has passed");
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(lines(&health, "startup has"), [""; 0]);

    let other = Health::builder().gate(&lost).start().expect("it starts");
    drop(lost);
    assert_eq!(
        lines(&other, "dropped"),
        [
            "ERROR message=the gate was dropped before it was opened, so startup cannot pass gate=\"lost\""
        ]
    );
    // A drain ends it: nobody waits for startup any more.
    let drained = other.drain();
    sleep(Duration::from_secs(3_600)).await;
    drained.await;
    assert_eq!(lines(&other, "startup has"), [""; 0]);
    drop(health);
}
