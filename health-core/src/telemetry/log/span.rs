//! The span of one run.

use crate::telemetry::log::TARGET;

/// The span of one run, if spans are enabled.
pub(crate) struct RunSpan(Option<Box<tracing::Span>>);

impl RunSpan {
    pub(crate) const NONE: RunSpan = RunSpan(None);

    /// A root span: a check does not belong to any request.
    pub(crate) fn new(check: &str) -> Self {
        let span = tracing::info_span!(target: TARGET, parent: None, "health_check", check);
        RunSpan(Some(Box::new(span)))
    }

    pub(crate) fn within<T>(&self, code: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(span) => span.in_scope(code),
            None => code(),
        }
    }
}
