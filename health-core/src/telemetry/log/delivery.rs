//! Log events about the delivery to HTTP receivers.
//!
//! An outage of a receiver is one event at its beginning and one at its end,
//! not one per attempt.

#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "without tracing")
)]

use std::time::Duration;

/// The receiver refused or missed several consecutive attempts.
pub(crate) fn unreachable(receiver: &str, attempts: u32, why: &str) {
    log!(
        warn,
        hook = receiver,
        attempts,
        cause = why,
        "the receiver is not reachable, so delivery is retried"
    );
}

/// The receiver accepts requests again after [`unreachable`].
pub(crate) fn reachable_again(receiver: &str, after: Duration) {
    log!(
        info,
        hook = receiver,
        after_s = after.as_secs(),
        "the receiver is reachable again"
    );
}

/// The receiver refused a request permanently.
pub(crate) fn refused(receiver: &str, why: &str) {
    log!(
        warn,
        hook = receiver,
        cause = why,
        "the receiver rejected a request, which is not retried; check its address, token and schema"
    );
}

/// Health ended before the receiver accepted the states of this number of
/// checks, or the message that health stops.
pub(crate) fn undelivered(receiver: &str, checks: usize) {
    log!(
        warn,
        hook = receiver,
        checks,
        "health stopped before all states were delivered to the receiver"
    );
}
