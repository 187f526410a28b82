//! The span around each run: there if wanted, and on every thread.
#![cfg(feature = "tracing")]

use std::io;
use std::sync::{Mutex, PoisonError};

use health_core::{CheckOptions, Health, HealthBuilder, health_check};
use serde_json::Value;

/// The log of the process, since some runs have a thread of their own.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In what span the check said this.
fn span_of(message: &str) -> Value {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut events = lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON"));
    let event = events.find(|event| event["fields"]["message"] == message);
    event.expect("it was said")["span"].clone()
}

fn log_everything() {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(|| Writer);
    // Whoever comes first in this process sets it.
    let _ = subscriber.try_init();
}

#[health_check(local)]
async fn local() -> bool {
    let stays_here = std::rc::Rc::new(());
    tokio::task::yield_now().await;
    drop(stays_here);
    tracing::info!("in local");
    true
}

/// Each kind of run says something in its second half.
fn talkative(prefix: &'static str) -> HealthBuilder {
    log_everything();
    Health::builder()
        .check("awaited", CheckOptions::new(), move || async move {
            tokio::task::yield_now().await;
            tracing::info!("{prefix} awaited");
        })
        .blocking_check("blocking", CheckOptions::new(), move || {
            tracing::info!("{prefix} blocking");
        })
}

#[tokio::test]
async fn what_a_check_logs_stands_in_the_span_of_its_run() {
    let health = talkative("inside")
        .trace_runs(true)
        .start()
        .expect("it starts");
    for name in ["awaited", "blocking", "local"] {
        health.refresh(name).await;
    }
    for (message, check) in [
        ("inside awaited", "awaited"),
        ("inside blocking", "blocking"),
        ("in local", "local"),
    ] {
        let span = span_of(message);
        assert_eq!(span["name"], "health_check", "{message}: {span}");
        assert_eq!(span["check"], check, "{message}: {span}");
    }
    assert_eq!(
        tracing::Span::current()
            .metadata()
            .map(tracing::Metadata::name),
        None,
        "none is left behind"
    );
}

#[tokio::test]
async fn nobody_gets_spans_who_has_not_asked_for_them() {
    // It says the same in every `Health` of the process.
    let settings = serde_json::from_str(r#"{"local": {"enabled": false}}"#).expect("JSON");
    let builder = talkative("without").settings(settings);
    let health = builder.start().expect("it starts");
    for name in ["awaited", "blocking"] {
        health.refresh(name).await;
    }
    for message in ["without awaited", "without blocking"] {
        assert_eq!(span_of(message), Value::Null, "{message}");
    }
}
