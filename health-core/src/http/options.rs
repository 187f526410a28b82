//! Options of the HTTP pages.

use std::borrow::Cow;

use crate::check::outcome::Status;
use crate::http::codes::Codes;
use crate::http::guard::Guard;
use crate::http::paths::{Paths, Places};
use crate::http::render::vocabulary::Vocabulary;
use crate::registry::details::Details;
use crate::registry::error::Problem;
use crate::registry::page::Page;

/// The pages, their paths and contents, and which clients see private details.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::Health;
/// use health_core::config::HttpOptions;
/// use health_core::http::{Guard, Page};
///
/// let http = HttpOptions::new()
///     .base_path("/internal")
///     .path("/metrics", Page::Metrics)
///     .guard(Guard::new().bearer("correct horse battery staple"));
/// let health = Health::builder().http(http).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "options apply once they are given to `HealthBuilder::http`"]
pub struct HttpOptions {
    pub(crate) details: Details,
    pub(crate) probe_details: Details,
    pub(crate) guard: Guard,
    pub(crate) paths: Paths,
    pub(crate) words: Vocabulary,
    pub(crate) codes: Codes,
    /// Whether every client may exclude checks, instead of only clients that
    /// the guard recognizes.
    pub(crate) anyone_excludes: bool,
    /// Whether readiness has the header fields for Envoy.
    pub(crate) signals_envoy: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions {
            details: Details::Checks,
            probe_details: Details::Status,
            guard: Guard::new(),
            paths: Paths::default(),
            words: Vocabulary::default(),
            codes: Codes::default(),
            anyone_excludes: false,
            signals_envoy: false,
        }
    }
}

impl HttpOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        HttpOptions::default()
    }

    /// Sets the level of detail of `/health` on [internal
    /// mounts](crate::http::Endpoint#public-and-internal-mounts). Default
    /// [`Details::Checks`]. On public mounts it is [`Details::Status`], except
    /// for clients that the [guard](Self::guard) recognizes.
    pub fn details(mut self, details: Details) -> Self {
        self.details = details;
        self
    }

    /// Sets the level of detail of `/livez`, `/readyz` and `/startupz`. Default
    /// [`Details::Status`], since probes only read the status code. With
    /// [`Details::Checks`] the answers list the checks that count for the
    /// probe, and `/readyz?verbose` lists them as text like kube-apiserver. This
    /// also applies to public mounts, which then serve `/readyz/{check}` too.
    ///
    /// The answer is the same for every client, regardless of the
    /// [guard](Self::guard): [`Details::Full`] is treated as
    /// [`Details::Checks`].
    pub fn probe_details(mut self, details: Details) -> Self {
        self.probe_details = details;
        self
    }

    /// Adds another path for a page, in addition to `/livez`, `/readyz`,
    /// `/startupz` and `/health`. Probes and [`Page::Health`] are served on
    /// [public and internal mounts](crate::http::Endpoint#public-and-internal-mounts), the
    /// other pages on internal ones.
    ///
    /// Paths below it stay with the application, except those of
    /// [`Page::StatusPage`], which has a page for each check. For other pages
    /// use [`path_with_checks`](Self::path_with_checks).
    ///
    /// # Errors
    ///
    /// `start()` fails if another page or a check already has this path.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::{Page, RequestHead};
    /// use health_core::{Health, Probe};
    ///
    /// let health = Health::builder()
    ///     .http(HttpOptions::new().path("/internal/ready", Probe::Readiness).path("/status", Page::StatusPage))
    ///     .start()?;
    /// let answer = health.endpoint().respond_cached(RequestHead::new("GET", "/internal/ready"));
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(mut self, path: impl Into<String>, page: impl Into<Page>) -> Self {
        self.paths.add(path.into(), page.into());
        self
    }

    /// Adds another path for a page, like [`path`](Self::path), and the single
    /// checks of the page below it, as they are below `/health`.
    ///
    /// # Errors
    ///
    /// `start()` fails for a page without single checks, such as
    /// [`Page::Metrics`], and where `path` fails.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::{Page, RequestHead};
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("database", CheckOptions::new(), || async {})
    ///     .http(HttpOptions::new().path_with_checks("/api/v1/health", Page::Health))
    ///     .start()?;
    /// # health.refresh("database").await;
    /// let endpoint = health.internal_endpoint();
    /// let answer = endpoint.respond_cached(RequestHead::new("GET", "/api/v1/health/database"));
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path_with_checks(mut self, path: impl Into<String>, page: impl Into<Page>) -> Self {
        self.paths.add_with_checks(path.into(), page.into());
        self
    }

    /// Adds further common paths:
    ///
    /// | answer | paths |
    /// |---|---|
    /// | liveness | `/healthz`, `/live`, `/liveness`, `/health/live` |
    /// | readiness | `/ready`, `/readiness`, `/health/ready` |
    /// | startup | `/startup`, `/health/startup`, `/health/started` |
    ///
    /// # Errors
    ///
    /// `start()` fails if a check is named `live`, `ready`, `startup` or
    /// `started`, because `/health/live` would be both a page and a check.
    pub fn common_paths(mut self) -> Self {
        self.paths.add_common();
        self
    }

    /// Adds a page at `/health/groups/{tag}` for the checks with this tag
    /// ([`CheckOptions::tags`](crate::CheckOptions::tags)), regardless of their
    /// probes. Can be called for several tags. [`path`](Self::path) with
    /// [`Page::Group`] serves the group at another path.
    ///
    /// The group fails while one of its checks that is critical for any probe
    /// is failing, stale, skipped or without a result. It is degraded while
    /// another check is, or while a check warns.
    ///
    /// # Errors
    ///
    /// `start()` fails if no check has the tag.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::RequestHead;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let options = CheckOptions::new().tags(["storage"]);
    /// let health = Health::builder()
    ///     .check("disk", options, || async { true })
    ///     .http(HttpOptions::new().group("storage"))
    ///     .start()?;
    /// # health.refresh("disk").await;
    /// let answer = health.internal_endpoint().respond_cached(RequestHead::new("GET", "/health/groups/storage"));
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn group(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.paths.add_group(tag.into());
        self
    }

    /// Prepends a prefix to all standard paths, including groups and [common
    /// paths](Self::common_paths). Paths of [`path`](Self::path) stay as they
    /// are.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::RequestHead;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().http(HttpOptions::new().base_path("/internal")).start()?;
    /// let get = |path| health.endpoint().respond_cached(RequestHead::new("GET", path));
    /// assert_eq!(get("/internal/readyz").status(), 200);
    /// assert_eq!(get("/readyz").status(), 404);
    /// # Ok(())
    /// # }
    /// ```
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.paths.set_base(path.into());
        self
    }

    /// Allows every client to exclude checks from an answer with
    /// `?exclude=NAME`. By default only clients that the [guard](Self::guard)
    /// recognizes can. Use it for load balancers that send no credentials.
    ///
    /// Any client that reaches the paths can then get a 200 despite a failing
    /// check. The answers of other clients are not affected.
    pub fn exclude_for_all_clients(mut self) -> Self {
        self.anyone_excludes = true;
        self
    }

    /// Adds the header fields that Envoy reads to the answers of readiness:
    /// `x-envoy-degraded` while readiness is degraded, so that the host only gets
    /// traffic if there are too few healthy hosts, and
    /// `x-envoy-immediate-health-check-fail` from the beginning of a drain, so that
    /// it gets no traffic after the next health check, regardless of thresholds.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::RequestHead;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().http(HttpOptions::new().envoy_headers()).start()?;
    /// drop(health.drain());
    /// let answer = health.endpoint().respond_cached(RequestHead::new("GET", "/readyz"));
    /// assert_eq!(answer.headers()["x-envoy-immediate-health-check-fail"], "true");
    /// # Ok(())
    /// # }
    /// ```
    pub fn envoy_headers(mut self) -> Self {
        self.signals_envoy = true;
        self
    }

    /// Adds another path for readiness, at which a degraded status has the code
    /// 429, which Consul reads as a warning. Other probers read 429 as a
    /// failure, so only use this path with Consul.
    ///
    /// # Errors
    ///
    /// `start()` fails if another page or a check already has this path.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::RequestHead;
    /// use health_core::testing::Fake;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("mail", CheckOptions::new(), || async {})
    ///     .http(HttpOptions::new().consul_path("/consul"))
    ///     .start()?;
    /// Fake::of(&health, "mail").warn("slow");
    /// let code = |path| health.endpoint().respond_cached(RequestHead::new("GET", path)).status();
    /// assert_eq!(code("/consul"), 429);
    /// assert_eq!(code("/readyz"), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn consul_path(mut self, path: impl Into<String>) -> Self {
        self.paths.add_for_consul(path.into());
        self
    }

    /// Sets the status words of the default JSON. Default
    /// [`Vocabulary::Healthy`].
    pub fn vocabulary(mut self, words: Vocabulary) -> Self {
        self.words = words;
        self
    }

    /// Sets the status code for a status. Default 200 for pass and warn, 503
    /// for fail.
    ///
    /// Load balancers only accept 200 as healthy. Consul reads 429 as a
    /// warning; other probers read it as a failure.
    ///
    /// # Errors
    ///
    /// `start()` fails for a code that a prober would misread: outside 400 to
    /// 599 for a failure, outside 200 to 299 for the others. It also fails for
    /// 204, 205 and 206, which have no complete body.
    ///
    /// ```
    /// use health_core::config::HttpOptions;
    /// use health_core::{Health, Status};
    ///
    /// let builder = Health::builder().http(HttpOptions::new().status_code(Status::Fail, 500)); // as kube-apiserver does
    /// # let _ = builder;
    /// ```
    pub fn status_code(mut self, status: Status, code: u16) -> Self {
        self.codes.set(status, code);
        self
    }

    /// Sets which clients see private details. Default none. See
    /// [`Guard`].
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Returns what an internal mount serves: everything.
    pub(super) fn internal_places(&self) -> Places {
        self.paths.all()
    }

    /// Returns what a public mount serves.
    pub(super) fn public_places(&self) -> Places {
        let probes_show_checks = self.probe_details != Details::Status;
        self.paths.all().public(probes_show_checks)
    }

    /// Returns whether any path has the status page.
    #[cfg(feature = "status-page")]
    pub(crate) fn has_status_page(&self) -> bool {
        self.paths.serves(&Page::StatusPage)
    }

    /// Adds the problems of the options that prevent a start.
    pub(crate) fn check(&self, problems: &mut Vec<Problem>) {
        problems.extend_from_slice(&self.guard.problems);
        problems.extend_from_slice(&self.paths.problems);
        problems.extend_from_slice(&self.codes.problems);
    }
}
