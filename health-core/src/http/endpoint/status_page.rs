//! The answers of the status page: the list of checks, one check, and badges.

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::Inner;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::render::html::frame::{PageFrame, Service};
use crate::http::render::html::query::Badge;
use crate::http::render::shown::Shown;
use crate::http::render::{Format, html};
use crate::http::response::with_code;
use crate::http::route::Route;
use crate::registry::details::Details;
use crate::registry::page::Page;
use crate::verdict::snapshot::Snapshot;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// Disables embedding and all scripts except that of the page, in case a text
/// contains markup. The hash is that of
/// [`SCRIPT`](crate::http::render::html::SCRIPT); a test compares them. The script
/// reads its own page only, and the form leads to it.
const FOR_BROWSERS: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'sha256-R4FKUYSTIBhX8dr3xJ7ts8Q5tIL6xlq0rSCGlK4zYKc='; connect-src 'self'; \
             style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

fn for_browsers(code: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    // Like text, so that a browser does not guess another type.
    let mut response = with_code(code, Format::Text, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.extend(FOR_BROWSERS);
    response
}

impl Inner {
    pub(super) fn status_page(&self, route: &Route) -> Response<Bytes> {
        if let Some(badge) = route.query().badge {
            return self.badge(route, badge);
        }
        let (status, body) = match route.check {
            _ if route.details == Details::Status => self.word(route),
            Some(index) => self.check_page(route, index),
            None => self.list_page(route),
        };
        for_browsers(self.settings.codes.of(status), HTML, body)
    }

    /// Renders the status without names of checks.
    fn word(&self, route: &Route) -> (Status, Bytes) {
        let status = match route.check {
            Some(index) => self.monitor.verdict(index).status(),
            None => self.status_without(&route.page, &route.excluded),
        };
        (status, html::status_only(status, route.query()))
    }

    /// Renders all checks.
    fn list_page(&self, route: &Route) -> (Status, Bytes) {
        let excluded = &route.excluded;
        let seen = self.monitor.snapshot_without(excluded.checks());
        let status = Inner::status_seen(&route.page, excluded, &seen);
        let is_full = route.details == Details::Full;
        // The heading says that startup has not passed, so that entry is left out.
        let shown = seen.checks().iter().enumerate().map(|(index, report)| {
            let shown = Shown::new(report, is_full).excluded(excluded.contains(index));
            (index, shown)
        });
        let frame = self.html_frame(route, &seen);
        let days = |checks: &[usize]| self.monitor.days(checks);
        let body = html::list(status, &frame, route.query(), shown, &days);
        (status, body)
    }

    /// Renders one check.
    fn check_page(&self, route: &Route, index: usize) -> (Status, Bytes) {
        let seen = self.monitor.glance_without(&[]);
        let report = self.monitor.report(index);
        let shown = Shown::new(&report, route.details == Details::Full);
        let frame = self.html_frame(route, &seen);
        let days = |checks: &[usize]| self.monitor.days(checks);
        let body = html::check((index, shown), &frame, route.query(), &days);
        (report.verdict().status(), body)
    }

    fn html_frame<'a>(&'a self, route: &Route, seen: &'a Snapshot) -> PageFrame<'a> {
        let is_full = route.details == Details::Full;
        let info = &self.service_info;
        let service = Service {
            name: info.shown_name(is_full),
            version: info.shown_version(),
            instance: info.shown_instance(is_full),
            host: info.shown_host().filter(|_| is_full),
            info: Some(info),
        };
        let probes = Probe::ALL.map(|probe| (probe, seen.status(probe)));
        PageFrame {
            service,
            uptime: Some(self.monitor.uptime()),
            probes: Some(probes),
            draining: seen.is_closed(),
            without_drain: Some(seen.without_drain()),
            changes: self.monitor.changes(),
        }
    }

    /// Returns a badge, always with the code of a healthy answer: some pages show no
    /// image with another code.
    fn badge(&self, route: &Route, badge: Badge) -> Response<Bytes> {
        let group = route
            .query()
            .tag()
            .filter(|_| route.details != Details::Status);
        let (label, status) = match (badge, route.check, group) {
            (Badge::Probe(probe), ..) => (probe.as_str(), Some(self.monitor.status(probe))),
            (Badge::Subject, Some(check), _) => {
                let status = self.monitor.verdict(check).status();
                (self.monitor.name(check), Some(status))
            }
            (Badge::Subject, None, Some(tag)) => {
                let group = || self.status(&Page::Group(tag.to_owned().into()));
                (tag, self.monitor.has_tag(tag).then(group))
            }
            (Badge::Subject, None, None) => {
                let name = self.service_info.shown_name(false).unwrap_or("health");
                (name, Some(self.status(&Page::StatusPage)))
            }
        };
        let image = html::badge::badge(label, status);
        let code = self.settings.codes.of(Status::Pass);
        for_browsers(code, SVG, image)
    }
}
