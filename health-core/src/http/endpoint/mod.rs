//! Maps a request to a complete response, independent of any framework.
//!
//! | path | content |
//! |---|---|
//! | `/livez`, `/readyz`, `/startupz` | the answer to one probe |
//! | `/livez/{check}`, … | one check of that probe |
//! | `/health` | all checks, at the level of [`Details`] |
//! | `/health/{check}` | one check |
//! | `/health/groups/{tag}` | the checks with a tag |
//!
//! The builder sets the paths of the status page, the metrics and the OpenAPI
//! document. The [`Mount`] decides which pages are served.
//!
//! The default format is compact JSON. `Accept` and `?format=` select
//! `application/health+json` or the text format of kube-apiserver. `?verbose`
//! selects the text format at a probe whose details include a list.
//!
//! The status code is 200 while the answer is healthy or degraded, 503
//! otherwise. `HEAD` and `OPTIONS` have the status of `GET`, since uptime
//! monitors send `HEAD` and HAProxy sends `OPTIONS`. A trailing slash is served
//! instead of redirected, because a prober may take a redirect for success.

mod envoy;
#[cfg(feature = "status-page")]
mod status_page;
#[cfg(feature = "watch")]
pub(crate) mod subject;
#[cfg(feature = "serve")]
pub(crate) mod traffic;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::check::options::MAX_ON_DEMAND_WAIT;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::engine::demand::RunRequest;
use crate::engine::monitor::Monitor;
use crate::engine::schedule::Supervisors;
use crate::http::exclude::{Exclusions, Throttle};
#[cfg(feature = "openapi")]
use crate::http::openapi;
use crate::http::options::HttpOptions;
use crate::http::paths::{Below, Places, ProbePaths};
use crate::http::render::exposition::Exposition;
#[cfg(feature = "status-page")]
use crate::http::render::html::query::Query;
use crate::http::render::shown::Shown;
use crate::http::render::{Format, Frame, health_json, json, text};
use crate::http::request::RequestHead;
use crate::http::response::{rejected, with_allow, with_code, without_body};
use crate::http::route;
use crate::http::route::{Method, Rejection, Route};
use crate::http::service_info::ServiceInfo;
use crate::race::unless;
use crate::registry::details::Details;
use crate::registry::page::Page;
use crate::sync::Mutex;
use crate::telemetry::log::line::Line;
use crate::telemetry::sample::Sample;
use crate::text::panic::caught;
use crate::verdict::snapshot::Snapshot;

/// Returns complete HTTP responses for one [`Health`](crate::Health). The
/// adapters mount it, and it works with any other framework.
///
/// # Public and internal mounts
///
/// | page | public mount | internal mount |
/// |---|---|---|
/// | probes | the same answer | the same answer |
/// | `/health` | one word; everything for clients that the [guard](crate::http::Guard) recognizes | as [`HttpOptions::details`](crate::config::HttpOptions::details) says |
/// | `/readyz/{check}` and so on | only with [`HttpOptions::probe_details`](crate::config::HttpOptions::probe_details) | yes |
/// | `/health/{check}`, groups, status page, metrics, OpenAPI document | 404 | yes |
///
/// [`Health::endpoint`](crate::Health::endpoint) is for a public mount,
/// [`Health::internal_endpoint`](crate::Health::internal_endpoint) for an
/// internal one, and [`Health::serve`](crate::Health::serve) serves the latter.
/// A program can have both, on two ports or below two prefixes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::Health;
///
/// let health = Health::builder().start()?;
/// let request = http::Request::get("/readyz").body(()).unwrap();
/// let response = health.endpoint().respond(&request).await;
/// assert_eq!(response.status(), 200);
/// assert_eq!(&response.body()[..], br#"{"status":"healthy"}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
    mount: Mount,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

/// The clients that can reach a mount.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mount {
    /// All clients. The pages show no names and no numbers.
    Public,
    /// Clients in the network of the operator.
    Internal,
}

struct Inner {
    monitor: Arc<Monitor>,
    /// Keeps the checks running while the endpoint exists.
    _supervisors: Arc<Supervisors>,
    settings: HttpOptions,
    public: Places,
    internal: Places,
    service_info: ServiceInfo,
    timer: Timer,
    rendered: Mutex<Option<Arc<Rendered>>>,
    exclusions_logged: Throttle,
}

/// The rendered answer, reused until a check changes.
struct Rendered {
    generation: u64,
    status: Status,
    /// The rendered part of each check, so that only changed checks are
    /// rendered again.
    parts: Vec<json::Part>,
    checks: Box<RawValue>,
}

impl Endpoint {
    /// Returns the paths that an adapter mounts, each also with a trailing
    /// slash. What is below them belongs to the application, except for
    /// [`check_paths`](Self::check_paths).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let endpoint = Health::builder().start()?.endpoint();
    /// let mut paths: Vec<&str> = endpoint.paths().collect();
    /// paths.sort();
    /// assert_eq!(paths, ["/health", "/livez", "/readyz", "/startupz"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.places().iter().map(|place| &*place.path)
    }

    /// Returns those of [`paths`](Self::paths) that an adapter also mounts with
    /// one more segment, the name of a check. On a public mount there are none
    /// by default.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// assert_eq!(health.endpoint().check_paths().count(), 0);
    /// let internal = health.internal_endpoint();
    /// assert!(internal.check_paths().any(|path| path == "/health"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_paths(&self) -> impl Iterator<Item = &str> {
        let places = self.places().iter();
        let with_checks = places.filter(|place| place.below == Below::Checks);
        with_checks.map(|place| &*place.path)
    }

    /// Returns the paths as the application's middleware sees them, to
    /// distinguish probes from other requests, for example to leave probes out
    /// of an access log. `prefix` is where the routes are nested or scoped,
    /// `""` if they are not.
    ///
    /// It is not needed for middleware that does not wrap the routes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let health = Health::builder().start()?;
    /// let probes = health.internal_endpoint().probe_paths("/internal");
    /// assert!(probes.contains("/internal/readyz"));
    /// assert!(probes.contains("/internal/health/database"));
    /// assert!(!probes.contains("/orders/health"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn probe_paths(&self, prefix: &str) -> ProbePaths {
        ProbePaths::new(prefix, self.places())
    }

    /// Returns the OpenAPI 3.1 document of all [`paths`](Self::paths): methods,
    /// status codes, media types, parameters and schemas, with the configured
    /// words and codes.
    ///
    /// [`Page::OpenApi`] serves it at a path. To include it in the document of
    /// the application, merge its `paths` and `components`. The paths begin
    /// with the base path but not with the prefix of a router.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    ///
    /// let document = Health::builder().start()?.endpoint().openapi();
    /// assert!(document["paths"]["/readyz"]["get"]["responses"]["503"].is_object());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "openapi")]
    pub fn openapi(&self) -> serde_json::Value {
        self.inner.document(self.mount)
    }

    /// Returns the version of the application.
    pub(crate) fn version(&self) -> Option<&str> {
        self.inner.service_info.shown_version()
    }

    pub(crate) fn new(
        monitor: Arc<Monitor>,
        supervisors: Arc<Supervisors>,
        settings: HttpOptions,
        service_info: ServiceInfo,
        runtime: Handle,
    ) -> Self {
        let inner = Inner {
            timer: Timer { runtime },
            monitor,
            _supervisors: supervisors,
            public: settings.public_places(),
            internal: settings.internal_places(),
            settings,
            service_info,
            rendered: Mutex::new(None),
            exclusions_logged: Throttle::default(),
        };
        Endpoint {
            inner: Arc::new(inner),
            mount: Mount::Internal,
        }
    }

    /// Returns the endpoint for a public mount.
    pub(crate) fn public(&self) -> Self {
        Endpoint {
            inner: Arc::clone(&self.inner),
            mount: Mount::Public,
        }
    }

    fn places(&self) -> &Places {
        self.inner.places(self.mount)
    }

    /// Returns the response from the last results, for tests and synchronous
    /// callers. Runs no check, waits for nothing and never panics.
    pub fn respond_cached<'a>(&self, head: impl Into<RequestHead<'a>>) -> Response<Bytes> {
        let head = head.into();
        match self.inner.route(self.mount, head) {
            Ok(route) => self.inner.respond(&route),
            Err(rejection) => rejected(rejection, head),
        }
    }

    /// Returns the complete response, after running the checks on demand
    /// ([`CheckOptions::cache`](crate::CheckOptions::cache)) whose results are too
    /// old. Waits at most 800 ms for them, since kubelet gives up after 1 s.
    /// Without such checks the future is ready at once.
    ///
    /// Dropping the future does not stop a run that it started.
    ///
    /// An adapter gives it each request to one of its [`paths`](Self::paths):
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::Health;
    /// use health_core::http::Endpoint;
    ///
    /// async fn handle(endpoint: &Endpoint, request: http::Request<()>) -> http::Response<Vec<u8>> {
    ///     endpoint.respond(&request).await.map(Vec::from)
    /// }
    ///
    /// let endpoint = Health::builder().start()?.endpoint();
    /// let response = handle(&endpoint, http::Request::get("/livez").body(()).unwrap()).await;
    /// assert_eq!(response.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn respond<'a>(&self, head: impl Into<RequestHead<'a>>) -> ResponseFuture {
        let head = head.into();
        let route = match self.inner.route(self.mount, head) {
            Ok(route) => route,
            Err(rejection) => return ResponseFuture::ready(rejected(rejection, head)),
        };
        let requests = self.inner.outdated(&route.page, route.check);
        if requests.is_empty() {
            return ResponseFuture::ready(self.inner.respond(&route));
        }
        let inner = Arc::clone(&self.inner);
        ResponseFuture::waiting(async move {
            inner.wait_for(requests).await;
            inner.respond(&route)
        })
    }
}

/// Future returned by [`Endpoint::respond`].
#[must_use = "an answer must be awaited and sent"]
pub struct ResponseFuture(State);

enum State {
    Ready(Option<Response<Bytes>>),
    Waiting(Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>),
}

impl ResponseFuture {
    fn ready(response: Response<Bytes>) -> Self {
        ResponseFuture(State::Ready(Some(response)))
    }

    fn waiting(response: impl Future<Output = Response<Bytes>> + Send + 'static) -> Self {
        ResponseFuture(State::Waiting(Box::pin(response)))
    }
}

impl Future for ResponseFuture {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        match &mut self.0 {
            State::Ready(response) => response.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting(response) => response.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// Bounds the wait of an answer, on any thread.
struct Timer {
    /// The runtime of the checks, which has a timer.
    runtime: Handle,
}

impl Timer {
    /// Waits for `future`, but no longer than [`MAX_ON_DEMAND_WAIT`].
    ///
    /// Inside a runtime its own timer is used, because the runtime of the
    /// checks may be blocked. Outside of a runtime only the checks' timer is
    /// available.
    async fn wait(&self, future: impl Future<Output = ()> + Send + 'static) {
        let is_inside = Handle::try_current().is_ok();
        // tokio has no way to ask for a timer; using a missing one panics.
        let time = is_inside
            .then(|| caught(|| sleep(MAX_ON_DEMAND_WAIT)).ok())
            .flatten();
        if let Some(time) = time {
            let _ = unless(time, future).await;
        } else {
            let bounded = async { timeout(MAX_ON_DEMAND_WAIT, future).await };
            let _ = self.runtime.spawn(bounded).await;
        }
    }
}

impl Inner {
    fn places(&self, mount: Mount) -> &Places {
        match mount {
            Mount::Public => &self.public,
            Mount::Internal => &self.internal,
        }
    }

    #[cfg(feature = "openapi")]
    fn document(&self, mount: Mount) -> serde_json::Value {
        let lists_checks = mount == Mount::Internal;
        let examples = |page: &Page| self.example_checks(mount, page);
        openapi::document(&self.settings, self.places(mount), lists_checks, examples)
    }

    /// Returns the names of some checks of the page, if `/health` shows names
    /// to every client of this mount.
    #[cfg(feature = "openapi")]
    fn example_checks(&self, mount: Mount, page: &Page) -> Vec<&str> {
        if self.details(mount, &Page::Health, false) == Details::Status {
            return Vec::new();
        }
        let counted = (0..self.monitor.len()).filter(|&index| self.counts_for(page, index));
        let names = counted.map(|index| self.monitor.name(index));
        names.take(openapi::MAX_EXAMPLES).collect()
    }

    /// Returns the page of the request, or why there is none.
    fn route(&self, mount: Mount, head: RequestHead<'_>) -> Result<Route, Rejection> {
        let found = self.places(mount).find(head.path());
        let (place, check) = found.ok_or(Rejection::UnknownPath)?;
        let page = &place.page;
        let method = Method::named(head.method()).ok_or(Rejection::WrongMethod)?;
        let check = match check {
            Some(name) => Some(self.check_of(page, name).ok_or(Rejection::UnknownCheck)?),
            None => None,
        };
        let is_recognized = self.is_recognized(page, &head);
        let may_exclude = is_recognized || self.settings.anyone_excludes;
        let details = self.details(mount, page, is_recognized);
        let verbose = route::is_verbose(&head);
        // kube-apiserver answers `?verbose` with text.
        let by_verbose = verbose && check.is_none() && details != Details::Status;
        Ok(Route {
            method,
            page: page.clone(),
            check,
            for_consul: place.for_consul,
            format: route::format(page, &head, by_verbose),
            exposition: (*page == Page::Metrics).then(|| route::exposition(&head)),
            verbose,
            details,
            excluded: if may_exclude {
                self.exclusions(page, &head)
            } else {
                Exclusions::default()
            },
            #[cfg(feature = "status-page")]
            query: (*page == Page::StatusPage).then(|| Box::new(Query::of(&head, check.is_some()))),
        })
    }

    /// Returns whether the guard recognizes the client. The guard is only evaluated
    /// where it can change the answer; at a probe only `?exclude=` can.
    fn is_recognized(&self, page: &Page, head: &RequestHead<'_>) -> bool {
        let matters = match page {
            Page::Probe(_) => !self.settings.anyone_excludes && Exclusions::are_wanted(head),
            page => page.has_checks(),
        };
        matters
            && self
                .settings
                .guard
                .recognizes(head, &|line| self.monitor.outlet().log(line))
    }

    fn details(&self, mount: Mount, page: &Page, is_recognized: bool) -> Details {
        let public = match page {
            Page::Probe(_) => self.settings.probe_details,
            page if !page.has_checks() => Details::Status,
            _ if is_recognized => return Details::Full,
            Page::Health if mount == Mount::Public => Details::Status,
            _ => self.settings.details,
        };
        public.min(Details::Checks)
    }

    fn exclusions(&self, page: &Page, head: &RequestHead<'_>) -> Exclusions {
        let exclusions = Exclusions::of(head, |name| self.check_of(page, name));
        let checks = exclusions.checks();
        if !checks.is_empty() && self.exclusions_logged.lets_through(self.monitor.uptime()) {
            let names: Vec<&str> = checks.iter().map(|&at| self.monitor.name(at)).collect();
            self.monitor.outlet().log(Line::Excluded {
                page: page.name().to_owned(),
                checks: names.join(" "),
            });
        }
        exclusions
    }

    /// Returns the check of this name if it counts for the page.
    fn check_of(&self, page: &Page, name: &str) -> Option<usize> {
        let name = percent_decode_str(name).decode_utf8().ok()?;
        let index = self.monitor.index_of(&name)?;
        self.counts_for(page, index).then_some(index)
    }

    /// Returns whether the page depends on the check. Readiness waits for
    /// startup, so it depends on the checks of startup.
    fn holds_up(&self, page: &Page, index: usize) -> bool {
        *page == Page::Probe(Probe::Readiness)
            && !self.monitor.has_started()
            && self.monitor.plan(index).probes.contains(Probe::Startup)
    }

    fn counts_for(&self, page: &Page, index: usize) -> bool {
        let plan = self.monitor.plan(index);
        page.counts(plan)
    }

    /// Starts the runs of the checks on demand that the answer needs. Metrics
    /// start none; they show the last results and their age.
    fn outdated(&self, page: &Page, check: Option<usize>) -> Vec<RunRequest> {
        let monitor = &self.monitor;
        monitor.request_outdated(|index| self.concerns(page, check, index))
    }

    /// Waits for these runs, at most [`MAX_ON_DEMAND_WAIT`]. Checks that are still
    /// running afterwards are answered with their last result.
    async fn wait_for(&self, requests: Vec<RunRequest>) {
        if !requests.is_empty() {
            let all = Arc::clone(&self.monitor).wait_for_results(requests);
            self.timer.wait(all).await;
        }
    }

    /// Returns whether the answer for this page, or for one check, depends on the
    /// check.
    fn concerns(&self, page: &Page, check: Option<usize>, index: usize) -> bool {
        match check {
            Some(only) => only == index,
            None => self.counts_for(page, index) || self.holds_up(page, index),
        }
    }

    fn respond(&self, route: &Route) -> Response<Bytes> {
        let answer = match route.page {
            Page::Metrics => self.metrics(route.exposition.unwrap_or_default()),
            #[cfg(feature = "openapi")]
            Page::OpenApi => self.openapi(),
            #[cfg(feature = "status-page")]
            Page::StatusPage => self.status_page(route),
            Page::Health | Page::Probe(_) | Page::Group(_) => self.verdict(route),
        };
        match route.method {
            Method::Get => answer,
            Method::Head => without_body(answer),
            Method::Options => with_allow(answer),
        }
    }

    fn verdict(&self, route: &Route) -> Response<Bytes> {
        let (status, body) = match route.check {
            Some(index) => self.check(route, index),
            None => self.page(route),
        };
        let code = match status {
            // Any other prober would read this as a failure.
            Status::Warn if route.for_consul => StatusCode::TOO_MANY_REQUESTS,
            status => self.settings.codes.of(status),
        };
        let mut answer = with_code(code, route.format, body);
        let is_readiness = route.page == Page::Probe(Probe::Readiness) && route.check.is_none();
        if self.settings.signals_envoy && is_readiness {
            envoy::signal(&mut answer, status, self.monitor.is_closed());
        }
        answer
    }

    /// Returns the OpenAPI document of the internal mount, the only one that serves
    /// it.
    #[cfg(feature = "openapi")]
    fn openapi(&self) -> Response<Bytes> {
        let document = self.document(Mount::Internal).to_string();
        let code = self.settings.codes.of(Status::Pass);
        with_code(code, Format::Json, Bytes::from(document))
    }

    /// Returns the metrics, always with the code 200: a scraper reads any other code
    /// as missing metrics.
    fn metrics(&self, exposition: Exposition) -> Response<Bytes> {
        let sample = Sample {
            version: self.service_info.shown_version(),
            ..self.monitor.sample()
        };
        let body = exposition.render(&sample);
        let mut answer = with_code(StatusCode::OK, Format::Text, body);
        let content_type = exposition.content_type();
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
        answer
    }

    /// Returns the current status of the page.
    fn status(&self, page: &Page) -> Status {
        match page {
            Page::Probe(probe) => self.monitor.status(*probe),
            Page::Group(_) => {
                let all = 0..self.monitor.len();
                let members = all.filter(|&index| self.counts_for(page, index));
                let verdicts = self.monitor.verdicts(members).into_iter();
                Status::worst(verdicts.map(|(index, verdict)| {
                    let is_critical = !self.monitor.plan(index).critical.is_empty();
                    verdict.status_in_group(is_critical)
                }))
            }
            _ => Status::worst(self.monitor.statuses()),
        }
    }

    /// Returns the status of the page in this snapshot, without excluded
    /// checks.
    fn status_seen(page: &Page, excluded: &Exclusions, seen: &Snapshot) -> Status {
        match page {
            Page::Probe(probe) => seen.status(*probe),
            Page::Group(_) => {
                let all = seen.checks().iter().enumerate();
                let members = all.filter(|(index, report)| {
                    page.counts(report.plan()) && !excluded.contains(*index)
                });
                Status::worst(members.map(|(_, report)| report.status_in_group()))
            }
            _ => seen.overall(),
        }
    }

    fn page(&self, route: &Route) -> (Status, Bytes) {
        let Route {
            page,
            format,
            excluded,
            ..
        } = route;
        let is_word = *format == Format::Text && !route.verbose;
        if route.details == Details::Status || is_word {
            let status = self.status_without(page, excluded);
            if route.details == Details::Status || status != Status::Fail {
                return self.status_only(route, status);
            }
        }
        let is_usual = (page, *format) == (&Page::Health, Format::Json);
        if is_usual && route.details == Details::Checks && excluded.is_empty() {
            return self.health();
        }
        let seen = if route.details == Details::Full {
            self.monitor.snapshot_without(excluded.checks())
        } else {
            self.monitor.glance_without(excluded.checks())
        };
        self.list(route, &seen)
    }

    fn status_without(&self, page: &Page, excluded: &Exclusions) -> Status {
        if excluded.checks().is_empty() {
            return self.status(page);
        }
        let seen = self.monitor.glance_without(excluded.checks());
        Inner::status_seen(page, excluded, &seen)
    }

    fn status_only(&self, route: &Route, status: Status) -> (Status, Bytes) {
        let body = match route.format {
            Format::Json => json::status_only(self.settings.words, status),
            Format::HealthJson => health_json::status_only(status),
            Format::Text => text::status_only(route.page.name(), status),
        };
        (status, body)
    }

    /// Rendered once per change, because monitors request it often.
    fn health(&self) -> (Status, Bytes) {
        let Rendered { status, checks, .. } = &*self.rendered();
        let body = json::around(&self.frame(&Page::Health, *status), checks);
        (*status, body)
    }

    fn frame<'a>(&'a self, page: &'a Page, status: Status) -> Frame<'a> {
        let is_everything = *page == Page::Health;
        Frame {
            page: page.name(),
            status,
            words: self.settings.words,
            version: self.service_info.shown_version(),
            uptime: self.monitor.uptime(),
            draining: false,
            warning: None,
            about: is_everything.then_some(&self.service_info),
            is_short: !is_everything,
        }
    }

    fn list(&self, route: &Route, seen: &Snapshot) -> (Status, Bytes) {
        let Route { page, excluded, .. } = route;
        let status = Inner::status_seen(page, excluded, seen);
        let is_ready = matches!(page, Page::Health | Page::Probe(Probe::Readiness));
        let frame = Frame {
            draining: seen.is_closed() && is_ready,
            warning: excluded.warning(),
            ..self.frame(page, status)
        };
        let is_full = route.details == Details::Full;
        let reports = seen.listed().enumerate();
        let counted = reports.filter(|(_, report)| page.counts(report.plan()));
        let shown: Vec<Shown<'_>> = counted
            .map(|(index, report)| Shown::new(report, is_full).excluded(excluded.contains(index)))
            .collect();
        let body = match route.format {
            Format::Json => json::list(&frame, &shown),
            Format::HealthJson => health_json::list(&frame, &shown),
            Format::Text => text::list(&frame, &shown),
        };
        (status, body)
    }

    fn check(&self, route: &Route, index: usize) -> (Status, Bytes) {
        if route.details == Details::Status {
            let verdict = self.monitor.verdict(index);
            let status = verdict.status();
            let body = match route.format {
                Format::Json => json::check_status_only(self.settings.words, verdict),
                Format::HealthJson => health_json::status_only(status),
                Format::Text => text::check_status_only(verdict),
            };
            return (status, body);
        }
        let report = self.monitor.report(index);
        let shown = Shown::new(&report, route.details == Details::Full);
        let body = match route.format {
            Format::Json => json::check(self.settings.words, shown),
            Format::HealthJson => health_json::check(shown),
            Format::Text => text::check(shown),
        };
        (report.verdict().status(), body)
    }

    /// Returns the last rendered answer if nothing has changed since.
    ///
    /// The lock is held to read and to store, never while rendering. Concurrent
    /// readers after a change render in parallel.
    fn rendered(&self) -> Arc<Rendered> {
        let generation = self.monitor.generation();
        let last = self.rendered.lock().clone();
        if let Some(rendered) = last.as_ref().filter(|last| last.generation == generation) {
            return Arc::clone(rendered);
        }
        let snapshot = self.monitor.glance_without(&[]);
        let rendered = Arc::new(self.render(generation, &snapshot, last.as_deref()));
        *self.rendered.lock() = Some(Arc::clone(&rendered));
        rendered
    }

    fn render(&self, generation: u64, snapshot: &Snapshot, last: Option<&Rendered>) -> Rendered {
        let words = self.settings.words;
        // The part for startup lists other checks after each change, so it is
        // rendered again.
        let before = last.filter(|_| snapshot.has_started());
        let before = before.map_or(&[][..], |last| &last.parts);
        let public: Vec<Shown<'_>> = snapshot
            .listed()
            .map(|report| Shown::new(report, false))
            .collect();
        let parts = json::parts(words, &public, before);
        Rendered {
            generation,
            status: snapshot.overall(),
            checks: json::checks(words, &public, &parts, snapshot.is_closed()),
            parts,
        }
    }
}
