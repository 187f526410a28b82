//! The last changes of verdicts, for the status page.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::text::bounded::cut;
use crate::verdict::Verdict;
use crate::verdict::incident::Incident;

/// The number of changes that are kept for one service.
const MOST: usize = 100;
/// In bytes.
const MAX_REASON: usize = 160;

/// A change of the verdict of one check.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) check: usize,
    pub(crate) at: SystemTime,
    pub(crate) from: Verdict,
    pub(crate) to: Verdict,
    /// How long the previous verdict lasted.
    pub(crate) held: Duration,
    pub(crate) incident: Option<Incident>,
    /// The public reason.
    pub(crate) reason: Option<Box<str>>,
}

/// The last changes of all checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    kept: VecDeque<Change>,
    /// Whether older changes were dropped.
    has_dropped: bool,
}

impl Changes {
    pub(crate) fn add(&mut self, change: Change) {
        if self.kept.len() == MOST {
            self.kept.pop_front();
            self.has_dropped = true;
        }
        let reason = change.reason.map(|reason| cut(&reason, MAX_REASON).into());
        self.kept.push_back(Change { reason, ..change });
    }

    /// Returns the changes, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Change> {
        self.kept.iter().rev()
    }

    /// Returns whether these are all changes since the start.
    pub(crate) fn is_complete(&self) -> bool {
        !self.has_dropped
    }
}
