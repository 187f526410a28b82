//! Log events about the delivery to HTTP receivers.
//!
//! An outage of a receiver is one event at its beginning and one at its end,
//! not one per attempt.

use std::time::Duration;

#[cfg(feature = "tracing")]
use crate::telemetry::log::write::TARGET;

/// The receiver refused or missed several consecutive attempts.
pub(crate) fn unreachable(receiver: &str, attempts: u32, why: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        hook = receiver,
        attempts,
        cause = why,
        "the receiver is not reachable, so delivery is retried"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (receiver, attempts, why);
}

/// The receiver accepts requests again after [`unreachable`].
pub(crate) fn reachable_again(receiver: &str, after: Duration) {
    #[cfg(feature = "tracing")]
    tracing::info!(
        target: TARGET,
        hook = receiver,
        after_s = after.as_secs(),
        "the receiver is reachable again"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (receiver, after);
}

/// The receiver refused a request permanently.
pub(crate) fn refused(receiver: &str, why: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        hook = receiver,
        cause = why,
        "the receiver refused a request, which is not repeated; check its address, its token and what it accepts"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (receiver, why);
}

/// Health ended before the receiver accepted the states of this number of
/// checks, or the stop itself.
pub(crate) fn undelivered(receiver: &str, checks: usize) {
    #[cfg(feature = "tracing")]
    tracing::warn!(
        target: TARGET,
        hook = receiver,
        checks,
        "health stopped before all states were delivered to the receiver"
    );
    #[cfg(not(feature = "tracing"))]
    let _ = (receiver, checks);
}
