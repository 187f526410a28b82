//! Readiness for a load balancer that distinguishes a drain and a degraded state
//! from a failure.

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::endpoint::Endpoint;
use crate::registry::details::Details;
use crate::registry::page::Page;
use crate::text::list::listed;
use crate::verdict::snapshot::CheckReport;

/// The number of names in the reason why readiness fails; the others are counted.
const MAX_NAMES: usize = 5;

/// The readiness that a load balancer sees.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Traffic {
    Healthy,
    Degraded,
    /// With the reason, on one line.
    Unhealthy(String),
    Draining,
}

impl Endpoint {
    /// Returns the readiness after running outdated checks on demand.
    pub(crate) async fn traffic(&self) -> Traffic {
        let inner = &self.inner;
        let readiness = Page::Probe(Probe::Readiness);
        inner.wait_for(inner.outdated(&readiness, None)).await;
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
fn reason<'a>(reports: impl Iterator<Item = &'a CheckReport>) -> String {
    let fails = |report: &&CheckReport| {
        let counts = report.counts_for(Probe::Readiness) && report.is_critical();
        counts && !report.verdict().is_good()
    };
    let failing: Vec<&str> = reports.filter(fails).map(CheckReport::name).collect();
    if failing.is_empty() {
        return "not ready".to_owned();
    }
    format!("not ready: {}", listed(&failing, MAX_NAMES, " "))
}
