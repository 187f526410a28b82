//! The last results of a check, a word each.
//!
//! A run writes one word and allocates nothing; whoever asks pays for the
//! reading.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::check::outcome::Status;

/// Enough for p95 to be a result of its own, in less room than a result with a text.
pub(crate) const DEFAULT_KEPT: usize = 20;
/// At four bytes each.
pub(crate) const MOST_KEPT: usize = 1_000;

/// The last results of one check, as they came: before the thresholds, and
/// without those runs that were skipped.
///
/// What is counted here is counted over the results that are kept, the last 20
/// unless [`HealthBuilder::history`] says otherwise.
///
/// [`HealthBuilder::history`]: crate::HealthBuilder::history
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
}

/// One result of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// What the run said, or that it was not back in time.
    pub status: Status,
    /// How long the run took, to half a percent.
    pub took: Duration,
    /// When the result came, by the wall clock of the newest one: of an older
    /// one, to a thousandth of its age.
    pub at: SystemTime,
}

impl History {
    /// How many results there have been since the start, kept or not.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The results that are kept, the newest last.
    pub fn past(&self) -> &[HistoryEntry] {
        &self.past
    }

    /// How many of the kept results are of this status.
    pub fn count(&self, status: Status) -> usize {
        let same = |past: &&HistoryEntry| past.status == status;
        self.past.iter().filter(same).count()
    }

    /// The share of the kept results that did not fail, from 0 to 1; a warning
    /// is no failure. `None` without a result.
    pub fn success_rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand are kept")]
        let [failed, all] = [self.count(Status::Fail), self.past.len()].map(|count| count as f64);
        (all > 0.0).then(|| 1.0 - failed / all)
    }

    /// What so large a share of the kept runs did not exceed: 0.5 for the
    /// median, 0.95 for p95. By nearest rank, so it is the time of a run that
    /// there was. `None` without a result.
    pub fn latency(&self, quantile: f64) -> Option<Duration> {
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

    /// When the last failure came, by the wall clock, whether or not it is still
    /// kept. `None` if there was none.
    pub fn last_failure_at(&self) -> Option<SystemTime> {
        self.last_failure_at
    }
}

/// What a check's own state keeps.
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

    /// `gap` is the time since the result before.
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

    /// A copy for a report, after so many results in all.
    pub(crate) fn kept(&self, runs: u64) -> Kept {
        let (older, newer) = self.words.as_slices();
        Kept {
            runs,
            words: [older, newer].concat().into(),
            last_failure_at: self.last_failure_at,
        }
    }
}

/// What a report holds, until somebody reads it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    runs: u64,
    words: Box<[Word]>,
    last_failure_at: Option<SystemTime>,
}

impl Kept {
    /// `newest` is when the last of them came.
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
        }
    }
}

/// A result in 32 bits: two for the status, 14 for how long the run took in
/// microseconds, 16 for the time since the result before in milliseconds.
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

/// The whole seconds of a duration in so small parts: a century at most, which
/// is longer than either scale has use for.
fn whole(duration: Duration, parts: u64) -> u64 {
    duration.as_secs().min(100 * 366 * 24 * 60 * 60) * parts
}

/// How whole numbers are shortened: so many leading bits are kept, and how many
/// were dropped behind them.
#[derive(Clone, Copy)]
struct Scale {
    leading: u32,
}

/// Of the number of dropped bits.
const EXPONENT: u32 = 5;
const MOST_DROPPED: u32 = (1 << EXPONENT) - 1;

impl Scale {
    const fn bits(self) -> u32 {
        EXPONENT + self.leading
    }

    const fn largest(self) -> u32 {
        (1 << self.leading) - 1
    }

    /// Rounded down; what is too long for it becomes the longest that it can say.
    fn short(self, number: u64) -> u32 {
        let length = u64::BITS - number.leading_zeros();
        let dropped = length.saturating_sub(self.leading).min(MOST_DROPPED);
        let leading = u32::try_from(number >> dropped).unwrap_or(u32::MAX);
        dropped << self.leading | leading.min(self.largest())
    }

    /// Reads the last bits of the word.
    fn long(self, word: u32) -> u64 {
        let dropped = word >> self.leading & MOST_DROPPED;
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

    /// A result each second; the time that each took is its number in µs.
    fn history(kept: usize, results: &[Status]) -> History {
        let mut ring = Ring::new(kept);
        let mut newest = at(0);
        for (nth, &status) in (0..).zip(results) {
            newest = at(nth);
            let gap = (nth > 0).then_some(SECOND);
            ring.record(status, Duration::from_micros(nth), gap, newest);
        }
        ring.kept(results.len() as u64).history(newest)
    }

    #[test]
    fn the_newest_are_kept_with_their_times() {
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
    fn rates_and_quantiles_are_of_what_is_kept() {
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
    fn nothing_is_kept_where_nothing_shall_be() {
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
    fn a_ring_never_grows() {
        let mut ring = Ring::new(DEFAULT_KEPT);
        let before = ring.words.capacity();
        for nth in 0..1_000 {
            ring.record(Status::Pass, SECOND, Some(SECOND), at(nth));
        }
        assert_eq!((ring.words.len(), ring.words.capacity()), (before, before));
        assert_eq!(before, DEFAULT_KEPT);
    }

    #[test]
    fn what_is_too_long_becomes_the_longest() {
        let word = Word::new(Status::Fail, Duration::MAX, Duration::MAX);
        assert_eq!(word.status(), Status::Fail);
        assert!(word.took() > Duration::from_secs(12 * 24 * 60 * 60));
        assert!(word.gap() > Duration::from_secs(99 * 365 * 24 * 60 * 60));
    }

    proptest! {
        #[test]
        fn a_word_says_what_went_in(took in 0_u64..3_600_000_000, gap in 0_u64..86_400_000) {
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
