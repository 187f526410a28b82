//! Times in answers and webhooks.

use std::time::{Duration, SystemTime};

/// Rounds to microseconds, which is the scheduler's precision.
pub(crate) fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// Formats RFC 3339 in UTC. A time outside the representable years (the clock
/// of a board before synchronization) is shown as the nearest one.
pub(crate) fn timestamp(at: SystemTime) -> String {
    const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);
    let since_epoch = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let shown = SystemTime::UNIX_EPOCH + since_epoch.min(LAST_SECOND);
    humantime::format_rfc3339_millis(shown).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_to_the_measurable_precision() {
        assert!((milliseconds(Duration::from_nanos(2_000_100_400)) - 2_000.1).abs() < 1e-9);
        let epoch = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234);
        assert_eq!(timestamp(epoch), "1970-01-01T00:00:01.234Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(timestamp(before), "1970-01-01T00:00:00.000Z");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(timestamp(far), "9999-12-31T23:59:59.000Z");
    }
}
