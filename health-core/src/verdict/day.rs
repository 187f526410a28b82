//! The last 24 hours of a check: its verdict in each minute, and the durations
//! of its runs.
//!
//! It is kept only where a status page is served. It takes at most 6 KiB for
//! each check and grows with the time since the start, by 240 bytes every two
//! hours. Time during which the process was paused does not count.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::clock::Moment;
use crate::verdict::Verdict;

const MINUTE: Duration = Duration::from_secs(60);
/// The number of minutes that are kept.
pub(crate) const MINUTES: usize = 24 * 60;
/// The minutes for which memory is reserved at once.
const STEP: usize = 120;
/// The durations are counted in blocks of two hours, of which the oldest one is
/// dropped as a whole.
const BLOCK_MINUTES: u64 = 120;
const BLOCKS: usize = 13;

/// The verdicts and durations of one check.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    /// The complete minutes, the newest last.
    minutes: VecDeque<Packed>,
    current: Minute,
    /// The time up to which verdicts have been recorded.
    recorded: Moment,
    /// Whether there was a result. The wait for the first one is no verdict.
    has_result: bool,
    /// The newest last; at most [`BLOCKS`].
    durations: VecDeque<Durations>,
}

impl Day {
    pub(crate) fn new(now: Moment) -> Self {
        Day {
            minutes: VecDeque::new(),
            current: Minute::default(),
            recorded: now,
            has_result: false,
            durations: VecDeque::new(),
        }
    }

    /// Records that the verdict was `verdict` from the last recorded time until
    /// `until`.
    pub(crate) fn record(&mut self, verdict: Verdict, until: Moment) {
        self.has_result |= verdict != Verdict::Unknown;
        let verdict = Some(verdict).filter(|_| self.has_result);
        let kept = MINUTE * u32::try_from(MINUTES).unwrap_or(u32::MAX);
        if until.since(self.recorded) > kept + MINUTE {
            // The rest would be dropped at once.
            self.minutes.clear();
            self.current = Minute::default();
            self.recorded = start_of_minute(until - kept);
        }
        while self.recorded < until {
            let end = start_of_minute(self.recorded) + MINUTE;
            let part = end.min(until);
            self.current.add(verdict, part.since(self.recorded));
            self.recorded = part;
            if part == end {
                let complete = std::mem::take(&mut self.current);
                self.push(complete.packed());
            }
        }
    }

    fn push(&mut self, minute: Packed) {
        if self.minutes.len() == MINUTES {
            self.minutes.pop_front();
        } else if self.minutes.len() == self.minutes.capacity() {
            self.minutes.reserve_exact(STEP);
        }
        self.minutes.push_back(minute);
    }

    /// Records the duration of a run that ended at `now`.
    pub(crate) fn observe(&mut self, took: Duration, now: Moment) {
        let block = now.since(Moment::START).as_secs() / 60 / BLOCK_MINUTES;
        while self.durations.front().is_some_and(|oldest| {
            let kept = BLOCKS as u64;
            oldest.block + kept <= block
        }) {
            self.durations.pop_front();
        }
        if self.durations.back().is_none_or(|last| last.block < block) {
            self.durations.reserve_exact(1);
            self.durations.push_back(Durations::new(block));
        }
        if let Some(last) = self.durations.back_mut() {
            last.count(took);
        }
    }

    /// Returns the share of the time with a result in which the check worked,
    /// from 0 to 1. `None` if it had none.
    pub(crate) fn uptime(&self) -> Option<f64> {
        let [up, down] = self.up_and_down();
        let known = up + down;
        (!known.is_zero()).then(|| up.div_duration_f64(known))
    }

    /// Returns how long the check failed.
    pub(crate) fn downtime(&self) -> Duration {
        self.up_and_down()[1]
    }

    fn up_and_down(&self) -> [Duration; 2] {
        let complete = self.minutes.iter().map(|minute| minute.times());
        let all = complete.chain([[self.current.up, self.current.down]]);
        all.fold([Duration::ZERO; 2], |[up, down], [more, less]| {
            [up + more, down + less]
        })
    }

    /// Returns the given quantile of the durations, within an eighth. `None`
    /// without a run.
    pub(crate) fn latency(&self, quantile: f64) -> Option<Duration> {
        let mut counts = [0_u64; Durations::BUCKETS];
        for block in &self.durations {
            for (sum, &count) in counts.iter_mut().zip(&*block.counts) {
                *sum += u64::from(count);
            }
        }
        let all: u64 = counts.iter().sum();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank; a cast saturates"
        )]
        let rank = ((quantile * all as f64).ceil() as u64).clamp(1, all.max(1));
        let mut below = 0;
        let bucket = counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Durations::middle(bucket))
    }

    /// Returns the worst verdict in each of `slots` equal parts of the last
    /// `minutes`, the newest last; `None` where there was no result.
    pub(crate) fn slots(&self, minutes: usize, slots: usize) -> Vec<Option<Verdict>> {
        let per_slot = minutes / slots;
        let mut worst = vec![None; slots];
        let current = self.current.packed();
        let newest_first = std::iter::once(&current).chain(self.minutes.iter().rev());
        for (nth, minute) in newest_first.take(per_slot * slots).enumerate() {
            let slot = &mut worst[slots - 1 - nth / per_slot];
            *slot = worse(*slot, minute.worst());
        }
        worst
    }
}

fn start_of_minute(moment: Moment) -> Moment {
    let minutes = moment.since(Moment::START).as_secs() / 60;
    Moment::START + Duration::from_secs(minutes * 60)
}

/// The order of urgency; a minute without a result is the least urgent.
const ORDER: [Option<Verdict>; 6] = [
    None,
    Some(Verdict::Pass),
    Some(Verdict::Warn),
    Some(Verdict::Skipped),
    Some(Verdict::Unknown),
    Some(Verdict::Fail),
];

fn rank(verdict: Option<Verdict>) -> u16 {
    let position = ORDER.iter().position(|known| *known == verdict);
    position.and_then(|at| u16::try_from(at).ok()).unwrap_or(0)
}

fn worse(one: Option<Verdict>, other: Option<Verdict>) -> Option<Verdict> {
    if rank(other) > rank(one) { other } else { one }
}

/// A minute that is not over.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    up: Duration,
    down: Duration,
    worst: Option<Verdict>,
}

impl Minute {
    fn add(&mut self, verdict: Option<Verdict>, time: Duration) {
        match verdict {
            Some(Verdict::Pass | Verdict::Warn) => self.up += time,
            Some(Verdict::Fail) => self.down += time,
            // It is not known whether the check works.
            Some(Verdict::Unknown | Verdict::Skipped) | None => {}
        }
        self.worst = worse(self.worst, verdict);
    }

    /// A failure of less than a second is kept as one of a second.
    fn packed(&self) -> Packed {
        let seconds = |time: Duration| u16::try_from(time.as_secs().min(60)).unwrap_or(60);
        let is_short = !self.down.is_zero() && self.down < Duration::from_secs(1);
        let down = seconds(self.down).max(u16::from(is_short));
        let up = seconds(self.up + Duration::from_millis(500)).min(60 - down);
        Packed(rank(self.worst) << 12 | up << 6 | down)
    }
}

/// A complete minute: four bits for the worst verdict, six each for the seconds
/// in which the check worked and failed.
#[derive(Clone, Copy, Debug)]
struct Packed(u16);

impl Packed {
    fn worst(self) -> Option<Verdict> {
        ORDER.get(usize::from(self.0 >> 12)).copied().flatten()
    }

    fn times(self) -> [Duration; 2] {
        let [up, down] = [self.0 >> 6 & 0x3f, self.0 & 0x3f];
        [up, down].map(|seconds| Duration::from_secs(seconds.into()))
    }
}

/// The durations of two hours, counted in buckets: four for each doubling, from
/// 64 µs to 67 s.
#[derive(Clone, Debug)]
struct Durations {
    block: u64,
    counts: Box<[u16; Durations::BUCKETS]>,
}

impl Durations {
    const BUCKETS: usize = 80;
    /// The shortest duration is 2 to this power, in microseconds.
    const LEAST: u32 = 6;

    fn new(block: u64) -> Self {
        Durations {
            block,
            counts: Box::new([0; Durations::BUCKETS]),
        }
    }

    fn count(&mut self, took: Duration) {
        let count = &mut self.counts[Durations::bucket(took)];
        *count = count.saturating_add(1);
    }

    fn bucket(took: Duration) -> usize {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let micros = micros.max(1 << Durations::LEAST);
        let power = micros.ilog2();
        let quarter = micros >> (power - 2) & 0b11;
        let doublings = u64::from(power - Durations::LEAST);
        let bucket = usize::try_from(doublings * 4 + quarter).unwrap_or(usize::MAX);
        bucket.min(Durations::BUCKETS - 1)
    }

    /// Returns the duration in the middle of a bucket.
    fn middle(bucket: usize) -> Duration {
        let power = Durations::LEAST + u32::try_from(bucket / 4).unwrap_or(0);
        let quarter = (bucket % 4) as u64;
        // The middle between `4 + quarter` and the next quarter, in eighths.
        Duration::from_micros((9 + 2 * quarter) << (power - 3))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    fn at(minute: u64) -> Moment {
        Moment::START + minutes(minute)
    }

    #[test]
    fn time_without_a_result_counts_as_neither_up_nor_down() {
        let mut day = Day::new(Moment::START);
        assert_eq!(day.uptime(), None);
        day.record(Verdict::Unknown, at(30));
        assert_eq!(day.uptime(), None);
        day.record(Verdict::Pass, at(60));
        day.record(Verdict::Skipped, at(80));
        day.record(Verdict::Warn, at(110));
        assert_eq!(day.uptime(), Some(1.0));
        day.record(Verdict::Fail, at(130));
        assert_eq!(day.uptime(), Some(0.75));
        assert_eq!(day.downtime(), minutes(20));
        let slots = day.slots(150, 5);
        let is = |verdict| Some(verdict);
        assert_eq!(slots[0], None, "the wait for the first result");
        assert!(slots[2..].contains(&is(Verdict::Skipped)) && slots[4] == is(Verdict::Fail));
    }

    #[test]
    fn a_slot_shows_its_worst_minute() {
        let mut day = Day::new(Moment::START);
        day.record(Verdict::Pass, at(100));
        day.record(Verdict::Fail, at(101));
        day.record(Verdict::Pass, at(119) + Duration::from_secs(30));
        let slots = day.slots(180, 6);
        let (pass, fail) = (Some(Verdict::Pass), Some(Verdict::Fail));
        assert_eq!(slots, [None, None, pass, pass, pass, fail]);
        let narrow = day.slots(60, 60);
        assert_eq!(narrow.iter().filter(|slot| **slot == fail).count(), 1);
        assert_eq!(narrow[40], fail, "19 minutes ago");
    }

    #[test]
    fn a_short_failure_is_not_lost() {
        let mut day = Day::new(Moment::START);
        day.record(Verdict::Pass, at(1));
        day.record(Verdict::Fail, at(1) + Duration::from_millis(3));
        day.record(Verdict::Pass, at(3));
        assert_eq!(day.slots(10, 10)[7], Some(Verdict::Fail));
        assert!(
            day.uptime()
                .is_some_and(|share| share < 1.0 && share > 0.99)
        );
    }

    /// It is measured as it grows, and after a month without a reader.
    #[test]
    fn a_day_takes_at_most_six_kibibytes() {
        let size = |day: &Day| {
            size_of::<Day>()
                + day.minutes.capacity() * size_of::<Packed>()
                + day.durations.capacity() * size_of::<Durations>()
                + day.durations.len() * Durations::BUCKETS * size_of::<u16>()
        };
        let mut day = Day::new(Moment::START);
        assert!(size(&day) < 200, "{}", size(&day));
        let mut most = 0;
        for minute in 1..4_000 {
            day.record(Verdict::Pass, at(minute));
            day.observe(Duration::from_millis(minute), at(minute));
            most = most.max(size(&day));
        }
        assert!(most <= 6 << 10, "{most}");
        assert_eq!(day.minutes.len(), MINUTES);
        assert_eq!(day.minutes.capacity(), MINUTES);
        day.record(Verdict::Fail, at(50_000));
        assert_eq!(day.uptime(), Some(0.0), "nothing older than a day counts");
        assert_eq!(day.downtime(), minutes(MINUTES as u64));
        assert!(size(&day) <= most);
    }

    #[test]
    fn old_durations_are_forgotten() {
        let mut day = Day::new(Moment::START);
        day.observe(Duration::from_secs(9), at(0));
        day.observe(Duration::from_millis(9), at(25 * 60));
        assert!(
            day.latency(1.0)
                .is_some_and(|took| took > Duration::from_secs(8))
        );
        day.observe(Duration::from_millis(9), at(26 * 60));
        assert!(
            day.latency(1.0)
                .is_some_and(|took| took < Duration::from_millis(11))
        );
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut day = Day::new(Moment::START);
        assert_eq!(day.latency(0.5), None);
        for _ in 0..94 {
            day.observe(Duration::from_millis(10), Moment::START);
        }
        for _ in 0..6 {
            day.observe(Duration::from_secs(2), Moment::START);
        }
        let [median, high] = [0.5, 0.95].map(|quantile| day.latency(quantile).expect("runs"));
        assert!(median.abs_diff(Duration::from_millis(10)) <= Duration::from_micros(1_250));
        assert!(high.abs_diff(Duration::from_secs(2)) <= Duration::from_millis(250));
    }

    proptest! {
        #[test]
        fn a_duration_is_kept_within_an_eighth(micros in 64_u64..67_000_000) {
            let took = Duration::from_micros(micros);
            let kept = Durations::middle(Durations::bucket(took));
            prop_assert!(kept.abs_diff(took) * 8 <= took + Duration::from_micros(8), "{took:?} {kept:?}");
        }

        /// The times of all verdicts add up, whatever their lengths.
        #[test]
        fn the_times_of_all_verdicts_add_up(parts in prop::collection::vec((0_usize..5, 0_u64..400_000), 1..40)) {
            let all = [
                Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Unknown, Verdict::Skipped,
            ];
            let mut day = Day::new(Moment::START);
            let (mut now, mut down) = (Moment::START, Duration::ZERO);
            for (verdict, millis) in parts {
                let lasted = Duration::from_millis(millis);
                now = now + lasted;
                if all[verdict] == Verdict::Fail {
                    down += lasted;
                }
                day.record(all[verdict], now);
            }
            // Each minute is kept in whole seconds.
            let minutes = u32::try_from(day.minutes.len()).expect("a day");
            prop_assert!(day.downtime().abs_diff(down) <= minutes * Duration::from_secs(1));
        }
    }
}
