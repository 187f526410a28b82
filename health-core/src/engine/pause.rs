//! Detects that the process was paused: by SIGSTOP, by a debugger, or with its
//! machine.
//!
//! A separate thread writes a time stamp several times per second. If the last
//! stamp is old, no thread of the process ran. The first thread that detects
//! this, either this thread or a reader after a deadline, excludes the pause
//! before it applies any deadline.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::time::clock::nanos;

pub(crate) const PERIOD: Duration = Duration::from_millis(250);
/// Four periods. A thread that only sleeps is not delayed for that long, even
/// on a busy machine.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// A pause up to this length may be counted as running time.
pub(crate) const MAX_UNNOTICED: Duration = MIN_PAUSE;

/// The time stamps.
#[derive(Debug)]
pub(crate) struct Pauses {
    started: Instant,
    /// In nanoseconds since the start, or [`NEVER`] if no thread writes stamps.
    stamp: AtomicU64,
    /// The total length of all pauses, in nanoseconds.
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
    /// Returns the length of a pause that has just ended, once. Must be called
    /// under the lock of the monitor.
    pub(crate) fn end(&self) -> Option<Duration> {
        let lasted = self.since_stamp(self.now())?;
        self.stamp.store(self.now(), Ordering::Release);
        self.total.fetch_add(nanos(lasted), Ordering::AcqRel);
        Some(lasted)
    }

    /// Returns the total length of all detected pauses, in nanoseconds.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Acquire)
    }

    /// Writes the first stamp, which enables the detection.
    pub(crate) fn start(&self) {
        self.stamp.store(self.now(), Ordering::Release);
    }

    /// Writes a stamp, unless the last one is so old that there was a pause.
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
        (stamp != NEVER && since >= MIN_PAUSE).then_some(since)
    }

    fn now(&self) -> u64 {
        nanos(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_pause_is_counted_once() {
        let pauses = Pauses::default();
        assert_eq!(pauses.end(), None, "no stamp yet");
        pauses.stamp.store(pauses.now(), Ordering::Release);
        assert_eq!(pauses.end(), None);
        let started = Instant::now().checked_sub(2 * MIN_PAUSE);
        let pauses = Pauses {
            started: started.expect("the machine has been up for seconds"),
            stamp: AtomicU64::new(0),
            total: AtomicU64::new(0),
        };
        assert!(!pauses.stamp(), "the pause is not over for the monitor yet");
        let lasted = pauses.end().expect("a pause");
        assert!(lasted >= 2 * MIN_PAUSE);
        assert_eq!(pauses.total(), nanos(lasted));
        assert_eq!(pauses.end(), None);
        assert!(pauses.stamp());
    }
}
