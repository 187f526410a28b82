//! What can be served at a path.

use crate::check::probe::{Probe, Probes};

/// What is found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Page {
    /// Everything, as far as the details allow.
    Health,
    /// The answer to one probe.
    Probe(Probe),
    /// The checks with this tag: see
    /// [`HealthBuilder::group`](crate::HealthBuilder::group).
    Group(&'static str),
    /// Everything as a page for people, as far as the details allow. Give it a
    /// path of its own, with [`HealthBuilder::path`](crate::HealthBuilder::path):
    /// no `Accept` asks for it, since monitors say that they like HTML.
    ///
    /// It loads itself anew every 10 s; `?refresh=` takes other seconds, and
    /// `off`. It has the code of `/health`, so that nobody who reads only that is
    /// told that all is well.
    StatusPage,
    /// What all of these paths answer, as an OpenAPI document: see
    /// [`Endpoint::openapi`](crate::http::Endpoint::openapi).
    OpenApi,
    /// The metrics of every check, for Prometheus: OpenMetrics if `Accept` names
    /// it, else the text format 0.0.4. Always 200, and not behind the
    /// [`Guard`](crate::http::Guard): it says names, verdicts and times, no texts.
    Metrics,
}

impl From<Probe> for Page {
    fn from(probe: Probe) -> Self {
        Page::Probe(probe)
    }
}

impl Page {
    /// As Kubernetes names it, or the tag of the group.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Page::Probe(Probe::Liveness) => "livez",
            Page::Probe(Probe::Readiness) => "readyz",
            Page::Probe(Probe::Startup) => "startupz",
            Page::Health => "health",
            Page::Group(tag) => tag,
            Page::StatusPage => "status",
            Page::OpenApi => "openapi",
            Page::Metrics => "metrics",
        }
    }

    /// Whether a check with these probes and tags counts for the page.
    pub(crate) fn counts(self, probes: Probes, tags: &[&str]) -> bool {
        match self {
            Page::Health | Page::StatusPage => true,
            // A scrape runs nothing, and is of all checks together.
            Page::OpenApi | Page::Metrics => false,
            Page::Probe(probe) => probes.contains(probe),
            Page::Group(tag) => tags.contains(&tag),
        }
    }
}
