//! Counters of the runs of one check, for metrics.

use std::time::{Duration, SystemTime};

use crate::check::class::FailureClass;
use crate::check::outcome::Status;
use crate::check::source::Reports;
use crate::time::clock::nanos;

/// The upper bounds of the duration buckets: 1 ms, and the defaults of
/// Prometheus clients.
pub(crate) const BOUNDS: [(Duration, &str); 12] = [
    (Duration::from_millis(1), "0.001"),
    (Duration::from_millis(5), "0.005"),
    (Duration::from_millis(10), "0.01"),
    (Duration::from_millis(25), "0.025"),
    (Duration::from_millis(50), "0.05"),
    (Duration::from_millis(100), "0.1"),
    (Duration::from_millis(250), "0.25"),
    (Duration::from_millis(500), "0.5"),
    (Duration::from_secs(1), "1.0"),
    (Duration::from_millis(2_500), "2.5"),
    (Duration::from_secs(5), "5.0"),
    (Duration::from_secs(10), "10.0"),
];

/// 32-bit counters, since there are many of them and there may be thousands of
/// checks. They wrap to zero after four billion runs, which is read as a
/// restart.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    results: [u32; 3],
    transitions: u32,
    classes: [u32; FailureClass::ALL.len()],
    /// Each bucket counts durations up to its bound and above the previous one;
    /// the last bucket counts the rest.
    buckets: [u32; BOUNDS.len() + 1],
    /// The sum of the durations in nanoseconds, enough for 584 years.
    nanos: u64,
    last_success: Option<SystemTime>,
}

impl Stats {
    /// Counts a result at this wall-clock time.
    pub(crate) fn count(&mut self, status: Status, at: SystemTime) {
        let results = &mut self.results[status as usize];
        *results = results.wrapping_add(1);
        if status != Status::Fail {
            self.last_success = Some(at);
        }
    }

    /// Counts the class of the last failure.
    pub(crate) fn classify(&mut self, class: FailureClass) {
        let failures = &mut self.classes[class as usize];
        *failures = failures.wrapping_add(1);
    }

    /// Counts the duration of a run.
    pub(crate) fn observe(&mut self, took: Duration) {
        let fits = BOUNDS.iter().position(|(bound, _)| took <= *bound);
        let bucket = &mut self.buckets[fits.unwrap_or(BOUNDS.len())];
        *bucket = bucket.wrapping_add(1);
        self.nanos = self.nanos.wrapping_add(nanos(took));
    }

    /// Counts a transition.
    pub(crate) fn turn(&mut self) {
        self.transitions = self.transitions.wrapping_add(1);
    }

    /// Adds the reports of a source that repeats passing reports.
    pub(crate) fn with_reports(self, reports: Option<Reports>) -> Self {
        let Some(reports) = reports else {
            return self;
        };
        let mut stats = self;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "counters begin again at zero, as all of these do"
        )]
        let count = reports.count as u32;
        let passed = &mut stats.results[Status::Pass as usize];
        *passed = count.max(*passed);
        stats.last_success = reports.at().or(self.last_success);
        stats
    }

    pub(crate) fn results(&self, status: Status) -> u32 {
        self.results[status as usize]
    }

    /// Returns the number of results of every status.
    pub(crate) fn all(&self) -> u64 {
        self.results.map(u64::from).iter().sum()
    }

    pub(crate) fn failures(&self, class: FailureClass) -> u32 {
        self.classes[class as usize]
    }

    pub(crate) fn transitions(&self) -> u32 {
        self.transitions
    }

    /// Returns the cumulative count for each bound, then for infinity.
    pub(crate) fn cumulated(&self) -> [u64; BOUNDS.len() + 1] {
        let mut sum = 0;
        self.buckets.map(|bucket| {
            sum += u64::from(bucket);
            sum
        })
    }

    /// Returns the total duration of all runs.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// Returns the time of the last result that did not fail.
    pub(crate) fn last_success(&self) -> Option<SystemTime> {
        self.last_success
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut stats = Stats::default();
        for took in [
            Duration::ZERO,
            Duration::from_millis(1),
            Duration::from_nanos(1_000_001),
            Duration::from_secs(5),
            Duration::from_secs(10),
            Duration::from_secs(11),
        ] {
            stats.observe(took);
        }
        assert_eq!(stats.cumulated(), [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6]);
        assert_eq!(stats.total(), Duration::from_nanos(26_002_000_001));
    }

    #[test]
    fn the_names_of_the_bounds_match_their_values() {
        for (bound, name) in BOUNDS {
            let named: f64 = name.parse().expect("a number");
            assert_eq!(Duration::from_secs_f64(named), bound, "{name}");
            assert!(name.contains('.'), "as OpenMetrics writes it: {name}");
        }
        assert!(BOUNDS.is_sorted());
    }

    #[test]
    fn a_warning_is_a_success_and_a_failure_is_none() {
        let mut stats = Stats::default();
        let early = SystemTime::UNIX_EPOCH;
        stats.count(Status::Fail, early);
        assert_eq!(stats.last_success(), None);
        stats.count(Status::Warn, early);
        stats.count(Status::Fail, early + Duration::from_secs(1));
        assert_eq!(stats.last_success(), Some(early));
        let counts = [Status::Pass, Status::Warn, Status::Fail].map(|status| stats.results(status));
        assert_eq!(counts, [0, 1, 2]);
    }

    #[test]
    fn stats_take_at_most_128_bytes() {
        assert!(size_of::<Stats>() <= 128, "{}", size_of::<Stats>());
    }
}
