//! What is told of transitions: events, hooks, webhooks, logs and metrics.
//!
//! The log is captured from the thread that starts health. What needs the
//! subscriber of the process is in `process_log`.

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
