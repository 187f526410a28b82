//! What is answered, where, and to whom.

use std::borrow::Cow;

use super::HealthBuilder;
use crate::endpoint::{Details, Page};
use crate::guard::Guard;
use crate::outcome::Status;
use crate::render::Vocabulary;

impl HealthBuilder {
    /// The version that `/health` shows: `env!("CARGO_PKG_VERSION")`, a tag or
    /// a commit, cut at 128 bytes. Without it none is shown.
    pub fn version(mut self, version: impl Into<Cow<'static, str>>) -> Self {
        self.answers.version = Some(version.into());
        self
    }

    /// How much `/health` says: default [`Details::Checks`].
    pub fn details(mut self, details: Details) -> Self {
        self.answers.details = details;
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
        self.answers.probe_details = details;
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
    /// use health_core::{Health, Page, Probe, RequestHead};
    ///
    /// let health = Health::builder()
    ///     .path("/internal/ready", Probe::Readiness)
    ///     .path("/status", Page::StatusPage)
    ///     .start()?;
    /// let answer = health.endpoint().respond(RequestHead::new("GET", "/internal/ready"));
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(mut self, path: impl Into<String>, page: impl Into<Page>) -> Self {
        self.answers.paths.add(path.into(), page.into());
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
        self.answers.paths.add_common();
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
    /// use health_core::{CheckOptions, Health, RequestHead};
    ///
    /// let options = CheckOptions::new().tags(&["storage"]);
    /// let health = Health::builder()
    ///     .check("disk", options, || async { true })
    ///     .group("storage")
    ///     .start()?;
    /// # health.refresh("disk").await;
    /// let answer = health.endpoint().respond(RequestHead::new("GET", "/health/groups/storage"));
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn group(mut self, tag: &'static str) -> Self {
        self.answers.paths.add_group(tag);
        self
    }

    /// Moves all standard paths, groups and [common](Self::common_paths) ones
    /// included, below this one; those of [`path`](Self::path) stay.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{Health, RequestHead};
    ///
    /// let health = Health::builder().base_path("/internal").start()?;
    /// let get = |path| health.endpoint().respond(RequestHead::new("GET", path));
    /// assert_eq!(get("/internal/readyz").status(), 200);
    /// assert_eq!(get("/readyz").status(), 404);
    /// # Ok(())
    /// # }
    /// ```
    pub fn base_path(mut self, path: impl Into<String>) -> Self {
        self.answers.paths.set_base(path.into());
        self
    }

    /// Lets every client leave checks out of an answer by `?exclude=NAME`. By
    /// default only clients that the [guard](Self::guard) recognizes can. For
    /// load balancers that send no credentials.
    ///
    /// Any client that reaches the paths can then get a 200 in spite of a failing
    /// check. Other clients see no change.
    pub fn exclude_for_everybody(mut self) -> Self {
        self.answers.anyone_excludes = true;
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
    /// use health_core::{Health, RequestHead};
    ///
    /// let health = Health::builder().envoy_headers().start()?;
    /// drop(health.drain());
    /// let answer = health.endpoint().respond(RequestHead::new("GET", "/readyz"));
    /// assert_eq!(answer.headers()["x-envoy-immediate-health-check-fail"], "true");
    /// # Ok(())
    /// # }
    /// ```
    pub fn envoy_headers(mut self) -> Self {
        self.answers.signals_envoy = true;
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
    /// use health_core::{CheckOptions, Health, Outcome, RequestHead, testing};
    ///
    /// let health = Health::builder()
    ///     .check("mail", CheckOptions::new(), || async {})
    ///     .consul_path("/consul")
    ///     .start()?;
    /// testing::force(&health, "mail", Outcome::warn("slow"));
    /// let code = |path| health.endpoint().respond(RequestHead::new("GET", path)).status();
    /// assert_eq!(code("/consul"), 429);
    /// assert_eq!(code("/readyz"), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn consul_path(mut self, path: impl Into<String>) -> Self {
        self.answers.paths.add_for_consul(path.into());
        self
    }

    /// The `serviceId` of `application/health+json`: who answers, such as
    /// `orders-7d9f`. As the texts below at most 1,024 bytes on one line.
    pub fn service_id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.answers.about.set_service_id(id.into());
        self
    }

    /// The `description` of the service in `application/health+json`.
    pub fn description(mut self, line: impl Into<Cow<'static, str>>) -> Self {
        self.answers.about.set_description(line.into());
        self
    }

    /// One of the `notes` of `application/health+json`.
    pub fn note(mut self, note: impl Into<Cow<'static, str>>) -> Self {
        self.answers.about.add_note(note.into());
        self
    }

    /// One of the `links` of `application/health+json`: a URI, and what it is to
    /// the service, once for each relation.
    ///
    /// ```
    /// use health_core::Health;
    ///
    /// let builder = Health::builder()
    ///     .service_id("orders-7d9f")
    ///     .description("Takes the orders of the shop")
    ///     .note("The ledger is read-only on Sundays")
    ///     .link("about", "https://example.com/orders");
    /// # let _ = builder;
    /// ```
    pub fn link(
        mut self,
        relation: impl Into<Cow<'static, str>>,
        uri: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.answers.about.add_link(relation.into(), uri.into());
        self
    }

    /// The words of the default JSON: default [`Vocabulary::Healthy`].
    pub fn vocabulary(mut self, words: Vocabulary) -> Self {
        self.answers.words = words;
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
    /// use health_core::{Health, Status};
    ///
    /// let builder = Health::builder().code(Status::Fail, 500); // as kube-apiserver does
    /// # let _ = builder;
    /// ```
    pub fn code(mut self, status: Status, code: u16) -> Self {
        self.answers.codes.set(status, code);
        self
    }

    /// Sets which clients are shown private details: none by default. See
    /// [`Guard`].
    pub fn guard(mut self, guard: Guard) -> Self {
        self.answers.guard = guard;
        self
    }

    /// How many results of each check are kept for the status page, the full
    /// report and [`CheckReport::history`](crate::CheckReport::history): at most
    /// 1,000, default 20, each takes four bytes.
    pub fn history(mut self, results: usize) -> Self {
        self.history = results;
        self
    }
}
