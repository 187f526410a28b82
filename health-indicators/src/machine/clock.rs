use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use health_core::Outcome;
use health_core::check::{BlockingIndicator, FailureClass};

/// A check for jumps of the wall clock, against the monotonic clock since the last
/// run.
///
/// Degrades in the run after a jump of more than 1 s. Tokens, certificates and
/// timestamps depend on the wall clock; so a jump explains other failures. A
/// machine that was suspended has jumped, too.
///
/// The value keeps the time of the last run. Write it on a field or into a
/// `static`; the first run passes.
#[derive(Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Clock {
    max_jump: Duration,
    last: Mutex<Option<(SystemTime, Instant)>>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new()
    }
}

impl Clock {
    /// Creates a check of the clock of this machine.
    pub const fn new() -> Self {
        Clock {
            max_jump: Duration::from_secs(1),
            last: Mutex::new(None),
        }
    }

    /// Sets the longest jump that passes; by default 1 s.
    pub const fn max_jump(mut self, jump: Duration) -> Self {
        self.max_jump = jump;
        self
    }

    /// Runs the check once.
    pub fn check(&self) -> Outcome {
        self.check_at(SystemTime::now(), Instant::now())
    }

    fn check_at(&self, wall: SystemTime, monotonic: Instant) -> Outcome {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((last_wall, last_monotonic)) = last.replace((wall, monotonic)) else {
            return Outcome::pass();
        };
        let jump = jump(last_wall, wall, monotonic.duration_since(last_monotonic));
        let outcome = if jump.abs() > self.max_jump.as_secs_f64() {
            Outcome::warn("the clock has jumped").class(FailureClass::Refused)
        } else {
            Outcome::pass()
        };
        outcome.observe((jump * 1e3).round() / 1e3, "s jumped")
    }
}

/// In seconds, negative if the clock was set back.
fn jump(from: SystemTime, to: SystemTime, elapsed: Duration) -> f64 {
    let by_wall = match to.duration_since(from) {
        Ok(forward) => forward.as_secs_f64(),
        Err(back) => -back.duration().as_secs_f64(),
    };
    by_wall - elapsed.as_secs_f64()
}

impl<T> BlockingIndicator<T> for Clock {
    fn check(&self, _: &T) -> Outcome {
        Clock::check(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use health_core::Status;

    #[test]
    fn a_jump_in_either_direction_degrades_once() {
        let clock = Clock::new();
        let (wall, monotonic) = (SystemTime::now(), Instant::now());
        let second = |second| Duration::from_secs(second);
        for (wall, elapsed, status) in [
            (wall, 0, Status::Pass),
            (wall + second(30), 30, Status::Pass),
            (wall + second(62), 60, Status::Warn),
            (wall + second(92), 90, Status::Pass),
            (wall + second(110), 120, Status::Warn),
            (wall, 121, Status::Warn), // set back
            (wall + second(30), 151, Status::Pass),
        ] {
            let outcome = clock.check_at(wall, monotonic + second(elapsed));
            assert_eq!(outcome.status(), status, "{elapsed}: {outcome:?}");
        }
    }
}
