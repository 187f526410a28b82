//! The pages that can be served at a path.

use std::borrow::Cow;

use crate::check::options::Plan;
use crate::check::probe::Probe;

/// A page that can be served at a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Page {
    /// All checks, at the configured level of detail.
    Health,
    /// The status of one probe.
    Probe(Probe),
    /// The checks with this tag: see
    /// [`HttpOptions::group`](crate::config::HttpOptions::group).
    Group(Cow<'static, str>),
    /// All checks as an HTML page, at the configured level of detail. Serve it
    /// at a separate path with
    /// [`HttpOptions::path`](crate::config::HttpOptions::path): it is not
    /// selected by `Accept`, since monitors often claim to accept HTML.
    ///
    /// The page reloads every 10 s; `?refresh=` sets another number of seconds
    /// or `off`. Its status code is that of `/health`, so that a monitor of
    /// this page also sees failures.
    #[cfg(feature = "status-page")]
    StatusPage,
    /// The OpenAPI document of all paths: see
    /// [`Endpoint::openapi`](crate::http::Endpoint::openapi).
    #[cfg(feature = "openapi")]
    OpenApi,
    /// The metrics of all checks for Prometheus: OpenMetrics if `Accept` asks
    /// for it, otherwise the text format 0.0.4. Always 200. Not restricted by
    /// the [`Guard`](crate::http::Guard), since metrics contain names, verdicts,
    /// times and declared observed values but no texts.
    Metrics,
}

impl From<Probe> for Page {
    fn from(probe: Probe) -> Self {
        Page::Probe(probe)
    }
}

impl Page {
    /// Returns the page of the checks with this tag.
    ///
    /// ```
    /// use health_core::config::HttpOptions;
    /// use health_core::http::Page;
    ///
    /// let options = HttpOptions::new().path("/status/storage", Page::group("storage"));
    /// # let _ = options;
    /// ```
    pub fn group(tag: impl Into<Cow<'static, str>>) -> Self {
        Page::Group(tag.into())
    }

    /// Returns the name of the probe in Kubernetes, or the tag of the group.
    pub(crate) fn name(&self) -> &str {
        match self {
            Page::Probe(Probe::Liveness) => "livez",
            Page::Probe(Probe::Readiness) => "readyz",
            Page::Probe(Probe::Startup) => "startupz",
            Page::Health => "health",
            Page::Group(tag) => tag,
            #[cfg(feature = "status-page")]
            Page::StatusPage => "status",
            #[cfg(feature = "openapi")]
            Page::OpenApi => "openapi",
            Page::Metrics => "metrics",
        }
    }

    /// Returns whether the page shows names or numbers of checks to every
    /// client, so that only internal mounts serve it. `/health` is public
    /// because it is one word there.
    pub(crate) const fn is_internal(&self) -> bool {
        !matches!(self, Page::Health | Page::Probe(_))
    }

    /// Returns whether there are answers about single checks of this page.
    pub(crate) const fn has_checks(&self) -> bool {
        match self {
            Page::Health | Page::Probe(_) | Page::Group(_) => true,
            #[cfg(feature = "status-page")]
            Page::StatusPage => true,
            #[cfg(feature = "openapi")]
            Page::OpenApi => false,
            Page::Metrics => false,
        }
    }

    /// Returns whether a check counts for the page.
    pub(crate) fn counts(&self, plan: &Plan) -> bool {
        match self {
            Page::Probe(probe) => plan.probes.contains(*probe),
            Page::Group(tag) => plan.has_tag(tag),
            // The pages of all checks. A scrape runs none of them.
            page => page.has_checks(),
        }
    }
}
