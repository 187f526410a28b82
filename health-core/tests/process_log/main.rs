//! Tests that install the global subscriber, because threads outside of the test
//! write to the log.
#![cfg(all(feature = "tracing", feature = "webhook"))]

mod delivery_log;
mod spans;

use std::sync::OnceLock;

use health_core::{Health, HealthBuilder};
use test_support::Log;

/// Returns the log of the process, one JSON object per line.
fn process_log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .init();
        log
    })
}

/// A builder without the check that `spans` declares.
fn without_declared() -> HealthBuilder {
    let disabled = serde_json::from_str(r#"{"local": {"enabled": false}}"#);
    Health::builder().settings(disabled.expect("the settings are JSON"))
}
