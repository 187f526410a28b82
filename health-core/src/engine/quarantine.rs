//! Async checks that block their thread, and get one of their own.
//!
//! A long poll alone proves nothing: the process may have been stopped, or the
//! thread may have waited for a processor. So the first one raises a suspicion,
//! unless it is so long that neither can explain it. From then on the time that
//! a poll waits for a processor is measured and subtracted, and a second long poll
//! is proof.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::pause::LONGEST_UNNOTICED;

/// Runs in a row without a long poll that clear a suspicion.
const RUNS_UNTIL_CLEARED: u32 = 10;
/// Runs in a row without a long poll after which a check gets back on the
/// runtime: the first time, and at most. The number doubles with each relapse.
const RUNS_UNTIL_RELEASED: u32 = 10;
const MOST_RUNS_UNTIL_RELEASED: u32 = 1_000;

/// Whether one check has to run on a thread of its own.
#[derive(Debug)]
pub(crate) struct Quarantine {
    /// Polls are measured more closely.
    is_suspected: AtomicBool,
    is_in_force: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Runs in a row without a long poll.
    clean_runs: u32,
    /// The current run has had a long poll.
    is_marked: bool,
    runs_until_released: u32,
}

impl Default for Quarantine {
    fn default() -> Self {
        Quarantine {
            is_suspected: AtomicBool::new(false),
            is_in_force: AtomicBool::new(false),
            state: Mutex::new(State {
                clean_runs: 0,
                is_marked: false,
                runs_until_released: RUNS_UNTIL_RELEASED,
            }),
        }
    }
}

impl Quarantine {
    /// Whether runs take a thread of their own.
    pub(crate) fn is_in_force(&self) -> bool {
        self.is_in_force.load(Ordering::Relaxed)
    }

    pub(crate) fn is_suspected(&self) -> bool {
        self.is_suspected.load(Ordering::Relaxed)
    }

    /// A poll held its thread for too long. Returns whether the quarantine begins
    /// with it: the second one is proof, or the first one [is](is_proof).
    pub(crate) fn long_poll(&self, is_proof: bool) -> bool {
        let mut state = self.state();
        state.is_marked = true;
        state.clean_runs = 0;
        if self.is_in_force() {
            return false;
        }
        if !self.is_suspected.swap(true, Ordering::Relaxed) && !is_proof {
            return false;
        }
        self.is_in_force.store(true, Ordering::Relaxed);
        true
    }

    /// A run is over. Returns the number of good runs if the quarantine ends with
    /// it. Costs two loads while there is no suspicion.
    pub(crate) fn run_ended(&self) -> Option<u32> {
        if !self.is_in_force() && !self.is_suspected() {
            return None;
        }
        let mut state = self.state();
        if std::mem::take(&mut state.is_marked) {
            return None;
        }
        state.clean_runs += 1;
        let runs = state.clean_runs;
        if self.is_in_force() {
            if runs < state.runs_until_released {
                return None;
            }
            let doubled = state.runs_until_released * 2;
            state.runs_until_released = doubled.min(MOST_RUNS_UNTIL_RELEASED);
            state.clean_runs = 0;
            self.is_in_force.store(false, Ordering::Relaxed);
            return Some(runs);
        }
        if runs >= RUNS_UNTIL_CLEARED {
            self.is_suspected.store(false, Ordering::Relaxed);
        }
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a poll was too long by so much that nothing but the check explains it:
/// neither a pause that is too short to be noticed, nor all the time that this
/// thread has ever waited for a processor.
pub(crate) fn is_proof(excess: Duration) -> bool {
    let waited = waited_for_processor();
    waited.is_some_and(|waited| excess > LONGEST_UNNOTICED + waited)
}

/// How long this thread has waited for a processor since it was started; `None`
/// where the system does not tell.
pub(crate) fn waited_for_processor() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = stat.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean_runs(quarantine: &Quarantine, runs: u32) -> Vec<u32> {
        (0..runs).filter_map(|_| quarantine.run_ended()).collect()
    }

    fn offend(quarantine: &Quarantine) -> bool {
        let begins = quarantine.long_poll(false);
        assert_eq!(quarantine.run_ended(), None);
        begins
    }

    #[test]
    fn the_second_long_poll_is_proof() {
        let quarantine = Quarantine::default();
        assert!(!offend(&quarantine) && quarantine.is_suspected());
        assert!(!quarantine.is_in_force());
        clean_runs(&quarantine, 3);
        assert!(offend(&quarantine), "within ten runs");
        assert!(quarantine.is_in_force());
        assert!(!offend(&quarantine), "it is in force already");
    }

    #[test]
    fn a_suspicion_is_cleared_by_ten_good_runs() {
        let quarantine = Quarantine::default();
        offend(&quarantine);
        clean_runs(&quarantine, RUNS_UNTIL_CLEARED);
        assert!(!quarantine.is_suspected());
        assert!(!offend(&quarantine));
    }

    #[test]
    fn good_runs_end_the_quarantine_and_each_relapse_makes_it_longer() {
        let quarantine = Quarantine::default();
        let mut until_released = RUNS_UNTIL_RELEASED;
        for _ in 0..3 {
            while !quarantine.is_in_force() {
                offend(&quarantine);
            }
            clean_runs(&quarantine, until_released - 1);
            assert!(quarantine.is_in_force());
            offend(&quarantine);
            let released = clean_runs(&quarantine, until_released);
            assert_eq!(released, [until_released]);
            assert!(!quarantine.is_in_force());
            until_released *= 2;
        }
    }

    #[test]
    fn a_poll_that_nothing_else_explains_is_proof_at_once() {
        let quarantine = Quarantine::default();
        assert!(quarantine.long_poll(true) && quarantine.is_in_force());
    }

    /// Each time that a thread wakes it waits for a processor, if only for a moment.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_wait_for_a_processor_is_that_of_the_system_and_grows() {
        let bound = std::time::Instant::now() + Duration::from_secs(20);
        let first = waited_for_processor().expect("Linux tells");
        while waited_for_processor().expect("Linux tells") <= first {
            assert!(std::time::Instant::now() < bound, "it stays at {first:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_short_excess_may_have_another_cause() {
        assert!(!is_proof(LONGEST_UNNOTICED));
        let waited = waited_for_processor().expect("Linux tells");
        assert!(is_proof(
            LONGEST_UNNOTICED + waited + Duration::from_secs(60)
        ));
    }
}
