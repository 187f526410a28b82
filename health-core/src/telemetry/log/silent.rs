//! The log without the feature `tracing`.

use std::io;
use std::time::Duration;

use crate::registry::Check;
use crate::telemetry::log::line::Line;
use crate::telemetry::log::{InEffect, RunSpan};

/// Discards every message.
#[derive(Debug)]
pub(crate) struct Log;

#[expect(clippy::unused_self, reason = "same signature")]
impl Log {
    #[expect(clippy::unnecessary_wraps, reason = "same signature")]
    pub(crate) fn start(_: usize) -> io::Result<Self> {
        Ok(Log)
    }

    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn append(&self, line: Line) {
        drop(line);
    }

    pub(crate) fn flush(&self, _: Duration) {}

    pub(crate) fn close(&self) {}
}

impl RunSpan {
    pub(crate) const NONE: RunSpan = RunSpan();

    pub(crate) fn new(_: &str) -> Self {
        RunSpan::NONE
    }

    #[expect(clippy::unused_self, reason = "same signature")]
    pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
        code()
    }
}

pub(crate) fn started(_: &[Check]) {}
pub(crate) fn panics_abort() {}
pub(crate) fn in_effect(_: &InEffect<'_>) {}
pub(crate) fn long_drain(_: Duration, _: Duration) {}
pub(crate) fn cut_off(_: Duration) {}
pub(crate) fn hook_missed(_: &str, _: u64) {}
pub(crate) fn hook_panicked(_: &str, _: &str) {}
#[cfg(feature = "signal")]
pub(crate) fn no_signals(_: &io::Error) {}
#[cfg(feature = "signal")]
pub(crate) fn ended_by_signal(_: i32) {}
