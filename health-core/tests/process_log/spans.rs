//! The span of each run, which is optional and is entered on every thread.

use health_core::config::RuntimeOptions;
use health_core::{CheckOptions, Health, HealthBuilder, health_check};
use serde_json::Value;

use crate::{process_log, without_declared};

/// The span of the event with this message.
fn span_of(message: &str) -> Value {
    let events = process_log().events();
    let event = events.iter().find(|event| event["message"] == message);
    event.expect("the check has logged this message")["span"].clone()
}

#[health_check(local)]
async fn local() -> bool {
    let stays_here = std::rc::Rc::new(());
    tokio::task::yield_now().await;
    drop(stays_here);
    tracing::info!("in local");
    true
}

/// Each kind of run logs an event in its second half.
fn talkative(builder: HealthBuilder, prefix: &'static str) -> HealthBuilder {
    process_log();
    builder
        .check("awaited", CheckOptions::new(), move || async move {
            tokio::task::yield_now().await;
            tracing::info!("{prefix} awaited");
        })
        .check_blocking("blocking", CheckOptions::new(), move || {
            tracing::info!("{prefix} blocking");
        })
}

#[tokio::test]
async fn events_of_a_check_are_in_the_span_of_its_run() {
    let health = talkative(Health::builder(), "inside")
        .runtime(RuntimeOptions::new().trace_runs(true))
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
async fn spans_are_off_by_default() {
    // `local` logs the same in every `Health` of the process.
    let builder = talkative(without_declared(), "without");
    let health = builder.start().expect("it starts");
    for name in ["awaited", "blocking"] {
        health.refresh(name).await;
    }
    for message in ["without awaited", "without blocking"] {
        assert_eq!(span_of(message), Value::Null, "{message}");
    }
}
