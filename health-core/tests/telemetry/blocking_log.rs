//! A log that blocks, is slow or panics delays no deadline, and gets the same
//! transitions as events and hooks.
#![cfg(feature = "tracing")]

use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use health_core::event::Event;
use health_core::report::Verdict;
use health_core::reported::Heartbeat;
use health_core::{CheckOptions, Health, Probe, Status, testing};
use test_support::{BOUND, until};
use tracing::dispatcher::DefaultGuard;
use tracing::field::{Field, Visit};
use tracing::{Metadata, Subscriber, span};

/// How the subscriber handles each line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Writes,
    Blocks,
    Panics,
}

static MOOD: Mutex<Mood> = Mutex::new(Mood::Writes);
static CHANGED: Condvar = Condvar::new();
static LINES: Mutex<Vec<(String, String, String)>> = Mutex::new(Vec::new());
/// The tests of this file share the behaviour of their subscriber.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set(mood: Mood) {
    *lock(&MOOD) = mood;
    CHANGED.notify_all();
}

struct Moody;

#[derive(Default)]
struct Fields {
    check: String,
    from: String,
    to: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "check" => value.clone_into(&mut self.check),
            "from" => value.clone_into(&mut self.from),
            "to" => value.clone_into(&mut self.to),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Moody {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "health"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut mood = lock(&MOOD);
        while *mood == Mood::Blocks {
            mood = CHANGED.wait(mood).unwrap_or_else(PoisonError::into_inner);
        }
        let panics = *mood == Mood::Panics;
        drop(mood);
        assert!(!panics, "the subscriber panics");
        let mut fields = Fields::default();
        event.record(&mut fields);
        if !fields.check.is_empty() {
            lock(&LINES).push((fields.check, fields.from, fields.to));
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The subscriber of this thread, which gets the log of each `Health` that it starts.
fn begin() -> (DefaultGuard, MutexGuard<'static, ()>) {
    let guard = lock(&ONE_AT_A_TIME);
    set(Mood::Writes);
    lock(&LINES).clear();
    (tracing::subscriber::set_default(Moody), guard)
}

#[test]
fn a_blocking_log_delays_no_heartbeat_reader_or_deadline() {
    let _guard = begin();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    let beat = Heartbeat::new("consumer", Duration::from_millis(200));
    let health = runtime.block_on(async {
        Health::builder()
            .reported(&beat, CheckOptions::new().critical())
            .start()
            .expect("it starts")
    });
    set(Mood::Blocks);
    for _ in 0..3 {
        beat.beat();
        assert_eq!(health.status(Probe::Readiness), Status::Pass);
        until("the deadline", || {
            health.status(Probe::Readiness) == Status::Fail
        });
    }
    set(Mood::Writes);
    testing::flush(&health);
    let turn = |from: &str, to: &str| ("consumer".to_owned(), from.to_owned(), to.to_owned());
    let story = [
        turn("unknown", "ok"),
        turn("ok", "error"),
        turn("error", "ok"),
        turn("ok", "error"),
        turn("error", "ok"),
        turn("ok", "error"),
    ];
    assert_eq!(*lock(&LINES), story);
}

#[test]
fn the_log_events_and_hooks_agree() {
    let _guard = begin();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    let beats: Vec<_> = (0..4)
        .map(|nth| Heartbeat::new(format!("worker-{nth}"), Duration::from_millis(2)))
        .collect();
    let hooked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&hooked);
    let health = runtime.block_on(async {
        let mut builder = Health::builder();
        for beat in &beats {
            builder = builder.reported(beat, CheckOptions::new().critical());
        }
        builder
            .on_transition(move |turned| {
                let report = &turned.report;
                let turn = (
                    report.name().to_owned(),
                    turned.from.as_str().to_owned(),
                    report.verdict().as_str().to_owned(),
                );
                seen.lock().expect("no thread panicked").push(turn);
            })
            .start()
            .expect("it starts")
    });
    let mut events = health.subscribe();
    // Beats, readers and the tasks of the checks all cause status changes.
    std::thread::scope(|scope| {
        for (nth, beat) in beats.iter().enumerate() {
            let health = &health;
            scope.spawn(move || {
                for _ in 0..40 {
                    beat.beat();
                    until("silence", || {
                        let report = health.check(&format!("worker-{nth}"));
                        report.expect("the check is registered").verdict() == Verdict::Fail
                    });
                }
            });
        }
    });
    runtime.block_on(health.stop());
    let mut told = Vec::new();
    runtime.block_on(async {
        let soon = Duration::from_millis(200);
        while let Ok(Some(event)) = tokio::time::timeout(soon, events.next()).await {
            if let Event::Transition(turned) = event {
                let report = &turned.report;
                told.push((
                    report.name().to_owned(),
                    turned.from.as_str().to_owned(),
                    report.verdict().as_str().to_owned(),
                ));
            }
        }
    });
    let hooked = hooked.lock().expect("no thread panicked").clone();
    // The log has every change, the subscription only those since it began.
    assert_eq!(*lock(&LINES), hooked);
    assert!(hooked.ends_with(&told), "{} turns", told.len());
    assert!(told.len() > 100, "{} turns", told.len());
    for beat in 0..4 {
        let name = format!("worker-{beat}");
        let mut last = "unknown";
        for (_, from, to) in hooked.iter().filter(|(check, ..)| *check == name) {
            assert_eq!(from, last, "no turn of {name} is missing or out of order");
            last = to;
        }
    }
}

#[test]
fn a_log_that_panics_is_called_again() {
    let _guard = begin();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    let beat = Heartbeat::new("consumer", Duration::from_secs(60));
    let health = runtime.block_on(async {
        Health::builder()
            .reported(&beat, CheckOptions::new().critical())
            .start()
            .expect("it starts")
    });
    set(Mood::Panics);
    beat.beat();
    testing::flush(&health);
    assert_eq!(health.status(Probe::Readiness), Status::Pass);
    set(Mood::Writes);
    drop(beat);
    testing::flush(&health);
    let lines = lock(&LINES);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].2, "error");
}

/// The last lines of a service explain its end.
#[test]
fn a_stop_waits_for_the_log() {
    let _guard = begin();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let beat = Heartbeat::new("consumer", BOUND);
        let health = Health::builder()
            .reported(&beat, CheckOptions::new())
            .start()
            .expect("it starts");
        set(Mood::Blocks);
        beat.beat();
        let mut stop = std::pin::pin!(health.stop());
        let early = tokio::time::timeout(Duration::from_millis(50), &mut stop).await;
        assert!(early.is_err(), "the log is blocked");
        set(Mood::Writes);
        stop.await;
    });
    let turn = ("consumer", "unknown", "ok");
    let lines = lock(&LINES);
    let mut lines = lines
        .iter()
        .map(|(check, from, to)| (&**check, &**from, &**to));
    assert!(lines.any(|line| line == turn), "it was written");
}
