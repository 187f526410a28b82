//! Readiness for load balancers that distinguish a drain and a degraded state from a
//! failure.

#[cfg(feature = "serve")]
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Response};

use crate::check::outcome::Status;
#[cfg(feature = "serve")]
use crate::check::probe::Probe;
#[cfg(feature = "serve")]
use crate::http::endpoint::Endpoint;
#[cfg(feature = "serve")]
use crate::registry::details::Details;
#[cfg(feature = "serve")]
use crate::registry::page::Page;
#[cfg(feature = "serve")]
use crate::text::list::listed;
#[cfg(feature = "serve")]
use crate::verdict::snapshot::CheckReport;

const TRUE: HeaderValue = HeaderValue::from_static("true");
/// The host only gets traffic if there are too few healthy hosts.
const DEGRADED: HeaderName = HeaderName::from_static("x-envoy-degraded");
/// The host gets no traffic from this answer on, regardless of thresholds.
const FAIL_AT_ONCE: HeaderName = HeaderName::from_static("x-envoy-immediate-health-check-fail");
/// The number of names in the reason why readiness fails; the others are counted.
#[cfg(feature = "serve")]
const MOST_NAMES: usize = 5;

/// The readiness that a load balancer sees.
#[cfg(feature = "serve")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Traffic {
    Healthy,
    Degraded,
    /// With the reason, on one line.
    Unhealthy(String),
    Draining,
}

/// Adds the header fields that Envoy reads in the answer to a health check.
pub(super) fn signal_envoy<B>(answer: &mut Response<B>, status: Status, is_closed: bool) {
    let headers = answer.headers_mut();
    if is_closed {
        headers.insert(FAIL_AT_ONCE, TRUE);
    } else if status == Status::Warn {
        headers.insert(DEGRADED, TRUE);
    }
}

#[cfg(feature = "serve")]
impl Endpoint {
    /// Returns the readiness after running outdated checks on demand.
    pub(crate) async fn traffic(&self) -> Traffic {
        let inner = &self.inner;
        let readiness = Page::Probe(Probe::Readiness);
        let asked: Vec<_> = inner.outdated(&readiness, None).collect();
        if !asked.is_empty() {
            let monitor = Arc::clone(&inner.monitor);
            inner.timer.wait(monitor.all_answered(asked)).await;
        }
        let seen = inner.monitor.glance_without(&[]);
        match seen.status(Probe::Readiness) {
            _ if seen.is_closed() => Traffic::Draining,
            Status::Pass => Traffic::Healthy,
            Status::Warn => Traffic::Degraded,
            Status::Fail => {
                let shows_names = inner.settings.details >= Details::Checks;
                let reports = seen.listed().filter(|_| shows_names);
                Traffic::Unhealthy(reason(reports))
            }
        }
    }
}

/// Returns the names of the checks that keep readiness from passing.
#[cfg(feature = "serve")]
fn reason<'a>(reports: impl Iterator<Item = &'a CheckReport>) -> String {
    let fails = |report: &&CheckReport| {
        let counts = report.counts_for(Probe::Readiness) && report.is_critical();
        counts && !report.verdict().is_good()
    };
    let failing: Vec<&str> = reports.filter(fails).map(CheckReport::name).collect();
    if failing.is_empty() {
        return "not ready".to_owned();
    }
    format!("not ready: {}", listed(&failing, MOST_NAMES, " "))
}
