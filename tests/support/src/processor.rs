//! Time that does not depend on what else the machine does.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Returns how long this thread has used a CPU, where the system provides it,
/// and otherwise for how long the process has run.
pub fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    used().unwrap_or_else(|| START.elapsed())
}

fn used() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = stat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
