//! From a request's head to a complete answer, without any framework.
//!
//! | path | says |
//! |---|---|
//! | `/livez`, `/readyz`, `/startupz` | the answer to one probe |
//! | `/livez/{check}`, … | one check of that probe |
//! | `/health` | everything, as far as [`Details`] allow |
//! | `/health/{check}` | one check |
//! | where [`Page::Metrics`] was put | metrics |
//!
//! The default is compact JSON; `Accept` and `?format=` choose
//! `application/health+json` or the text of kube-apiserver (`?verbose`).
//!
//! 200 while the answer is healthy or degraded, 503 otherwise. `HEAD` and
//! `OPTIONS` have the status of `GET`, since uptime monitors send the one and
//! HAProxy the other. A trailing slash is served, never redirected: a prober
//! may take a redirect for success.

mod codes;
mod paths;
mod request;
mod settings;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::head::RequestHead;
use crate::monitor::{Asked, Monitor};
use crate::outcome::Status;
use crate::probe::Probe;
use crate::render::exposition::Exposition;
use crate::render::{Format, Shown, ietf, json, text};
use crate::sample::Sample;
use crate::schedule::Supervisors;
use crate::snapshot::{CheckReport, Snapshot, worst};
use crate::verdict::Verdict;

pub use paths::Page;
use request::{Method, Refusal, Route};
pub(crate) use settings::EndpointSettings;

/// How long an answer waits for checks on demand: kubelet gives up after 1 s.
const LONGEST_WAIT: Duration = Duration::from_millis(800);

/// How much an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Details {
    /// One word.
    Status,
    /// Each check with its name, verdict, timing and what it made public. The
    /// texts of errors are not.
    Checks,
    /// Everything, the texts of errors too. What looks like a secret in them is
    /// masked. For those whom a [`Guard`](crate::Guard) knows; as a level for
    /// everybody it counts as [`Checks`](Self::Checks).
    Full,
}

/// The HTTP answers of one [`Health`](crate::Health), complete and without a
/// framework. Adapters mount it; with anything else it takes a line.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::Health;
///
/// let health = Health::builder().start()?;
/// let request = http::Request::get("/readyz").body(()).unwrap();
/// let response = health.endpoint().respond(&request);
/// assert_eq!(response.status(), 200);
/// assert_eq!(&response.body()[..], br#"{"status":"healthy"}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    monitor: Arc<Monitor>,
    /// Who answers keeps the checks running.
    _supervisors: Arc<Supervisors>,
    settings: EndpointSettings,
    rendered: Mutex<Option<Arc<Rendered>>>,
}

/// What was rendered of the checks, for as long as none of them changes.
#[derive(Debug)]
struct Rendered {
    generation: u64,
    status: Status,
    checks: Box<RawValue>,
}

impl Endpoint {
    /// The paths that an adapter mounts, each also with a trailing slash and
    /// with one more segment, the name of a check.
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
        self.inner.settings.paths.iter()
    }

    /// What the application calls its version.
    #[cfg(any(feature = "metrics", feature = "opentelemetry"))]
    pub(crate) fn version(&self) -> Option<&str> {
        self.inner.settings.version.as_deref()
    }

    pub(crate) fn new(
        monitor: Arc<Monitor>,
        supervisors: Arc<Supervisors>,
        settings: EndpointSettings,
    ) -> Self {
        let inner = Inner {
            monitor,
            _supervisors: supervisors,
            settings,
            rendered: Mutex::new(None),
        };
        Endpoint {
            inner: Arc::new(inner),
        }
    }

    /// The complete answer, with what is known now. Runs no check, waits for
    /// nothing, never panics.
    pub fn respond<'a>(&self, head: impl Into<RequestHead<'a>>) -> Response<Bytes> {
        match self.inner.route(head.into()) {
            Ok(route) => self.inner.respond(route),
            Err(refusal) => refused(refusal),
        }
    }

    /// The complete answer, as [`respond`](Self::respond) gives it, but checks
    /// on demand ([`CheckOptions::cache`](crate::CheckOptions::cache)) are
    /// brought up to date first. Waits for them at most 800 ms, since kubelet
    /// gives up after 1 s; without such checks it is ready at once.
    ///
    /// Dropping the answer does not stop a run that it started.
    pub fn answer<'a>(&self, head: impl Into<RequestHead<'a>>) -> Answer {
        let route = match self.inner.route(head.into()) {
            Ok(route) => route,
            Err(refusal) => return Answer::ready(refused(refusal)),
        };
        let asked: Vec<Asked> = self.inner.outdated(route).collect();
        if asked.is_empty() {
            return Answer::ready(self.inner.respond(route));
        }
        let inner = Arc::clone(&self.inner);
        Answer::waiting(async move {
            let all = async {
                for asked in asked {
                    inner.monitor.answered(asked).await;
                }
            };
            // What is not back by then is answered with what is known of it.
            let _ = timeout(LONGEST_WAIT, all).await;
            inner.respond(route)
        })
    }
}

/// The future of [`Endpoint::answer`].
#[must_use = "an answer must be awaited and sent"]
pub struct Answer(State);

enum State {
    Ready(Option<Response<Bytes>>),
    Waiting(Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>),
}

impl Answer {
    fn ready(response: Response<Bytes>) -> Self {
        Answer(State::Ready(Some(response)))
    }

    fn waiting(response: impl Future<Output = Response<Bytes>> + Send + 'static) -> Self {
        Answer(State::Waiting(Box::pin(response)))
    }
}

impl Future for Answer {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        match &mut self.0 {
            State::Ready(response) => response.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting(response) => response.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl Inner {
    /// Which answer the request is for, or why there is none.
    fn route(&self, head: RequestHead<'_>) -> Result<Route, Refusal> {
        let (page, check) = self
            .settings
            .paths
            .find(head.path())
            .ok_or(Refusal::UnknownPath)?;
        let method = Method::named(head.method()).ok_or(Refusal::WrongMethod)?;
        let check = match check {
            Some(name) => Some(self.check_of(page, name).ok_or(Refusal::UnknownCheck)?),
            None => None,
        };
        Ok(Route {
            method,
            page,
            check,
            format: request::format(&head),
            exposition: (page == Page::Metrics).then(|| request::exposition(&head)),
            verbose: request::is_verbose(&head),
            details: self.details(page, &head),
        })
    }

    fn details(&self, page: Page, head: &RequestHead<'_>) -> Details {
        if self.settings.guard.knows(head) {
            return Details::Full;
        }
        let public = match page {
            Page::Health | Page::Metrics => self.settings.details,
            Page::Probe(_) => self.settings.probe_details,
        };
        public.min(Details::Checks)
    }

    /// The check of this name, if it counts for the page.
    fn check_of(&self, page: Page, name: &str) -> Option<usize> {
        let name = percent_decode_str(name).decode_utf8().ok()?;
        let index = self.monitor.index_of(&name)?;
        self.counts_for(page, index).then_some(index)
    }

    fn counts_for(&self, page: Page, index: usize) -> bool {
        match page {
            Page::Health => true,
            Page::Probe(probe) => self.monitor.plan(index).probes.contains(probe),
            // A scrape runs nothing, and is of all checks together.
            Page::Metrics => false,
        }
    }

    /// Starts the runs of the checks on demand that the answer needs.
    fn outdated(&self, route: Route) -> impl Iterator<Item = Asked> {
        let concerned = move |index: &usize| match route.check {
            Some(only) => only == *index,
            None => self.counts_for(route.page, *index),
        };
        let on_demand = self.monitor.on_demand().iter().copied();
        on_demand
            .filter(concerned)
            .filter_map(|index| self.monitor.ask_if_outdated(index))
    }

    fn respond(&self, route: Route) -> Response<Bytes> {
        let answer = match route.exposition {
            Some(exposition) => self.metrics(exposition),
            None => self.verdict(route),
        };
        match route.method {
            Method::Get => answer,
            Method::Head => without_body(answer),
            Method::Options => with_allow(answer),
        }
    }

    fn verdict(&self, route: Route) -> Response<Bytes> {
        let (status, body) = match route.check {
            Some(index) => self.check(route, index),
            None => self.page(route),
        };
        with_code(self.settings.codes.of(status), route.format, body)
    }

    /// 200 whatever the checks say: to a scraper another code means that there
    /// are no metrics.
    fn metrics(&self, exposition: Exposition) -> Response<Bytes> {
        let sample = Sample {
            version: self.settings.version.as_deref(),
            ..self.monitor.sample()
        };
        let mut answer = with_code(StatusCode::OK, Format::Text, exposition.render(&sample));
        let content_type = exposition.content_type();
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
        answer
    }

    fn status(&self, page: Page) -> Status {
        match page {
            Page::Probe(probe) => self.monitor.status(probe),
            Page::Health | Page::Metrics => {
                worst(Probe::ALL.map(|probe| self.monitor.status(probe)))
            }
        }
    }

    fn page(&self, route: Route) -> (Status, Bytes) {
        let Route { page, format, .. } = route;
        let is_word = format == Format::Text && !route.verbose;
        if route.details == Details::Status || (is_word && self.status(page) != Status::Fail) {
            return self.status_only(page, format);
        }
        let is_usual = (page, format) == (Page::Health, Format::Json);
        if is_usual && route.details == Details::Checks {
            return self.health();
        }
        self.list(route, &self.monitor.snapshot())
    }

    fn status_only(&self, page: Page, format: Format) -> (Status, Bytes) {
        let status = self.status(page);
        let body = match format {
            Format::Json => json::status_only(self.settings.words, status),
            Format::HealthJson => ietf::status_only(status),
            Format::Text => text::status_only(page.name(), status),
        };
        (status, body)
    }

    /// Rendered once for each change, because monitors ask for it often.
    fn health(&self) -> (Status, Bytes) {
        let Rendered { status, checks, .. } = &*self.rendered();
        let (version, words) = (self.settings.version.as_deref(), self.settings.words);
        let body = json::health(words, *status, version, self.monitor.uptime(), checks);
        (*status, body)
    }

    fn list(&self, route: Route, seen: &Snapshot) -> (Status, Bytes) {
        let Route {
            page,
            format,
            details,
            ..
        } = route;
        let version = self.settings.version.as_deref();
        let uptime = self.monitor.uptime();
        let status = match page {
            Page::Health | Page::Metrics => seen.overall(),
            Page::Probe(probe) => seen.status(probe),
        };
        let counted = |report: &&CheckReport| match page {
            Page::Health | Page::Metrics => true,
            Page::Probe(probe) => report.counts_for(probe),
        };
        let is_ready = matches!(page, Page::Health | Page::Probe(Probe::Readiness));
        let draining = seen.is_draining() && is_ready;
        let reports = seen.checks().iter().filter(counted);
        let shown = reports.map(|report| Shown::new(report, details == Details::Full));
        let body = match format {
            Format::Json => {
                let words = self.settings.words;
                let checks = json::checks(words, shown, draining);
                json::health(words, status, version, uptime, &checks)
            }
            Format::HealthJson => ietf::list(status, version, uptime, shown),
            Format::Text => text::list(page.name(), status, shown, draining),
        };
        (status, body)
    }

    fn check(&self, route: Route, index: usize) -> (Status, Bytes) {
        if route.details == Details::Status {
            let verdict = self.monitor.verdict(index);
            let status = standing(verdict);
            let body = match route.format {
                Format::Json => json::check_status_only(self.settings.words, verdict),
                Format::HealthJson => ietf::status_only(status),
                Format::Text => text::check_status_only(verdict),
            };
            return (status, body);
        }
        let report = self.monitor.report(index);
        let shown = Shown::new(&report, route.details == Details::Full);
        let body = match route.format {
            Format::Json => json::check(self.settings.words, shown),
            Format::HealthJson => ietf::check(shown),
            Format::Text => text::check(shown),
        };
        (standing(report.verdict()), body)
    }

    /// What was rendered last, if nothing has changed since.
    ///
    /// The lock is held to look and to store, never while rendering: readers
    /// that come together after a change render side by side.
    fn rendered(&self) -> Arc<Rendered> {
        let generation = self.monitor.generation();
        let lock = || self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rendered) = lock().as_ref() {
            if rendered.generation == generation {
                return Arc::clone(rendered);
            }
        }
        let snapshot = self.monitor.snapshot();
        let rendered = Arc::new(Rendered {
            generation,
            status: snapshot.overall(),
            checks: json::checks(
                self.settings.words,
                public(&snapshot),
                snapshot.is_draining(),
            ),
        });
        *lock() = Some(Arc::clone(&rendered));
        rendered
    }
}

/// What everybody may see of the checks.
fn public(snapshot: &Snapshot) -> impl Iterator<Item = Shown<'_>> + Clone {
    let reports = snapshot.checks().iter();
    reports.map(|report| Shown::new(report, false))
}

/// How one check stands by itself: what is not known is not healthy.
fn standing(verdict: Verdict) -> Status {
    match verdict {
        Verdict::Pass => Status::Pass,
        Verdict::Warn => Status::Warn,
        Verdict::Fail | Verdict::Unknown | Verdict::Skipped => Status::Fail,
    }
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const BY_ACCEPT: HeaderValue = HeaderValue::from_static("accept");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

fn with_code(code: StatusCode, format: Format, body: Bytes) -> Response<Bytes> {
    let mut headers = HeaderMap::with_capacity(5);
    headers.insert(CONTENT_TYPE, format.content_type());
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, BY_ACCEPT);
    if format == Format::Text {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    }
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}

fn refused(refusal: Refusal) -> Response<Bytes> {
    match refusal {
        Refusal::UnknownPath => error(StatusCode::NOT_FOUND, "there is no such path"),
        Refusal::UnknownCheck => error(StatusCode::NOT_FOUND, "there is no such check"),
        Refusal::WrongMethod => {
            with_allow(error(StatusCode::METHOD_NOT_ALLOWED, "a probe only reads"))
        }
    }
}

fn error(code: StatusCode, what: &'static str) -> Response<Bytes> {
    let body = Bytes::from(format!(r#"{{"error":"{what}"}}"#));
    with_code(code, Format::Json, body)
}

fn with_allow(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(ALLOW, ALLOWED);
    response
}

/// The headers of `GET`, its length among them, and nothing behind them.
fn without_body(mut response: Response<Bytes>) -> Response<Bytes> {
    let length = std::mem::take(response.body_mut()).len();
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}
