//! The last results of a check, each in 32 bits.
//!
//! Recording a result writes one word and allocates nothing; decoding is
//! deferred to the reader.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::check::outcome::Status;

/// Enough results to compute p95, in less memory than one result with a text.
pub(crate) const DEFAULT_KEPT: usize = 20;
/// Each result takes four bytes.
pub(crate) const MAX_KEPT: usize = 1_000;

/// What is kept of the past of each check.
#[derive(Clone, Copy, Default)]
pub(crate) struct Retention {
    /// The number of results.
    pub(crate) results: usize,
    /// Whether the last day and the last changes are kept, which only the
    /// status page shows.
    #[cfg(feature = "status-page")]
    pub(crate) day: bool,
}

/// The last results of one check, before thresholds and without skipped runs.
///
/// Statistics are computed over the kept results: the last 20, unless
/// [`RuntimeOptions::history`] sets another number.
///
/// [`RuntimeOptions::history`]: crate::config::RuntimeOptions::history
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::{CheckOptions, Health, Status};
///
/// let health = Health::builder()
///     .check("queue", CheckOptions::new(), || async { true })
///     .start()?;
/// let queue = health.refresh("queue").await.expect("there is such a check");
/// let history = queue.history();
/// assert_eq!(history.success_rate(), Some(1.0));
/// assert_eq!(history.past().last().map(|past| past.status), Some(Status::Pass));
/// assert!(history.latency(0.95).is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct History {
    runs: u64,
    past: Vec<HistoryEntry>,
    last_failure_at: Option<SystemTime>,
    /// Whether the results are reports, which take no time.
    reported: bool,
}

/// A past result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The status of the run. A run that timed out has failed.
    pub status: Status,
    /// The duration of the run, within half a percent.
    pub took: Duration,
    /// The wall-clock time of the result. For older results it is accurate to a
    /// thousandth of their age.
    pub at: SystemTime,
}

impl History {
    /// Returns the number of results since the start, including those that are
    /// no longer kept. Each beat of a heartbeat counts.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns the kept results, the newest last.
    pub fn past(&self) -> &[HistoryEntry] {
        &self.past
    }

    /// Returns how many of the kept results have this status.
    pub fn count(&self, status: Status) -> usize {
        let same = |past: &&HistoryEntry| past.status == status;
        self.past.iter().filter(same).count()
    }

    /// Returns the share of the kept results that did not fail, from 0 to 1. A
    /// warning is no failure. `None` without a result.
    pub fn success_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand are kept")]
        let [failed, all] = [self.count(Status::Fail), self.past.len()].map(|count| count as f64);
        (all > 0.0).then(|| 1.0 - failed / all)
    }

    /// Returns the given latency quantile of the kept runs (`0.5` for the
    /// median, `0.95` for p95), by nearest rank. `None` without a result, and
    /// for a check that is reported instead of run.
    pub fn latency(&self, quantile: f64) -> Option<Duration> {
        if self.reported {
            return None;
        }
        let mut took: Vec<Duration> = self.past.iter().map(|past| past.took).collect();
        took.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank among at most a thousand; a cast saturates"
        )]
        let rank = (quantile * took.len() as f64).ceil() as usize;
        let last = took.len().checked_sub(1)?;
        Some(took[rank.saturating_sub(1).min(last)])
    }

    /// Returns the wall-clock time of the last failure, even if it is no longer
    /// kept. `None` if there was none.
    pub fn last_failure_at(&self) -> Option<SystemTime> {
        self.last_failure_at
    }
}

/// The results of a check, stored in its state.
#[derive(Debug)]
pub(crate) struct Ring {
    words: VecDeque<Word>,
    last_failure_at: Option<SystemTime>,
}

impl Ring {
    pub(crate) fn new(kept: usize) -> Self {
        Ring {
            words: VecDeque::with_capacity(kept),
            last_failure_at: None,
        }
    }

    /// Records a result. `gap` is the time since the previous one.
    pub(crate) fn record(
        &mut self,
        status: Status,
        took: Duration,
        gap: Option<Duration>,
        at: SystemTime,
    ) {
        if status == Status::Fail {
            self.last_failure_at = Some(at);
        }
        if self.words.capacity() == 0 {
            return;
        }
        if self.words.len() == self.words.capacity() {
            self.words.pop_front();
        }
        self.words
            .push_back(Word::new(status, took, gap.unwrap_or_default()));
    }

    /// Returns a copy for a report. `runs` is the total number of results.
    pub(crate) fn kept(&self, runs: u64, reported: bool) -> Kept {
        let (older, newer) = self.words.as_slices();
        Kept {
            runs,
            words: [older, newer].concat().into(),
            last_failure_at: self.last_failure_at,
            reported,
        }
    }
}

/// The encoded results of a report, decoded when they are read.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    runs: u64,
    words: Box<[Word]>,
    last_failure_at: Option<SystemTime>,
    reported: bool,
}

impl Kept {
    /// Decodes the results. `newest` is the time of the last one.
    pub(crate) fn history(&self, newest: SystemTime) -> History {
        let mut at = newest;
        let mut past = Vec::with_capacity(self.words.len());
        for word in self.words.iter().rev() {
            past.push(HistoryEntry {
                status: word.status(),
                took: word.took(),
                at,
            });
            at = at.checked_sub(word.gap()).unwrap_or(SystemTime::UNIX_EPOCH);
        }
        past.reverse();
        History {
            runs: self.runs,
            past,
            last_failure_at: self.last_failure_at,
            reported: self.reported,
        }
    }
}

/// A result in 32 bits: two for the status, 14 for the duration in
/// microseconds, 16 for the time since the previous result in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Word(u32);

const TOOK: Scale = Scale { leading: 9 };
const GAP: Scale = Scale { leading: 11 };

impl Word {
    fn new(status: Status, took: Duration, gap: Duration) -> Self {
        let took = whole(took, 1_000_000) + u64::from(took.subsec_micros());
        let gap = whole(gap, 1_000) + u64::from(gap.subsec_millis());
        let status = match status {
            Status::Pass => 0,
            Status::Warn => 1,
            Status::Fail => 2,
        };
        let times = GAP.short(gap) << TOOK.bits() | TOOK.short(took);
        Word(times << 2 | status)
    }

    fn status(self) -> Status {
        match self.0 & 0b11 {
            0 => Status::Pass,
            1 => Status::Warn,
            _ => Status::Fail,
        }
    }

    fn took(self) -> Duration {
        Duration::from_micros(TOOK.long(self.0 >> 2))
    }

    fn gap(self) -> Duration {
        Duration::from_millis(GAP.long(self.0 >> (2 + TOOK.bits())))
    }
}

/// Returns the duration as a whole number of 1/`parts` seconds, at most a
/// century, which exceeds both scales.
fn whole(duration: Duration, parts: u64) -> u64 {
    duration.as_secs().min(100 * 366 * 24 * 60 * 60) * parts
}

/// A floating-point format for whole numbers: the leading bits, and the number
/// of dropped bits.
#[derive(Clone, Copy)]
struct Scale {
    leading: u32,
}

/// The number of bits of the exponent.
const EXPONENT: u32 = 5;
const MAX_DROPPED: u32 = (1 << EXPONENT) - 1;

impl Scale {
    const fn bits(self) -> u32 {
        EXPONENT + self.leading
    }

    const fn largest(self) -> u32 {
        (1 << self.leading) - 1
    }

    /// Encodes a number, rounded down and saturating.
    fn short(self, number: u64) -> u32 {
        let length = u64::BITS - number.leading_zeros();
        let dropped = length.saturating_sub(self.leading).min(MAX_DROPPED);
        let leading = u32::try_from(number >> dropped).unwrap_or(u32::MAX);
        dropped << self.leading | leading.min(self.largest())
    }

    /// Decodes the last bits of the word.
    fn long(self, word: u32) -> u64 {
        let dropped = word >> self.leading & MAX_DROPPED;
        u64::from(word & self.largest()) << dropped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + secs)
    }

    /// Creates one result per second; the duration of each is its index in µs.
    fn history(kept: usize, results: &[Status]) -> History {
        let mut ring = Ring::new(kept);
        let mut newest = at(0);
        for (nth, &status) in (0..).zip(results) {
            newest = at(nth);
            let gap = (nth > 0).then_some(SECOND);
            ring.record(status, Duration::from_micros(nth), gap, newest);
        }
        ring.kept(results.len() as u64, false).history(newest)
    }

    #[test]
    fn the_newest_results_are_kept_with_their_times() {
        let mut results = [Status::Pass; 7];
        results[0] = Status::Fail;
        results[5] = Status::Warn;
        let history = history(3, &results);
        let kept: Vec<_> = history
            .past()
            .iter()
            .map(|past| (past.status, past.took.as_micros(), past.at))
            .collect();
        assert_eq!(
            kept,
            [
                (Status::Pass, 4, at(4)),
                (Status::Warn, 5, at(5)),
                (Status::Pass, 6, at(6))
            ]
        );
        assert_eq!(history.runs(), 7);
        assert_eq!(
            history.last_failure_at(),
            Some(at(0)),
            "longer than it is kept"
        );
    }

    #[test]
    fn rates_and_quantiles_cover_the_kept_results() {
        let mut results = [Status::Pass; 20];
        results[3] = Status::Fail;
        results[4] = Status::Warn;
        let history = history(20, &results);
        assert_eq!(history.success_rate(), Some(0.95));
        assert_eq!(history.count(Status::Warn), 1);
        for (quantile, micros) in [
            (-1.0, 0),
            (0.0, 0),
            (0.05, 0),
            (0.5, 9),
            (0.95, 18),
            (1.0, 19),
            (f64::INFINITY, 19),
            (f64::NAN, 0),
        ] {
            let latency = history.latency(quantile).expect("results");
            assert_eq!(latency, Duration::from_micros(micros), "{quantile}");
        }
    }

    #[test]
    fn a_history_of_length_zero_keeps_no_result() {
        let nothing = history(0, &[Status::Fail, Status::Pass]);
        assert!(nothing.past().is_empty());
        assert_eq!(nothing.success_rate(), None);
        assert_eq!(nothing.latency(0.5), None);
        assert_eq!(
            (nothing.runs(), nothing.last_failure_at()),
            (2, Some(at(0)))
        );
    }

    #[test]
    fn the_ring_buffer_never_grows() {
        let mut ring = Ring::new(DEFAULT_KEPT);
        let before = ring.words.capacity();
        for nth in 0..1_000 {
            ring.record(Status::Pass, SECOND, Some(SECOND), at(nth));
        }
        assert_eq!((ring.words.len(), ring.words.capacity()), (before, before));
        assert_eq!(before, DEFAULT_KEPT);
    }

    #[test]
    fn durations_that_are_too_long_saturate() {
        let word = Word::new(Status::Fail, Duration::MAX, Duration::MAX);
        assert_eq!(word.status(), Status::Fail);
        assert!(word.took() > Duration::from_secs(12 * 24 * 60 * 60));
        assert!(word.gap() > Duration::from_secs(99 * 365 * 24 * 60 * 60));
    }

    proptest! {
        #[test]
        fn an_encoded_result_is_decoded_unchanged(took in 0_u64..3_600_000_000, gap in 0_u64..86_400_000) {
            for status in [Status::Pass, Status::Warn, Status::Fail] {
                let (took, gap) = (Duration::from_micros(took), Duration::from_millis(gap));
                let word = Word::new(status, took, gap);
                prop_assert_eq!(word.status(), status);
                prop_assert!(word.took() <= took && took <= word.took() + took / 200);
                prop_assert!(word.gap() <= gap && gap <= word.gap() + gap / 1_000);
            }
        }
    }
}
