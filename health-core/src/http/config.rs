//! The options of the answers.

use crate::check::outcome::Status;
use crate::http::codes::Codes;
use crate::http::guard::Guard;
use crate::http::paths::Paths;
use crate::http::render::words::Vocabulary;
use crate::registry::details::Details;
use crate::registry::error::Problem;
use crate::registry::page::Page;

/// What is answered, where, and which clients see private details.
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
    /// Every client may leave checks out of an answer, and not only one that the
    /// guard recognizes.
    pub(crate) anyone_excludes: bool,
    /// Readiness has the header fields that Envoy reads.
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

    /// How much `/health` says: default [`Details::Checks`].
    pub fn details(mut self, details: Details) -> Self {
        self.details = details;
        self
    }

    /// How much `/livez`, `/readyz` and `/startupz` say: default
    /// [`Details::Status`], since probers read the code. With
    /// [`Details::Checks`] they list the checks that count for them, and
    /// `/readyz?verbose` lists them as text, as kube-apiserver does.
    ///
    /// The answer is the same for every client, whatever the
    /// [guard](Self::guard): [`Details::Full`] counts as [`Details::Checks`].
    pub fn probe_details(mut self, details: Details) -> Self {
        self.probe_details = details;
        self
    }

    /// One more path for an answer, beside `/livez`, `/readyz`, `/startupz` and
    /// `/health`.
    ///
    /// # Errors
    ///
    /// `start()` fails if another page or a check has this path.
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

    /// The paths that guides use, beside the usual ones:
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
    /// `started`: `/health/live` would be a page and a check.
    pub fn common_paths(mut self) -> Self {
        self.paths.add_common();
        self
    }

    /// Answers for the checks with this tag
    /// ([`CheckOptions::tags`](crate::CheckOptions::tags)), whatever their
    /// probes, at `/health/groups/{tag}`. Can be said of several tags; elsewhere
    /// a group is placed by [`path`](Self::path) and [`Page::Group`].
    ///
    /// It fails while one of them that is critical for some probe is failing,
    /// stale, skipped or without a result, and is degraded while another is, or
    /// one warns. `start()` refuses a group that no check has.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::RequestHead;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let options = CheckOptions::new().tags(&["storage"]);
    /// let health = Health::builder()
    ///     .check("disk", options, || async { true })
    ///     .http(HttpOptions::new().group("storage"))
    ///     .start()?;
    /// # health.refresh("disk").await;
    /// let answer = health.endpoint().respond_cached(RequestHead::new("GET", "/health/groups/storage"));
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn group(mut self, tag: &'static str) -> Self {
        self.paths.add_group(tag);
        self
    }

    /// Moves all standard paths, groups and [common](Self::common_paths) ones
    /// included, below this one; those of [`path`](Self::path) stay.
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

    /// Lets every client leave checks out of an answer by `?exclude=NAME`. By
    /// default only clients that the [guard](Self::guard) recognizes can. For
    /// load balancers that send no credentials.
    ///
    /// Any client that reaches the paths can then get a 200 in spite of a failing
    /// check. Other clients see no change.
    pub fn exclude_for_all_clients(mut self) -> Self {
        self.anyone_excludes = true;
        self
    }

    /// Adds the header fields that Envoy reads to the answers of readiness, beside
    /// the code: `x-envoy-degraded` while it is degraded, so that the host gets
    /// traffic only where the healthy ones do not suffice, and
    /// `x-envoy-immediate-health-check-fail` from the beginning of a drain, so that
    /// it gets none from the next health check on, whatever the thresholds say.
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

    /// One more path for readiness, at which a degraded state has the code 429,
    /// which Consul reads as a warning. Other probers take 429 for a failure, so
    /// give the path to Consul alone.
    ///
    /// # Errors
    ///
    /// `start()` fails if another page or a check has this path.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::HttpOptions;
    /// use health_core::http::RequestHead;
    /// use health_core::{CheckOptions, Health, Outcome, testing};
    ///
    /// let health = Health::builder()
    ///     .check("mail", CheckOptions::new(), || async {})
    ///     .http(HttpOptions::new().consul_path("/consul"))
    ///     .start()?;
    /// testing::force(&health, "mail", Outcome::warn("slow"));
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

    /// The words of the default JSON: default [`Vocabulary::Healthy`].
    pub fn vocabulary(mut self, words: Vocabulary) -> Self {
        self.words = words;
        self
    }

    /// The status code for a status: default 200, 200 and 503.
    ///
    /// Load balancers take 200 alone for healthy. Consul reads 429 as a warning,
    /// other probers as a failure.
    ///
    /// # Errors
    ///
    /// `start()` fails for a code that a prober would misread: outside 400 to 599
    /// for a failure, outside 200 to 299 for the others; and for 204, 205 and
    /// 206, which have no complete body.
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

    /// Sets which clients are shown private details: none by default. See
    /// [`Guard`].
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Everything about the answers that would keep health from starting.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let of_all = [
            self.guard.problems(),
            self.paths.problems(),
            self.codes.problems(),
        ];
        of_all.into_iter().flatten()
    }
}
