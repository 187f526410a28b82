//! From a request's head to a complete answer, without any framework.
//!
//! | path | says |
//! |---|---|
//! | `/livez`, `/readyz`, `/startupz` | the answer to one probe |
//! | `/livez/{check}`, … | one check of that probe |
//! | `/health` | everything, as far as [`Details`] allow |
//! | `/health/{check}` | one check |
//!
//! 200 while the answer is healthy or degraded, 503 otherwise. `HEAD` and
//! `OPTIONS` have the status of `GET`, since uptime monitors send the one and
//! HAProxy the other. A trailing slash is served, never redirected: a prober
//! may take a redirect for success.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::monitor::Monitor;
use crate::outcome::Status;
use crate::probe::Probe;
use crate::render::json;
use crate::schedule::Supervisors;
use crate::snapshot::worst;
use crate::verdict::Verdict;

/// How much an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Details {
    /// One word.
    Status,
    /// Each check with its name, verdict, timing and what it made public. The
    /// texts of errors are not.
    Checks,
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
    version: Option<Cow<'static, str>>,
    details: Details,
    rendered: Mutex<Option<Arc<Rendered>>>,
}

/// What was rendered of the checks, for as long as none of them changes.
#[derive(Debug)]
struct Rendered {
    generation: u64,
    status: Status,
    checks: Box<RawValue>,
}

/// What an answer depends on.
///
/// Adapters whose framework has its own version of `http` make one from parts.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    method: &'a str,
    path: &'a str,
}

impl<'a> RequestHead<'a> {
    /// `path` is the path of the URI as it came, percent-encoded, without the
    /// query.
    ///
    /// ```
    /// let head = health_core::RequestHead::new("GET", "/health/orders-db");
    /// # let _ = head;
    /// ```
    pub fn new(method: &'a str, path: &'a str) -> Self {
        RequestHead { method, path }
    }
}

impl<'a, Body> From<&'a http::Request<Body>> for RequestHead<'a> {
    fn from(request: &'a http::Request<Body>) -> Self {
        RequestHead::new(request.method().as_str(), request.uri().path())
    }
}

/// A path that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Health,
    Probe(Probe),
}

impl Page {
    const ALL: [(&'static str, Page); Endpoint::PATHS.len()] = [
        (Endpoint::PATHS[0], Page::Probe(Probe::Liveness)),
        (Endpoint::PATHS[1], Page::Probe(Probe::Readiness)),
        (Endpoint::PATHS[2], Page::Probe(Probe::Startup)),
        (Endpoint::PATHS[3], Page::Health),
    ];

    /// The page, and the name of the check that follows its path, if one does.
    fn find(path: &str) -> Option<(Page, Option<&str>)> {
        Page::ALL
            .into_iter()
            .find_map(|(prefix, page)| match path.strip_prefix(prefix)? {
                "" | "/" => Some((page, None)),
                rest => {
                    let name = rest.strip_prefix('/')?;
                    Some((page, Some(name.strip_suffix('/').unwrap_or(name))))
                }
            })
    }
}

impl Endpoint {
    /// The paths that an adapter mounts, each also with a trailing slash and
    /// with one more segment, the name of a check.
    pub const PATHS: [&'static str; 4] = ["/livez", "/readyz", "/startupz", "/health"];

    pub(crate) fn new(
        monitor: Arc<Monitor>,
        supervisors: Arc<Supervisors>,
        version: Option<Cow<'static, str>>,
        details: Details,
    ) -> Self {
        let inner = Inner {
            monitor,
            _supervisors: supervisors,
            version,
            details,
            rendered: Mutex::new(None),
        };
        Endpoint {
            inner: Arc::new(inner),
        }
    }

    /// The complete answer. Runs no check, waits for nothing, never panics.
    pub fn respond<'a>(&self, head: impl Into<RequestHead<'a>>) -> Response<Bytes> {
        let RequestHead { method, path } = head.into();
        let Some((page, check)) = Page::find(path) else {
            return error(StatusCode::NOT_FOUND, "there is no such path");
        };
        let answer = match method {
            "GET" | "HEAD" | "OPTIONS" => self.inner.answer(page, check),
            _ => return method_not_allowed(),
        };
        match method {
            "HEAD" => without_body(answer),
            "OPTIONS" => with_allow(answer),
            _ => answer,
        }
    }
}

impl Inner {
    fn answer(&self, page: Page, check: Option<&str>) -> Response<Bytes> {
        match (page, check) {
            (Page::Probe(probe), None) => {
                let status = self.monitor.status(probe);
                response(status, json::status_only(status))
            }
            (Page::Health, None) => self.health(),
            (page, Some(name)) => self
                .check(page, name)
                .unwrap_or_else(|| error(StatusCode::NOT_FOUND, "there is no such check")),
        }
    }

    fn health(&self) -> Response<Bytes> {
        match self.details {
            Details::Status => {
                let status = worst(Probe::ALL.map(|probe| self.monitor.status(probe)));
                response(status, json::status_only(status))
            }
            Details::Checks => {
                let rendered = self.rendered();
                let version = self.version.as_deref();
                let uptime = self.monitor.uptime();
                let body = json::health(rendered.status, version, uptime, &rendered.checks);
                response(rendered.status, body)
            }
        }
    }

    fn check(&self, page: Page, name: &str) -> Option<Response<Bytes>> {
        let name = percent_decode_str(name).decode_utf8().ok()?;
        let index = self.monitor.index_of(&name)?;
        match page {
            Page::Health if self.details >= Details::Checks => {
                let report = self.monitor.report(index);
                Some(response(standing(report.verdict()), json::check(&report)))
            }
            Page::Probe(probe) if !self.monitor.plan(index).probes.contains(probe) => None,
            Page::Health | Page::Probe(_) => {
                let verdict = self.monitor.verdict(index);
                Some(response(
                    standing(verdict),
                    json::check_status_only(verdict),
                ))
            }
        }
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
            checks: json::checks(&snapshot),
        });
        *lock() = Some(Arc::clone(&rendered));
        rendered
    }
}

/// How one check stands by itself: what is not known is not healthy.
fn standing(verdict: Verdict) -> Status {
    match verdict {
        Verdict::Pass => Status::Pass,
        Verdict::Warn => Status::Warn,
        Verdict::Fail | Verdict::Unknown => Status::Fail,
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

fn response(status: Status, body: Bytes) -> Response<Bytes> {
    let code = match status {
        Status::Pass | Status::Warn => StatusCode::OK,
        Status::Fail => StatusCode::SERVICE_UNAVAILABLE,
    };
    with_code(code, body)
}

fn with_code(code: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}

fn error(code: StatusCode, what: &'static str) -> Response<Bytes> {
    with_code(code, Bytes::from(format!(r#"{{"error":"{what}"}}"#)))
}

fn method_not_allowed() -> Response<Bytes> {
    with_allow(error(StatusCode::METHOD_NOT_ALLOWED, "a probe reads"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_and_without_slash_and_check() {
        let ready = Page::Probe(Probe::Readiness);
        assert_eq!(Page::find("/readyz"), Some((ready, None)));
        assert_eq!(Page::find("/readyz/"), Some((ready, None)));
        assert_eq!(Page::find("/readyz/db"), Some((ready, Some("db"))));
        assert_eq!(Page::find("/readyz/db/"), Some((ready, Some("db"))));
        assert_eq!(Page::find("/readyz//"), Some((ready, Some(""))));
        assert_eq!(Page::find("/health/a/b"), Some((Page::Health, Some("a/b"))));
        assert_eq!(Page::find("/readyzz"), None);
        assert_eq!(Page::find("/"), None);
        assert_eq!(Page::find(""), None);
    }
}
