//! The view that one client has of a check.

use crate::text::bounded::{MAX_CAUSE_LEN, MAX_MESSAGE_LEN, cut};
use crate::verdict::snapshot::CheckReport;

/// A check as one client may see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) report: &'a CheckReport,
    /// Whether the texts of errors are included.
    pub(crate) full: bool,
    /// Whether the check is excluded from this answer.
    pub(crate) excluded: bool,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(report: &'a CheckReport, full: bool) -> Self {
        Shown {
            report,
            full,
            excluded: false,
        }
    }

    pub(crate) fn excluded(self, excluded: bool) -> Self {
        Shown { excluded, ..self }
    }

    /// Returns the private cause if the client may see it. Its secrets were
    /// masked when the check returned it.
    pub(super) fn cause(&self) -> Option<String> {
        let cause = self.report.cause();
        if !self.full || cause.is_empty() {
            return None;
        }
        Some(cut(&cause.join(": "), MAX_CAUSE_LEN).to_owned())
    }

    pub(super) fn message(&self) -> Option<&'a str> {
        let message = self.report.message()?;
        Some(cut(message, MAX_MESSAGE_LEN))
    }

    /// Returns why the check does not pass: the cause if the client may see it,
    /// otherwise the public reason.
    pub(super) fn reason(&self) -> Option<String> {
        match (self.message(), self.cause()) {
            (Some("withheld") | None, Some(cause)) => Some(cause),
            (Some(public), Some(cause)) => Some(format!("{public}: {cause}")),
            (public, None) => public.map(str::to_owned),
        }
    }
}
