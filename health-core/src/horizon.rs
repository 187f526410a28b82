//! The earliest moment at which time alone may turn a verdict.

use crate::sync::{AtomicU64, Ordering};

/// A lower bound, so that a reader who comes before it need not look at every
/// check for a deadline that has passed or a result that has gone stale.
///
/// Writers only lower it. It rises when a reader has looked at every check and
/// nobody wrote meanwhile, which a version beside the time shows. One word
/// holds both: milliseconds in the upper 44 bits (557 years), the version in
/// the lower 20.
#[derive(Debug)]
pub(crate) struct Horizon(AtomicU64);

const VERSION_BITS: u32 = 20;
const VERSION_MASK: u64 = (1 << VERSION_BITS) - 1;
/// No moment is known.
pub(crate) const NEVER: u64 = u64::MAX >> VERSION_BITS;

/// Proof that a reader saw the horizon before it looked at the checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed(u64);

impl Horizon {
    pub(crate) fn new() -> Self {
        Horizon(AtomicU64::new(word(NEVER, 0)))
    }

    /// If the horizon has been passed, every check must be looked at.
    pub(crate) fn passed(&self, now: u64) -> Option<Passed> {
        let seen = self.0.load(Ordering::Acquire);
        (now >= seen >> VERSION_BITS).then_some(Passed(seen))
    }

    /// A writer has changed a check, which has its next moment at `due`.
    pub(crate) fn lower(&self, due: u64) {
        let step = |seen: u64| Some(word(due.min(seen >> VERSION_BITS), seen + 1));
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, step);
    }

    /// A reader has looked at every check, and `due` is the earliest moment.
    /// Without effect if a writer came between: the old bound is still one.
    pub(crate) fn raise(&self, Passed(seen): Passed, due: u64) {
        let risen = word(due, seen + 1);
        let _ = self
            .0
            .compare_exchange(seen, risen, Ordering::AcqRel, Ordering::Acquire);
    }
}

fn word(due: u64, version: u64) -> u64 {
    (due.min(NEVER) << VERSION_BITS) | (version & VERSION_MASK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Arc, model, thread};

    #[test]
    fn writers_lower_it_and_a_full_look_raises_it() {
        model(|| {
            let horizon = Horizon::new();
            assert!(horizon.passed(1_000).is_none());
            horizon.lower(500);
            horizon.lower(800);
            assert!(horizon.passed(499).is_none());
            let passed = horizon.passed(500).expect("passed");
            horizon.raise(passed, 800);
            assert!(horizon.passed(799).is_none());
            assert!(horizon.passed(800).is_some());
        });
    }

    #[test]
    fn a_write_during_the_look_is_not_lost() {
        model(|| {
            let horizon = Horizon::new();
            horizon.lower(500);
            let passed = horizon.passed(600).expect("passed");
            horizon.lower(700);
            horizon.raise(passed, 9_000);
            assert!(horizon.passed(700).is_some());
        });
    }

    /// A writer announces a moment while a reader looks at the check: in no order
    /// of events is the horizon later than the moment that was announced. It is
    /// low already, so that the writer changes nothing but the version.
    #[test]
    fn no_announced_moment_is_ever_above_the_horizon() {
        model(|| {
            let horizon = Arc::new(Horizon::new());
            let check = Arc::new(AtomicU64::new(1_900));
            horizon.lower(1_000);
            let (seen, announced) = (Arc::clone(&horizon), Arc::clone(&check));
            let writer = thread::spawn(move || {
                announced.store(1_500, Ordering::Release);
                seen.lower(1_500);
                assert!(seen.passed(1_500).is_some());
            });
            if let Some(passed) = horizon.passed(2_000) {
                horizon.raise(passed, check.load(Ordering::Acquire));
            }
            writer.join().expect("the writer has seen nothing wrong");
            assert!(horizon.passed(1_500).is_some());
        });
    }

    #[test]
    fn the_version_wraps_without_touching_the_time() {
        model(|| {
            let horizon = Horizon(AtomicU64::new(word(77, VERSION_MASK)));
            horizon.lower(80);
            assert!(horizon.passed(76).is_none());
            assert!(horizon.passed(77).is_some());
        });
    }
}
