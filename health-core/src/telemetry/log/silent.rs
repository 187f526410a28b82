//! The log without the feature `tracing`.

use std::io;
use std::time::Duration;

use crate::telemetry::log::line::Line;

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

/// The span of one run.
pub(crate) struct RunSpan;

impl RunSpan {
    pub(crate) const NONE: RunSpan = RunSpan;

    pub(crate) fn new(_: &str) -> Self {
        RunSpan
    }

    #[expect(clippy::unused_self, reason = "same signature")]
    pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
        code()
    }
}
