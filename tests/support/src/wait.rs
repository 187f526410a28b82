//! Bounded waits for a condition.

use std::thread;
use std::time::{Duration, Instant};

/// Far more than any condition takes on a busy machine. A test that waits longer has
/// failed.
pub const BOUND: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(1);
/// Long waits poll less often, to leave the CPU to what they wait for.
const LONGEST_STEP: Duration = Duration::from_millis(20);

/// Blocks the thread until the condition holds.
///
/// # Panics
///
/// Panics if the condition does not hold within [`BOUND`].
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < BOUND, "never: {what}");
        thread::sleep((start.elapsed() / 20).clamp(STEP, LONGEST_STEP));
    }
}

/// Waits until the condition holds, without blocking the runtime.
///
/// # Panics
///
/// Panics if the condition does not hold within [`BOUND`] of real time.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < BOUND, "never: {what}");
        tokio::time::sleep(STEP).await;
    }
}
