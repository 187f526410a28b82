//! Header fields by which Envoy distinguishes a drain and a degraded state from a
//! failure.

use http::{HeaderName, HeaderValue, Response};

use crate::check::outcome::Status;

const TRUE: HeaderValue = HeaderValue::from_static("true");
/// The host only gets traffic if there are too few healthy hosts.
const DEGRADED: HeaderName = HeaderName::from_static("x-envoy-degraded");
/// The host gets no traffic from this answer on, regardless of thresholds.
const FAIL_AT_ONCE: HeaderName = HeaderName::from_static("x-envoy-immediate-health-check-fail");

/// Adds the header fields to the answer to a health check.
pub(super) fn signal<B>(answer: &mut Response<B>, status: Status, is_closed: bool) {
    let headers = answer.headers_mut();
    if is_closed {
        headers.insert(FAIL_AT_ONCE, TRUE);
    } else if status == Status::Warn {
        headers.insert(DEGRADED, TRUE);
    }
}
