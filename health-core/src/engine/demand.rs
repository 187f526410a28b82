//! Requests for a run: checks on demand, prerequisites and refreshes. Concurrent
//! requests share one run (single flight).

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use crate::engine::monitor::Monitor;
use crate::time::clock::Moment;
use crate::verdict::Verdict;
use crate::verdict::check_state::CheckState;

/// A requested run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunRequest {
    index: usize,
    before: u64,
}

impl Monitor {
    /// Returns the checks that run on demand.
    #[cfg(feature = "watch")]
    pub(crate) fn on_demand(&self) -> &[usize] {
        &self.on_demand
    }

    /// Requests a run, or joins the one in flight. Returns `None` if an overdue
    /// run prevents another one, or if no run will ever start.
    pub(crate) fn request_run(&self, index: usize) -> Option<RunRequest> {
        self.request_run_if(index, |_, _| true)
    }

    /// Like [`request_run`](Self::request_run), for a check on demand, unless its last result
    /// is recent enough.
    fn request_if_outdated(&self, index: usize) -> Option<RunRequest> {
        self.request_run_if(index, |state, now| self.is_outdated(index, state, now))
    }

    /// Requests the runs of the checks on demand that `filter` accepts and whose
    /// results are too old.
    pub(crate) fn request_outdated(&self, filter: impl Fn(usize) -> bool) -> Vec<RunRequest> {
        let accepted = self.on_demand.iter().filter(|&&index| filter(index));
        accepted
            .filter_map(|&index| self.request_if_outdated(index))
            .collect()
    }

    /// Returns whether the last result of a check on demand is too old.
    fn is_outdated(&self, index: usize, state: &CheckState, now: Moment) -> bool {
        let cache = self.plan(index).interval;
        state.age(now).is_none_or(|age| age >= cache)
    }

    fn request_run_if(
        &self,
        index: usize,
        is_wanted: impl FnOnce(&CheckState, Moment) -> bool,
    ) -> Option<RunRequest> {
        if self.is_over(index) {
            return None;
        }
        let (request, must_decide) = self.update(|board, now| {
            let state = board.state(index);
            if !is_wanted(state, now) || state.overdue_since().is_some() {
                return None;
            }
            let before = state.answers();
            Some((RunRequest { index, before }, board.request_run(index)))
        })?;
        if must_decide {
            self.waiting[index].wake.notify_one();
        }
        Some(request)
    }

    /// Requests the prerequisites of a check that is due or was requested:
    /// those on demand, and, if it was requested, those without a result.
    pub(crate) fn request_prerequisites(&self, index: usize, is_due: bool) -> Vec<RunRequest> {
        let after = &self.declared[index].after;
        if after.is_empty() {
            return Vec::new();
        }
        let is_requested = self.lock().state(index).is_requested();
        let requests = after.iter().filter_map(|&first| {
            let is_wanted = |state: &CheckState, now: Moment| {
                if self.plan(first).on_demand {
                    (is_due || is_requested) && self.is_outdated(first, state, now)
                } else {
                    is_requested && state.verdict() == Verdict::Unknown
                }
            };
            self.request_run_if(first, is_wanted)
        });
        requests.collect()
    }

    /// Returns whether a prerequisite has no current result.
    pub(crate) fn is_held_up(&self, index: usize) -> bool {
        let board = self.lock();
        let mut after = self.declared[index].after.iter();
        after.any(|&first| board.state(first).verdict() == Verdict::Unknown)
    }

    /// Waits for a result, a timeout or a skip of the check.
    pub(crate) async fn wait_for_result(&self, RunRequest { index, before }: RunRequest) {
        loop {
            let settled = self.waiting[index].settled.notified();
            // The run may block the thread whose timer has the deadline, so
            // this also compares the deadline with the clock.
            let due = self.update(|board, _| {
                let state = board.state(index);
                let is_pending = state.answers() == before;
                is_pending.then(|| state.due().and_then(|due| board.instant(due)))
            });
            let Some(due) = due.filter(|_| !self.is_over(index)) else {
                return;
            };
            // A run that has not begun yet has no earlier deadline.
            let at_least = Instant::now() + self.plan(index).timeout;
            let look_again = due.map_or(at_least, |due| due.min(at_least));
            // In both cases the state is checked again.
            let _ = timeout_at(look_again, settled).await;
        }
    }

    /// Waits until all requests are answered.
    pub(crate) async fn wait_for_results(self: Arc<Self>, requests: Vec<RunRequest>) {
        for request in requests {
            self.wait_for_result(request).await;
        }
    }
}
