//! Running time: the clock without the time during which the process was
//! paused.
//!
//! A paused process (SIGSTOP, a suspended machine) runs no check and sends no
//! beat, so a pause does not count for deadlines, beats and ages.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The number of pauses that are stored individually. Earlier ones apply to all
/// moments.
const KEPT_PAUSES: usize = 16;

/// A point in running time, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// The start of the clock. In the middle of the range, so that reports
    /// before the start can be represented.
    pub(crate) const START: Moment = Moment(1 << 62);
    /// Later than every deadline.
    pub(crate) const NEVER: Moment = Moment(u64::MAX);

    /// Returns the value for an atomic.
    pub(crate) fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time since an earlier moment, or zero.
    pub(crate) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(nanos(duration)))
    }
}

impl std::ops::Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_sub(nanos(duration)))
    }
}

/// Returns the nanoseconds of a duration, saturating at 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

/// Converts between tokio's clock and running time.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// The total length of all pauses.
    paused: Duration,
    /// The end of each stored pause, and the total length of the pauses before
    /// it.
    pauses: VecDeque<(Instant, Duration)>,
}

impl Clock {
    pub(crate) fn start(now: Instant) -> Self {
        Clock {
            started: now,
            paused: Duration::ZERO,
            pauses: VecDeque::new(),
        }
    }

    /// Returns the running time at an instant. Later pauses do not affect it.
    pub(crate) fn at(&self, instant: Instant) -> Moment {
        let mut paused = self.paused;
        for (ended, before) in self.pauses.iter().rev() {
            if instant >= *ended {
                break;
            }
            paused = *before;
        }
        let moment = if instant >= self.started {
            Moment::START + (instant - self.started)
        } else {
            Moment::START - (self.started - instant)
        };
        moment - paused
    }

    /// Returns the instant of a moment, if the process is not paused again.
    pub(crate) fn instant(&self, moment: Moment) -> Option<Instant> {
        let from_start = moment.since(Moment::START) + self.paused;
        self.started.checked_add(from_start)
    }

    /// Excludes a pause that ended now.
    pub(crate) fn discount(&mut self, now: Instant, lasted: Duration) {
        if self.pauses.len() == KEPT_PAUSES {
            self.pauses.pop_front();
        }
        self.pauses.push_back((now, self.paused));
        self.paused += lasted;
    }

    /// Returns the total length of all pauses.
    pub(crate) fn paused(&self) -> Duration {
        self.paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_is_not_counted_and_moves_no_earlier_moment() {
        let start = Instant::now();
        let mut clock = Clock::start(start);
        let before = clock.at(start + 2 * SECOND);
        clock.discount(start + 10 * SECOND, 5 * SECOND);
        assert_eq!(clock.at(start + 2 * SECOND), before);
        assert_eq!(clock.at(start + 12 * SECOND).since(before), 5 * SECOND);
        let due = before + 6 * SECOND;
        assert_eq!(clock.instant(due), Some(start + 13 * SECOND));
    }

    #[test]
    fn each_pause_moves_only_later_moments() {
        let start = Instant::now();
        let mut clock = Clock::start(start);
        clock.discount(start + 10 * SECOND, 5 * SECOND);
        clock.discount(start + 20 * SECOND, 5 * SECOND);
        for (instant, running) in [(2, 2), (12, 7), (22, 12)] {
            let moment = clock.at(start + instant * SECOND);
            assert_eq!(moment.since(Moment::START), running * SECOND);
        }
    }

    #[test]
    fn moments_before_the_start_keep_their_distance() {
        let start = Instant::now();
        let clock = Clock::start(start + 60 * SECOND);
        let [early, late] = [start, start + 90 * SECOND].map(|instant| clock.at(instant));
        assert_eq!(late.since(early), 90 * SECOND);
    }

    #[test]
    fn many_pauses_add_up() {
        let start = Instant::now();
        let mut clock = Clock::start(start);
        for nth in 1..=40 {
            clock.discount(start + nth * 10 * SECOND, SECOND);
        }
        assert_eq!(clock.paused(), 40 * SECOND);
        assert_eq!(
            clock.at(start + 500 * SECOND).since(Moment::START),
            460 * SECOND
        );
    }
}
