//! Notices that the process was stopped: by SIGSTOP, by a debugger, or with its
//! machine.
//!
//! A thread of its own wakes several times a second and leaves a time stamp. If
//! the last stamp is old, no thread of the process ran. The first one to find
//! that out, this thread or a reader that comes after a deadline, discounts the
//! pause before anything else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::time::clock::nanos;

pub(crate) const PERIOD: Duration = Duration::from_millis(250);
/// Four periods: a thread that only sleeps is not starved for so long, even on a
/// busy machine.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// A pause of up to this length may count like any other time.
pub(crate) const LONGEST_UNNOTICED: Duration = SHORTEST_PAUSE;

/// The time stamps.
#[derive(Debug)]
pub(crate) struct Pauses {
    started: Instant,
    /// In nanoseconds since the start, or [`NEVER`] while no thread leaves stamps.
    stamp: AtomicU64,
    /// The length of all pauses, in nanoseconds.
    total: AtomicU64,
}

const NEVER: u64 = u64::MAX;

impl Default for Pauses {
    fn default() -> Self {
        Pauses {
            started: Instant::now(),
            stamp: AtomicU64::new(NEVER),
            total: AtomicU64::new(0),
        }
    }
}

impl Pauses {
    /// The length of the pause that has just ended, for the first who asks. To be
    /// called under the lock of the monitor.
    pub(crate) fn end(&self) -> Option<Duration> {
        let lasted = self.since_stamp(self.now())?;
        self.stamp.store(self.now(), Ordering::Release);
        self.total.fetch_add(nanos(lasted), Ordering::AcqRel);
        Some(lasted)
    }

    /// The length of all pauses that have been noticed, in nanoseconds.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Acquire)
    }

    /// Leaves the first stamp: from now on pauses are noticed.
    pub(crate) fn start(&self) {
        self.stamp.store(self.now(), Ordering::Release);
    }

    /// Leaves a stamp, unless the last one is so old that there was a pause.
    pub(crate) fn stamp(&self) -> bool {
        let now = self.now();
        if self.since_stamp(now).is_some() {
            return false;
        }
        self.stamp.store(now, Ordering::Release);
        true
    }

    fn since_stamp(&self, now: u64) -> Option<Duration> {
        let stamp = self.stamp.load(Ordering::Acquire);
        let since = Duration::from_nanos(now.saturating_sub(stamp));
        (stamp != NEVER && since >= SHORTEST_PAUSE).then_some(since)
    }

    fn now(&self) -> u64 {
        nanos(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_once_and_is_counted() {
        let pauses = Pauses::default();
        assert_eq!(pauses.end(), None, "no stamp yet");
        pauses.stamp.store(pauses.now(), Ordering::Release);
        assert_eq!(pauses.end(), None);
        let started = Instant::now().checked_sub(2 * SHORTEST_PAUSE);
        let pauses = Pauses {
            started: started.expect("the machine has been up for seconds"),
            stamp: AtomicU64::new(0),
            total: AtomicU64::new(0),
        };
        assert!(!pauses.stamp(), "the pause is not over for the monitor yet");
        let lasted = pauses.end().expect("a pause");
        assert!(lasted >= 2 * SHORTEST_PAUSE);
        assert_eq!(pauses.total(), nanos(lasted));
        assert_eq!(pauses.end(), None);
        assert!(pauses.stamp());
    }
}
