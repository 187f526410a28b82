//! Moves async checks that block their thread to a thread of their own.
//!
//! One long poll is no proof: the process may have been paused, or the thread
//! may have waited for a CPU. So the first long poll only raises a suspicion,
//! unless it is too long for either. From then on, the time that a poll waits
//! for a CPU is measured and subtracted, and a second long poll is proof.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::engine::pause::MAX_UNNOTICED;
use crate::sync::Mutex;

/// The number of consecutive runs without a long poll that clear a suspicion.
const RUNS_UNTIL_CLEARED: u32 = 10;
/// The number of consecutive runs without a long poll after which a check
/// returns to the runtime, initially and at most. The number doubles with each
/// relapse.
const RUNS_UNTIL_RELEASED: u32 = 10;
const MAX_RUNS_UNTIL_RELEASED: u32 = 1_000;

/// Whether one check must run on its own thread.
pub(crate) struct Quarantine {
    /// Polls are measured more precisely.
    is_suspected: AtomicBool,
    is_in_force: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Consecutive runs without a long poll.
    clean_runs: u32,
    /// Whether the current run has had a long poll.
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
    /// Returns whether runs use their own thread.
    pub(crate) fn is_in_force(&self) -> bool {
        self.is_in_force.load(Ordering::Relaxed)
    }

    pub(crate) fn is_suspected(&self) -> bool {
        self.is_suspected.load(Ordering::Relaxed)
    }

    /// Records that a poll blocked its thread for too long. Returns whether the
    /// quarantine begins: at the second long poll, or at the first one if [it
    /// is proof](is_proof).
    pub(crate) fn long_poll(&self, is_proof: bool) -> bool {
        let mut state = self.state.lock();
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

    /// Records the end of a run. Returns the number of runs without a long poll
    /// if the quarantine ends. Costs two loads while there is no suspicion.
    pub(crate) fn run_ended(&self) -> Option<u32> {
        if !self.is_in_force() && !self.is_suspected() {
            return None;
        }
        let mut state = self.state.lock();
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
            state.runs_until_released = doubled.min(MAX_RUNS_UNTIL_RELEASED);
            state.clean_runs = 0;
            self.is_in_force.store(false, Ordering::Relaxed);
            return Some(runs);
        }
        if runs >= RUNS_UNTIL_CLEARED {
            self.is_suspected.store(false, Ordering::Relaxed);
        }
        None
    }
}

/// Returns whether only the check can explain the excess of a poll: it is
/// longer than any undetected pause and than all the time that this thread has
/// ever waited for a CPU.
pub(crate) fn is_proof(excess: Duration) -> bool {
    let waited = waited_for_processor();
    waited.is_some_and(|waited| excess > MAX_UNNOTICED + waited)
}

/// Returns how long this thread has waited for a CPU since it was started;
/// `None` where the system does not provide it.
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
    fn the_second_long_poll_quarantines_the_check() {
        let quarantine = Quarantine::default();
        assert!(!offend(&quarantine) && quarantine.is_suspected());
        assert!(!quarantine.is_in_force());
        clean_runs(&quarantine, 3);
        assert!(offend(&quarantine), "within ten runs");
        assert!(quarantine.is_in_force());
        assert!(!offend(&quarantine), "it is in force already");
    }

    #[test]
    fn ten_good_runs_clear_the_first_long_poll() {
        let quarantine = Quarantine::default();
        offend(&quarantine);
        clean_runs(&quarantine, RUNS_UNTIL_CLEARED);
        assert!(!quarantine.is_suspected());
        assert!(!offend(&quarantine));
    }

    #[test]
    fn good_runs_end_the_quarantine_and_each_relapse_prolongs_it() {
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
    fn a_poll_without_another_explanation_quarantines_at_once() {
        let quarantine = Quarantine::default();
        assert!(quarantine.long_poll(true) && quarantine.is_in_force());
    }

    /// A thread waits for a CPU each time it wakes, if only for a moment.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_cpu_wait_of_the_system_increases() {
        let bound = std::time::Instant::now() + Duration::from_secs(20);
        let first = waited_for_processor().expect("Linux tells");
        while waited_for_processor().expect("Linux tells") <= first {
            assert!(std::time::Instant::now() < bound, "it stays at {first:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_slightly_long_poll_is_not_counted() {
        assert!(!is_proof(MAX_UNNOTICED));
        let waited = waited_for_processor().expect("Linux tells");
        assert!(is_proof(MAX_UNNOTICED + waited + Duration::from_secs(60)));
    }
}
