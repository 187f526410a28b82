//! How transitions are published: events, hooks, webhooks, the log and metrics.
//!
//! The tests capture the log of the thread that starts health. Tests that need the
//! global subscriber are in `process_log`.

mod blocking_log;
mod causes;
mod corpus;
mod events;
mod hooks;
mod logs;
mod metrics;
#[cfg(feature = "metrics")]
mod metrics_crate;
mod push_monitor;
mod reported_checks;
mod secrets;
mod sizes;
mod startup_log;
mod webhook;
