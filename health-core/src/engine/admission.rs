//! Limits concurrent runs.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Concurrent async runs, unless the application sets a limit.
const ASYNC_RUNS: usize = 1024;
/// Concurrent threads of plain functions. A thread that hangs releases its
/// permit at its timeout, so it cannot keep others from running.
const THREADS: usize = 64;
/// First runs that begin together. The others follow as these end.
const FIRST_RUNS: usize = 8;
/// The maximum wait of a first run for each one before it, so that runs that
/// hang only delay the others briefly.
const MAX_WAIT_EACH: Duration = Duration::from_millis(250);
/// A first run that takes less than this part of its timeout did not queue, so
/// one more may begin.
const FAST_PART: u32 = 8;

/// Admits runs.
pub(crate) struct Admission {
    async_runs: Semaphore,
    threads: Semaphore,
    /// `None` if the application has set a limit, which then also applies to
    /// first runs.
    first_runs: Option<Semaphore>,
    /// Plain functions share the limit of the application.
    shared: bool,
}

/// The permit of a first run.
pub(crate) struct FirstRun<'a>(Option<&'a Semaphore>);

impl Admission {
    /// `limit` applies to all runs together.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Admission {
            async_runs: Semaphore::new(limit.unwrap_or(ASYNC_RUNS)),
            threads: Semaphore::new(THREADS),
            first_runs: limit.is_none().then(|| Semaphore::new(FIRST_RUNS)),
            shared: limit.is_some(),
        }
    }

    /// Waits for a permit. Returns `None` once health has stopped.
    pub(crate) async fn admit(&self, needs_thread: bool) -> Option<SemaphorePermit<'_>> {
        let semaphore = if needs_thread && !self.shared {
            &self.threads
        } else {
            &self.async_runs
        };
        semaphore.acquire().await.ok()
    }

    /// Waits until the first run of the check at position `rank` may begin.
    ///
    /// Forty first queries at once would time out in a pool of five connections
    /// that can serve them one after the other.
    pub(crate) async fn first_run(&self, rank: usize) -> FirstRun<'_> {
        let Some(semaphore) = &self.first_runs else {
            return FirstRun(None);
        };
        let before = rank.saturating_sub(FIRST_RUNS - 1);
        let patience = MAX_WAIT_EACH * u32::try_from(before).unwrap_or(u32::MAX);
        if let Ok(Ok(permit)) = timeout(patience, semaphore.acquire()).await {
            permit.forget();
            return FirstRun(Some(semaphore));
        }
        FirstRun(None)
    }
}

impl FirstRun<'_> {
    /// Records the duration of the run, which has ended or timed out.
    pub(crate) fn took(self, took: Duration, timeout: Duration) {
        if let Some(semaphore) = self.0 {
            let more = usize::from(took < timeout / FAST_PART);
            semaphore.add_permits(more);
        }
    }
}

impl Drop for FirstRun<'_> {
    fn drop(&mut self) {
        if let Some(semaphore) = self.0 {
            semaphore.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Starts as many first runs as may begin together.
    async fn first_runs(admission: &Admission) -> Vec<FirstRun<'_>> {
        let mut begun = Vec::new();
        for rank in 0..FIRST_RUNS {
            begun.push(admission.first_run(rank).await);
        }
        begun
    }

    #[tokio::test(start_paused = true)]
    async fn eight_first_runs_start_at_once_and_the_ninth_waits() {
        let admission = Admission::new(None);
        let start = Instant::now();
        let _begun = first_runs(&admission).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        admission.first_run(FIRST_RUNS).await;
        assert_eq!(start.elapsed(), MAX_WAIT_EACH);
        admission.first_run(FIRST_RUNS + 1).await;
        assert_eq!(start.elapsed(), 3 * MAX_WAIT_EACH);
    }

    #[tokio::test(start_paused = true)]
    async fn blocking_checks_count_against_the_concurrency_limit_only() {
        for (limit, threads, async_runs) in [(None, THREADS - 1, ASYNC_RUNS), (Some(3), THREADS, 2)]
        {
            let admission = Admission::new(limit);
            let _admitted = admission.admit(true).await.expect("it has not stopped");
            assert_eq!(admission.threads.available_permits(), threads);
            assert_eq!(admission.async_runs.available_permits(), async_runs);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_first_run_admits_two_more_and_a_slow_one_admits_one() {
        let timeout = Duration::from_secs(8);
        for (took, room) in [(Duration::from_millis(999), 2), (timeout / 8, 1)] {
            let admission = Admission::new(None);
            let mut begun = first_runs(&admission).await;
            begun.remove(0).took(took, timeout);
            let semaphore = admission.first_runs.as_ref().expect("no limit is set");
            assert_eq!(semaphore.available_permits(), room, "after {took:?}");
        }
    }
}
