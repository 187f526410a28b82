//! CPU time, which does not depend on other processes of the machine.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Returns the CPU time of this thread where the system provides it, and otherwise
/// the wall-clock time since the first call.
pub fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    used().unwrap_or_else(|| START.elapsed())
}

fn used() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = stat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
