//! Runs the checks and records their results.

pub(crate) mod admission;
pub(crate) mod board;
pub(crate) mod demand;
pub(crate) mod monitor;
pub(crate) mod options;
pub(crate) mod pause;
pub(crate) mod pause_detector;
pub(crate) mod quarantine;
pub(crate) mod run;
pub(crate) mod schedule;
mod status_cache;
pub(crate) mod waker;
#[cfg_attr(not(feature = "watchdog"), path = "no_watchdog.rs")]
pub(crate) mod watchdog;
