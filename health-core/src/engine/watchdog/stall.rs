//! Decides when a worker is blocked, and by which check.
//!
//! Has no clock: the caller passes the time of each sample. Only time during which
//! samples were taken counts (see [`WatchClock`]).

use std::time::{Duration, Instant};

use crate::check::outcome::Outcome;

/// The time during which samples were taken.
///
/// If two samples are far apart, the watchdog itself did not run: the process
/// was paused, the machine suspended, or the CPU was busy. That time does not
/// count.
pub(super) struct WatchClock {
    max_step: Duration,
    last: Instant,
    watched: Duration,
}

impl WatchClock {
    pub(super) fn new(max_step: Duration, now: Instant) -> Self {
        WatchClock {
            max_step,
            last: now,
            watched: Duration::ZERO,
        }
    }

    pub(super) fn tick(&mut self, now: Instant) -> Duration {
        let step = now.saturating_duration_since(self.last);
        self.last = now;
        self.watched += step.min(self.max_step);
        self.watched
    }
}

/// The metrics of a worker from tokio.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Worker {
    /// The number of times that it parked or unparked: an even number while the
    /// worker runs.
    pub(super) parks: u64,
    /// The busy time that it last published.
    pub(super) busy: Duration,
}

impl Worker {
    fn is_running(self) -> bool {
        self.parks % 2 == 0
    }
}

/// The workers of one runtime, and the time of the last change of the metrics of
/// each.
pub(super) struct Workers {
    seen: Vec<(Worker, Duration)>,
}

impl Workers {
    pub(super) fn new(now: Duration, workers: impl Iterator<Item = Worker>) -> Self {
        Workers {
            seen: workers.map(|worker| (worker, now)).collect(),
        }
    }

    pub(super) fn update(&mut self, now: Duration, workers: impl Iterator<Item = Worker>) {
        for (seen, worker) in self.seen.iter_mut().zip(workers) {
            if seen.0 != worker {
                *seen = (worker, now);
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// Returns the workers whose metrics have not changed for longer than `limit`
    /// while they were running, and the time since the last change.
    pub(super) fn unchanged_for(
        &self,
        limit: Duration,
        now: Duration,
    ) -> impl Iterator<Item = (usize, Duration)> {
        let still = move |(index, &(worker, since)): (usize, &(Worker, Duration))| {
            let held = now.saturating_sub(since);
            (worker.is_running() && held > limit).then_some((index, held))
        };
        self.seen.iter().enumerate().filter_map(still)
    }
}

/// The check's index and its poll counter.
pub(super) type Poll = (usize, u64);

/// The polls in progress while a worker is blocked.
#[derive(Default)]
pub(super) struct BlockingPolls {
    polls: Vec<(Poll, Duration)>,
}

impl BlockingPolls {
    pub(super) fn update(&mut self, now: Duration, under_way: &[Poll]) {
        self.polls.retain(|(poll, _)| under_way.contains(poll));
        for &poll in under_way {
            if self.polls.iter().all(|&(known, _)| known != poll) {
                self.polls.push((poll, now));
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.polls.clear();
    }

    /// Returns the checks whose current poll has lasted for `limit` or longer.
    pub(super) fn blocking_checks(
        &self,
        limit: Duration,
        now: Duration,
    ) -> impl Iterator<Item = usize> {
        let held = move |since: Duration| now.saturating_sub(since);
        let long = self
            .polls
            .iter()
            .filter(move |&&(_, since)| held(since) >= limit);
        long.map(|&((check, _), _)| check)
    }
}

/// The number of the runtime on which the checks run.
pub(super) const OF_THE_CHECKS: usize = 0;

/// A blocked worker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stuck {
    /// The runtime, in the order in which they were added.
    pub(super) runtime: usize,
    pub(super) worker: usize,
    pub(super) workers: usize,
    pub(super) held: Duration,
}

impl Stuck {
    fn place(&self) -> String {
        let Stuck {
            runtime,
            worker,
            workers,
            held,
        } = self;
        let held = seconds(*held);
        format!("runtime {runtime}, worker {worker} of {workers}, for {held}")
    }
}

/// Returns the outcome for these blocked workers. `checks` are the names of the
/// blocking checks, which only block workers of the checks' runtime.
pub(super) fn outcome(stuck: &[Stuck], checks: &[&str]) -> Outcome {
    let has_name = |stuck: &Stuck| stuck.runtime == OF_THE_CHECKS && !checks.is_empty();
    let worst = stuck
        .iter()
        .max_by_key(|stuck| (has_name(stuck), stuck.held));
    let Some(worst) = worst else {
        return Outcome::pass();
    };
    let held = seconds(worst.held);
    let text = match checks {
        [check] if has_name(worst) => format!("blocked by check `{check}` for {held}"),
        checks if has_name(worst) => {
            format!("blocked by checks `{}` for {held}", checks.join("`, `"))
        }
        _ => format!("a worker has not yielded for {held}"),
    };
    let places = stuck.iter().map(Stuck::place);
    places.fold(Outcome::fail(text), Outcome::because)
}

/// Formats a duration with the precision of a sample.
fn seconds(held: Duration) -> String {
    let tenths = held.as_millis() / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// Decides when to report the result of a sample.
pub(super) struct ReportTimer {
    every: Duration,
    last: Option<(bool, Duration)>,
}

impl ReportTimer {
    pub(super) fn new(every: Duration) -> Self {
        ReportTimer { every, last: None }
    }

    /// Returns whether to report now. A changed result is reported at once, a
    /// blocked worker also periodically.
    pub(super) fn is_due(&mut self, now: Duration, is_stuck: bool) -> bool {
        let is_old = |told: Duration| now.saturating_sub(told) >= self.every;
        let due = self
            .last
            .is_none_or(|(was_stuck, told)| was_stuck != is_stuck || is_stuck && is_old(told));
        if due {
            self.last = Some((is_stuck, now));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THRESHOLD: Duration = secs(1);
    const PERIOD: Duration = millis(100);

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const RUNNING: Worker = Worker {
        parks: 8,
        busy: millis(20),
    };
    const PARKED: Worker = Worker {
        parks: 9,
        busy: millis(20),
    };

    /// One worker, sampled at the watchdog's interval.
    struct Sampled {
        clock: WatchClock,
        now: Instant,
        watched: Duration,
        workers: Workers,
    }

    impl Sampled {
        fn new(worker: Worker) -> Self {
            let now = Instant::now();
            Sampled {
                clock: WatchClock::new(2 * PERIOD, now),
                now,
                watched: Duration::ZERO,
                workers: Workers::new(Duration::ZERO, [worker].into_iter()),
            }
        }

        fn after(&mut self, step: Duration, worker: Worker) {
            self.now += step;
            self.watched = self.clock.tick(self.now);
            self.workers.update(self.watched, [worker].into_iter());
        }

        /// Samples unchanged metrics for `time`.
        fn stays(&mut self, time: Duration, worker: Worker) {
            for _ in 0..time.as_millis() / PERIOD.as_millis() {
                self.after(PERIOD, worker);
            }
        }

        fn held(&self) -> Option<Duration> {
            let mut still = self.workers.unchanged_for(THRESHOLD, self.watched);
            still.next().map(|(_, held)| held)
        }
    }

    #[test]
    fn a_running_worker_with_unchanged_metrics_is_blocked() {
        let mut worker = Sampled::new(RUNNING);
        worker.stays(THRESHOLD, RUNNING);
        assert_eq!(worker.held(), None, "not before the threshold is over");
        worker.after(PERIOD, RUNNING);
        assert_eq!(worker.held(), Some(THRESHOLD + PERIOD));
        worker.stays(secs(5), RUNNING);
        assert_eq!(worker.held(), Some(secs(6) + PERIOD));
        worker.after(PERIOD, PARKED);
        assert_eq!(worker.held(), None);
    }

    #[test]
    fn a_parked_worker_is_never_blocked() {
        let mut worker = Sampled::new(PARKED);
        worker.stays(secs(60), PARKED);
        assert_eq!(worker.held(), None);
        let woken = Worker {
            parks: PARKED.parks + 1,
            ..PARKED
        };
        worker.stays(THRESHOLD, woken);
        assert_eq!(
            worker.held(),
            None,
            "it counts from when it was seen to run"
        );
        worker.stays(secs(1), woken);
        assert!(worker.held().is_some());
    }

    #[test]
    fn a_worker_that_updates_its_metrics_is_not_blocked() {
        let mut worker = Sampled::new(RUNNING);
        for handed_in in 1..100 {
            let busy = millis(900) * handed_in;
            worker.stays(millis(900), Worker { busy, ..RUNNING });
            assert_eq!(worker.held(), None);
        }
    }

    #[test]
    fn time_without_samples_is_not_counted() {
        let mut worker = Sampled::new(RUNNING);
        worker.stays(millis(500), RUNNING);
        // Like SIGSTOP or a suspended machine.
        worker.after(secs(3_600), RUNNING);
        assert_eq!(worker.held(), None);
        worker.stays(millis(300), RUNNING);
        assert_eq!(worker.held(), None, "500 + 200 + 300 ms");
        worker.after(PERIOD, RUNNING);
        assert_eq!(
            worker.held(),
            Some(millis(1_100)),
            "it did not go on either"
        );
    }

    #[test]
    fn a_clock_that_goes_back_is_ignored() {
        let start = Instant::now();
        let mut clock = WatchClock::new(secs(1), start + secs(100));
        assert_eq!(clock.tick(start + secs(50)), Duration::ZERO);
        assert_eq!(clock.tick(start + secs(51)), secs(1));
    }

    #[test]
    fn workers_are_counted_separately() {
        let workers = |parks| [Worker { parks, ..RUNNING }, RUNNING, PARKED].into_iter();
        let mut seen = Workers::new(Duration::ZERO, workers(0));
        seen.update(secs(2), workers(2));
        let still: Vec<_> = seen.unchanged_for(THRESHOLD, secs(2)).collect();
        assert_eq!(still, [(1, secs(2))]);
    }

    #[test]
    fn a_check_is_named_for_one_long_poll_but_not_for_many_short_ones() {
        let (long, other) = (7, 8);
        let mut polls = BlockingPolls::default();
        polls.update(secs(0), &[(long, 1), (other, 1)]);
        polls.update(secs(1), &[(long, 1), (other, 3)]);
        polls.update(secs(2), &[(long, 1)]);
        polls.update(secs(3), &[(long, 1), (other, 3)]);
        let checks: Vec<_> = polls.blocking_checks(secs(1), secs(3)).collect();
        assert_eq!(checks, [long]);
        polls.clear();
        assert_eq!(polls.blocking_checks(Duration::ZERO, secs(3)).next(), None);
    }

    #[test]
    fn the_message_is_public_and_the_location_private() {
        let stuck = |worker, held| Stuck {
            runtime: OF_THE_CHECKS,
            worker,
            workers: 2,
            held,
        };
        let one = [stuck(1, millis(1_290))];
        let said = outcome(&one, &[]);
        assert_eq!(said.message(), Some("a worker has not yielded for 1.2 s"));
        assert_eq!(said.cause(), ["runtime 0, worker 1 of 2, for 1.2 s"]);
        let both = [stuck(0, millis(1_000)), stuck(1, secs(61))];
        let said = outcome(&both, &["redis"]);
        assert_eq!(said.message(), Some("blocked by check `redis` for 61.0 s"));
        assert_eq!(said.cause().len(), 2);
        let said = outcome(&both, &["redis", "smtp"]);
        let text = "blocked by checks `redis`, `smtp` for 61.0 s";
        assert_eq!(said.message(), Some(text));
        assert_eq!(outcome(&[], &[]).message(), None);

        let elsewhere = Stuck {
            runtime: 1,
            ..stuck(0, secs(9))
        };
        let said = outcome(&[elsewhere], &["redis"]);
        assert_eq!(said.message(), Some("a worker has not yielded for 9.0 s"));
        let said = outcome(&[elsewhere, one[0]], &["redis"]);
        assert_eq!(said.message(), Some("blocked by check `redis` for 1.2 s"));
    }

    #[test]
    fn blocked_workers_are_reported_on_each_change_and_repeatedly() {
        let mut reports = ReportTimer::new(secs(1));
        let told = [false, false, true, true, true, false, false]
            .into_iter()
            .zip([0, 5_000, 5_100, 5_200, 6_100, 6_200, 9_000])
            .map(|(is_stuck, now)| reports.is_due(millis(now), is_stuck));
        let wanted = [true, false, true, false, true, true, false];
        assert_eq!(told.collect::<Vec<_>>(), wanted);
    }

    proptest! {
        /// For any gaps between samples and any activity of the worker: it is
        /// blocked exactly if it was running with unchanged metrics in all
        /// samples of more than the threshold of watched time.
        #[test]
        fn a_worker_is_blocked_exactly_as_defined(
            samples in prop::collection::vec((0_u64..400, 0_u8..12), 1..120),
        ) {
            let mut parks = 0;
            let mut worker = Sampled::new(Worker { parks, ..RUNNING });
            let mut history = vec![(Duration::ZERO, parks)];
            for (gap, step) in samples {
                // No change in most steps.
                parks += u64::from(step == 0) + 2 * u64::from(step == 1);
                worker.after(millis(gap), Worker { parks, ..RUNNING });
                history.push((worker.watched, parks));
                let same = history.iter().rev().take_while(|(_, seen)| *seen == parks);
                let since = same.last().expect("this one").0;
                let is_stuck = parks % 2 == 0 && worker.watched.saturating_sub(since) > THRESHOLD;
                prop_assert_eq!(worker.held().is_some(), is_stuck);
            }
        }

        /// A worker that parks or publishes within the threshold is never
        /// blocked.
        #[test]
        fn a_worker_that_changes_in_time_is_never_blocked(
            gaps in prop::collection::vec(0_u64..100_000, 1..120),
        ) {
            let mut worker = Sampled::new(RUNNING);
            let mut busy = RUNNING.busy;
            for gap in gaps {
                // Five samples count for at most 1 s, regardless of the gaps.
                for _ in 0..5 {
                    worker.after(millis(gap), Worker { busy, ..RUNNING });
                    prop_assert_eq!(worker.held(), None);
                }
                busy += millis(1);
            }
        }
    }
}
