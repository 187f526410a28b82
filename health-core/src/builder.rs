//! [`HealthBuilder`]: from what the application says to checks that run.

use std::any::Any;
use std::borrow::Cow;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::check::{HealthCheck, Work};
use crate::endpoint::{Details, Endpoint, EndpointSettings, Page};
use crate::guard::Guard;
use crate::health::{Health, Shared};
use crate::history::{DEFAULT_KEPT, MOST_KEPT};
use crate::monitor::Monitor;
use crate::observe;
use crate::options::CheckOptions;
use crate::outcome::{IntoOutcome, Status};
use crate::probe::{Probe, Probes};
use crate::problem::{Place, Problem, StartError};
use crate::registry::{self, Added, Registry};
use crate::render::Vocabulary;
use crate::schedule::Supervisors;
use crate::settings::Settings;
use crate::state::{Context, HealthState, Sources};

const DEFAULT_DRAIN_DELAY: Duration = Duration::from_secs(5);
/// Far above what an async check needs between two awaits, and below what the
/// users of the same worker put up with.
const DEFAULT_LONGEST_POLL: Duration = Duration::from_millis(250);
const LONGEST_DRAIN_DELAY: Duration = Duration::from_secs(60 * 60);

/// Gathers what the checks need, and starts them.
///
/// Checks with `#[health_check]` are found by themselves; what is added here
/// joins them under the same rules.
#[derive(Debug)]
#[must_use = "nothing runs until `start`"]
pub struct HealthBuilder {
    sources: Sources,
    added: Vec<Added>,
    expected: Vec<String>,
    expected_probes: Probes,
    settings: Settings,
    answers: EndpointSettings,
    drain_delay: Duration,
    longest_poll: Option<Duration>,
    history: usize,
}

impl Default for HealthBuilder {
    fn default() -> Self {
        HealthBuilder {
            sources: Sources::default(),
            added: Vec::new(),
            expected: Vec::new(),
            expected_probes: Probes::NONE,
            settings: Settings::default(),
            answers: EndpointSettings::default(),
            drain_delay: DEFAULT_DRAIN_DELAY,
            longest_poll: Some(DEFAULT_LONGEST_POLL),
            history: DEFAULT_KEPT,
        }
    }
}

impl HealthBuilder {
    /// The application's state, whose fields the checks take as parameters.
    ///
    /// A second call replaces the first; a test can give a fake that derives
    /// `HealthState` with `#[health(secondary)]`.
    pub fn state(mut self, state: impl HealthState) -> Self {
        self.sources.set_state(state);
        self
    }

    /// One more value that checks can take as `&T` (or `T`, if it is `Clone`).
    ///
    /// For what the state does not have, such as the parameters of a library's
    /// `#[health_check(late)]`. It hides a field of the same type.
    pub fn provide<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.sources.provide(value);
        self
    }

    /// Adds a check that is an async closure.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new().critical(), || async { true })
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn check<F, Fut, Via>(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        check: F,
    ) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome<Via>> + Send + 'static,
    {
        self.add(name.into(), options, Work::closure(check))
    }

    /// Adds a check that is a plain closure, which runs on a thread of its own.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .blocking_check("spool", CheckOptions::new(), || std::fs::metadata(".").map(drop))
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn blocking_check<F, T, Via>(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        check: F,
    ) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: IntoOutcome<Via>,
    {
        self.add(name.into(), options, Work::blocking_closure(check))
    }

    /// Adds a check that is an object: see [`HealthCheck`].
    #[track_caller]
    pub fn register(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        check: impl HealthCheck,
    ) -> Self {
        self.add(name.into(), options, Work::object(check))
    }

    #[track_caller]
    fn add(mut self, name: String, options: CheckOptions, work: Work) -> Self {
        let place = Place::on_the_builder(Location::caller());
        self.added.push(Added {
            name,
            options,
            place,
            work,
        });
        self
    }

    /// Refuses to start without these checks.
    ///
    /// A library that nothing in the binary names is not linked, and its checks
    /// vanish without a word; this says so at start, and `use the_library as _;`
    /// cures it.
    pub fn expect<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.expected.extend(names.into_iter().map(Into::into));
        self
    }

    /// Refuses to start if no check counts for this probe.
    ///
    /// A probe that no check feeds always passes, which is right for liveness
    /// more often than not, and seldom meant for readiness.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use health_core::{Health, Probe};
    ///
    /// let refused = Health::builder().expect_probe(Probe::Startup).start();
    /// assert!(refused.is_err());
    /// # }
    /// ```
    pub fn expect_probe(mut self, probe: Probe) -> Self {
        self.expected_probes = self.expected_probes.with(probe);
        self
    }

    /// Changes options of checks by name, or leaves checks out: see [`Settings`].
    /// Of several calls, the later ones win.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use health_core::{CheckOptions, Health, Settings};
    ///
    /// let file: Settings = serde_json::from_str(r#"{"queue": {"interval": "1m"}}"#)?;
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { true })
    ///     .settings(file)
    ///     .settings(Settings::from_vars(std::env::vars_os()))
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings.merge(settings);
        self
    }

    /// The version that `/health` shows: `env!("CARGO_PKG_VERSION")`, a tag or
    /// a commit. Without it none is shown.
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
    /// `?verbose` does as in Kubernetes.
    pub fn probe_details(mut self, details: Details) -> Self {
        self.answers.probe_details = details;
        self
    }

    /// One more path for an answer, beside `/livez`, `/readyz`, `/startupz` and
    /// `/health`.
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
    pub fn common_paths(mut self) -> Self {
        self.answers.paths.add_common();
        self
    }

    /// The words of the default JSON: default [`Vocabulary::Healthy`].
    pub fn vocabulary(mut self, words: Vocabulary) -> Self {
        self.answers.words = words;
        self
    }

    /// The status code for a status: default 200, 200 and 503.
    ///
    /// `start()` refuses what a prober would misread: below 400 for a failure,
    /// outside 200 to 299 for the others. Load balancers take 200 alone for
    /// healthy; Consul reads 429 as a warning, but everybody else as a failure.
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

    /// Who is shown everything: default nobody. See [`Guard`].
    pub fn guard(mut self, guard: Guard) -> Self {
        self.answers.guard = guard;
        self
    }

    /// How long the service goes on serving after a drain has begun, so that
    /// load balancers notice: at most 1 h, default 5 s.
    ///
    /// Kubernetes kills a pod 30 s after it asked it to stop
    /// (`terminationGracePeriodSeconds`), so the delay and the requests in
    /// flight must fit into that.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// How long an async check may hold its thread between two awaits: default
    /// 250 ms, `None` for as long as it likes.
    ///
    /// A check that holds it longer (a blocking client in an `async fn` is the
    /// commonest mistake) stops whatever else waits for the same worker of the
    /// runtime. It is named in the log, and from then on runs on a thread of
    /// its own.
    pub fn longest_poll(mut self, limit: Option<Duration>) -> Self {
        self.longest_poll = limit;
        self
    }

    /// How many results of each check are kept for the status page, the full
    /// report and [`CheckReport::history`](crate::CheckReport::history): at most
    /// 1,000, default 20, each takes four bytes.
    pub fn history(mut self, results: usize) -> Self {
        self.history = results;
        self
    }

    /// Starts every check, on the current tokio runtime.
    ///
    /// The first runs begin at once; until a critical check has its first
    /// result, readiness fails.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in one error: two checks of one name, a
    /// parameter that nothing provides, an expected check that is missing,
    /// options that contradict each other, no tokio runtime or one without a
    /// timer.
    pub fn start(self) -> Result<Health, StartError> {
        let mut problems = Vec::new();
        let runtime = runtime_with_timer(&mut problems);
        if self.drain_delay > LONGEST_DRAIN_DELAY {
            problems.push(Problem::BadSetting {
                what: format!("the drain delay {:?} is too long", self.drain_delay),
                help: "the longest drain delay is 1 h, and Kubernetes waits 30 s by default".into(),
            });
        }
        if self.history > MOST_KEPT {
            problems.push(Problem::BadSetting {
                what: format!("a history of {} results is too long", self.history),
                help: format!("keep at most {MOST_KEPT}, and the rest where metrics are kept"),
            });
        }
        problems.extend(self.answers.problems().cloned());
        let context = Context::new(self.sources);
        let registry = Registry {
            declared: registry::declared().collect(),
            added: &self.added,
            context: &context,
            settings: &self.settings,
            expected: &self.expected,
        };
        let checks = registry.checks(&mut problems);
        let fed = checks
            .iter()
            .map(|check| check.plan.probes)
            .collect::<Probes>();
        let unfed = self.expected_probes.difference(fed);
        problems.extend(unfed.iter().map(|probe| Problem::UnfedProbe { probe }));
        let (Some(runtime), true) = (runtime, problems.is_empty()) else {
            return Err(StartError::new(problems));
        };
        observe::started(&checks);
        let monitor = Arc::new(Monitor::new(&checks, self.history));
        let supervisors = Supervisors::spawn(&runtime, checks, &monitor, self.longest_poll);
        let supervisors = Arc::new(supervisors);
        let endpoint = Endpoint::new(Arc::clone(&monitor), Arc::clone(&supervisors), self.answers);
        Ok(Health::new(Shared {
            monitor,
            supervisors,
            endpoint,
            drain_delay: self.drain_delay,
        }))
    }
}

fn runtime_with_timer(problems: &mut Vec<Problem>) -> Option<Handle> {
    let Ok(runtime) = Handle::try_current() else {
        problems.push(Problem::NoRuntime);
        return None;
    };
    // tokio has no question for this, only a panic.
    let timer = catch_unwind(AssertUnwindSafe(|| {
        drop(tokio::time::sleep(Duration::ZERO));
    }));
    if timer.is_err() {
        problems.push(Problem::NoTimer);
    }
    Some(runtime)
}
