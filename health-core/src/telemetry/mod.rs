//! Outputs for operators: the log, events, hooks and metrics.

pub(crate) mod event;
pub(crate) mod hook;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod outlet;
pub(crate) mod queue;
pub(crate) mod sample;
