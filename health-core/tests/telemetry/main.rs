//! What is told of transitions: events, hooks, webhooks, logs and metrics.
//!
//! The log is captured from the thread that starts health. What needs the
//! subscriber of the process is in `process_log`.

mod causes;
mod corpus;
mod events;
#[cfg(feature = "metrics")]
mod facade;
mod hooks;
mod log;
mod logs;
mod metrics;
mod outlet;
mod push_monitor;
mod reported_checks;
mod secrets;
mod sizes;
mod webhook;
