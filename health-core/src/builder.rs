//! [`HealthBuilder`]: from what the application says to checks that run.

use std::any::Any;
use std::borrow::Cow;
use std::env;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::check::{Feed, HealthCheck, Work};
use crate::drain::{self, Drain};
use crate::endpoint::{Details, Endpoint, EndpointSettings, Page};
use crate::event::Turned;
use crate::gate::Gate;
use crate::guard::Guard;
use crate::health::{Health, Shared};
use crate::heartbeat::Heartbeat;
use crate::history::{DEFAULT_KEPT, MOST_KEPT};
use crate::hook::{Hooks, Listener};
use crate::monitor::Monitor;
use crate::observe;
use crate::options::CheckOptions;
use crate::outcome::{IntoOutcome, Status};
use crate::probe::{Probe, Probes};
use crate::problem::{Place, Problem, StartError};
use crate::registry::{self, Added, Registry};
use crate::render::Vocabulary;
use crate::run::Manner;
use crate::schedule::Supervisors;
use crate::settings::Settings;
use crate::state::{Context, HealthState, Sources};
use crate::supervised::Supervised;
use crate::switch::Switch;
#[cfg(all(feature = "systemd", unix))]
use crate::systemd::Notifier;
use crate::watchdog::{self, Watch};
#[cfg(feature = "webhook")]
use crate::webhook::Webhook;

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
    drain_readiness: bool,
    termination_grace: Option<Duration>,
    longest_poll: Option<Duration>,
    watch: Option<(Duration, Place)>,
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) systemd: Option<Notifier>,
    trace_runs: bool,
    hooks: Vec<Box<dyn Listener>>,
    #[cfg(feature = "webhook")]
    webhooks: Vec<Webhook>,
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
            drain_readiness: true,
            termination_grace: None,
            longest_poll: Some(DEFAULT_LONGEST_POLL),
            watch: None,
            #[cfg(all(feature = "systemd", unix))]
            systemd: None,
            trace_runs: false,
            hooks: Vec::new(),
            #[cfg(feature = "webhook")]
            webhooks: Vec::new(),
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
        self.add(name.into(), options, Feed::Runs(Work::closure(check)))
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
        self.add(
            name.into(),
            options,
            Feed::Runs(Work::blocking_closure(check)),
        )
    }

    /// Adds a check that is an object: see [`HealthCheck`].
    #[track_caller]
    pub fn register(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        check: impl HealthCheck,
    ) -> Self {
        self.add(name.into(), options, Feed::Runs(Work::object(check)))
    }

    /// Startup waits until this gate is opened: see [`Gate`].
    #[track_caller]
    pub fn gate(self, gate: &Gate) -> Self {
        let options = CheckOptions::new().startup().critical();
        self.add(gate.name().into(), options, Feed::Reports(gate.source()))
    }

    /// Adds a check that fails while this is silent: see [`Heartbeat`].
    ///
    /// It is never run, so [`start`](Self::start) refuses the options that are
    /// about runs. So it does for the three that follow.
    #[track_caller]
    pub fn heartbeat(self, heartbeat: &Heartbeat, options: CheckOptions) -> Self {
        let feed = Feed::Reports(heartbeat.source());
        self.add(heartbeat.name().into(), options, feed)
    }

    /// Adds a check that fails while this is switched off: see [`Switch`].
    #[track_caller]
    pub fn switch(self, switch: &Switch, options: CheckOptions) -> Self {
        let feed = Feed::Reports(switch.source());
        self.add(switch.name().into(), options, feed)
    }

    /// Adds a check that fails once this task has ended: see [`Supervised`].
    #[track_caller]
    pub fn supervised<T>(self, task: &Supervised<T>, options: CheckOptions) -> Self
    where
        T: Send + 'static,
    {
        let feed = Feed::Reports(task.source());
        self.add(task.name().into(), options, feed)
    }

    /// [`supervised`](Self::supervised), for a task whose result nobody needs.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let worker = tokio::spawn(async { loop { tokio::task::yield_now().await } });
    /// let health = Health::builder()
    ///     .supervise("worker", CheckOptions::new().critical(), worker)
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn supervise<T>(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        task: JoinHandle<T>,
    ) -> Self
    where
        T: Send + 'static,
    {
        self.supervised(&Supervised::new(name, task), options)
    }

    #[track_caller]
    fn add(mut self, name: String, options: CheckOptions, feed: Feed) -> Self {
        let place = Place::on_the_builder(Location::caller());
        self.added.push(Added {
            name,
            options,
            place,
            feed,
            is_ours: false,
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

    /// Lets everybody leave checks out of an answer by `?exclude=NAME`: default
    /// only those whom the [guard](Self::guard) knows. For load balancers that
    /// send no credentials.
    ///
    /// Whoever can reach the paths can then have a 200 in spite of a failing
    /// check; what is seen by others does not change.
    pub fn exclude_for_everybody(mut self) -> Self {
        self.answers.anyone_excludes = true;
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
    /// load balancers notice: at most 1 h, default 5 s. Zero ends the drain at
    /// once, for platforms that send no requests any more when they ask to stop.
    ///
    /// Kubernetes kills a pod 30 s after it asked it to stop
    /// (`terminationGracePeriodSeconds`), so the delay and the requests in
    /// flight must fit into that.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Whether readiness fails during a drain: default `true`.
    ///
    /// `false` is for platforms that take the instance out themselves before they
    /// ask it to stop, and for pods whose failing readiness raises alarms. The
    /// delay is served all the same.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().drain_readiness(false).start()?;
    /// let drained = health.drain();
    /// assert_eq!(health.status(Probe::Readiness), Status::Pass);
    /// # drop(drained);
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain_readiness(mut self, fails: bool) -> Self {
        self.drain_readiness = fails;
        self
    }

    /// How long the platform waits between asking the process to stop and killing
    /// it, such as the pod's `terminationGracePeriodSeconds`. `start` writes a
    /// warning to the log if the drain delay alone takes as long.
    ///
    /// No platform tells the process. Without this the defaults of Kubernetes
    /// (30 s), ECS (30 s) and Cloud Run (10 s) are assumed where their variables
    /// are set, and elsewhere nothing is said.
    pub fn termination_grace(mut self, grace: Duration) -> Self {
        self.termination_grace = Some(grace);
        self
    }

    /// Tells systemd how the service gets on, if it runs under systemd with
    /// `Type=notify`: elsewhere, and where `$NOTIFY_SOCKET` is not set, this does
    /// nothing.
    ///
    /// | message | when |
    /// |---|---|
    /// | `READY=1` | once, when readiness passes for the first time |
    /// | `STATUS=` | at each change: `ready`, or what is not well, in public words |
    /// | `WATCHDOG=1` | twice in `WatchdogSec=`, while liveness passes |
    /// | `STOPPING=1` | when a [drain](Health::drain) begins |
    ///
    /// The messages come from a task on the runtime of the application: if that
    /// hangs, the watchdog gets none, and systemd starts the service again.
    #[cfg(feature = "systemd")]
    pub fn notify_systemd(self) -> Self {
        #[cfg(unix)]
        return HealthBuilder {
            systemd: Notifier::from_vars(env::var_os),
            ..self
        };
        #[cfg(not(unix))]
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

    /// Fails liveness while a worker of the runtime is stuck: from 1 s to 1 h,
    /// default not at all.
    ///
    /// A worker that neither parks nor hands in the time in which it was busy for
    /// longer than this is inside of one poll, and serves nobody else. A thread
    /// of its own sees that, also when every worker is stuck, and the check
    /// `runtime`, which is critical for liveness, fails until the worker goes on.
    /// Its message names the check that holds the worker, if one does.
    ///
    /// Watched is the runtime on which health starts, each worker of the server
    /// with `health_actix`, and what is given to [`Health::watch_runtime`].
    ///
    /// A worker that never parks hands in its time every 61 polls
    /// (`event_interval` of tokio's builder), so write more than 61 times what a
    /// poll takes under full load.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().watch_runtime(Duration::from_secs(5)).start()?;
    /// assert!(health.check("runtime").is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn watch_runtime(mut self, threshold: Duration) -> Self {
        let place = Place::on_the_builder(Location::caller());
        self.watch = Some((threshold, place));
        self
    }

    /// Whether each run has a span in the traces: default no.
    ///
    /// The span is `health_check` with the name of the check (target `health`,
    /// level info), a root of its own, and what the check itself logs stands in
    /// it, on whatever thread it runs.
    #[cfg(feature = "tracing")]
    pub fn trace_runs(mut self, yes: bool) -> Self {
        self.trace_runs = yes;
        self
    }

    /// Calls this at each turn of a check, on a thread of its own inside the
    /// runtime. Several hooks do not wait for each other.
    ///
    /// It cannot delay a check: it is fed by a queue of 256 turns, and when that
    /// is full the oldest is dropped, and the log says how many were. A panic is
    /// logged, and the next turn is told all the same. When health ends, what is
    /// still in the queue is told within 2 s; [`Health::stop`] waits for that. A
    /// hook that never returns keeps its thread for ever.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { false })
    ///     .on_transition(move |turned| {
    ///         let _ = tell.send(format!("{} is {}", turned.report.name(), turned.report.verdict()));
    ///     })
    ///     .start()?;
    /// health.refresh("queue").await;
    /// health.stop().await;
    /// assert_eq!(told.recv().unwrap(), "queue is error");
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_transition(mut self, hook: impl Fn(&Turned) + Send + Sync + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Tells an HTTP receiver of each turn: see [`Webhook`].
    #[cfg(feature = "webhook")]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
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
    pub fn start(mut self) -> Result<Health, StartError> {
        let mut problems = Vec::new();
        let watch = self.add_watch(&mut problems);
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
        let too_short = self.too_short_a_grace();
        let context = Context::new(self.sources);
        let registry = Registry {
            declared: registry::declared().collect(),
            added: &self.added,
            context: &context,
            settings: &self.settings,
            expected: &self.expected,
            groups: &self.answers.paths.groups(),
        };
        let checks = registry.checks(&mut problems);
        let fed = checks
            .iter()
            .map(|check| check.plan.probes)
            .collect::<Probes>();
        let unfed = self.expected_probes.difference(fed);
        problems.extend(unfed.iter().map(|probe| Problem::UnfedProbe { probe }));
        let listeners = self.hooks;
        #[cfg(feature = "webhook")]
        let listeners = with_webhooks(listeners, self.webhooks, &mut problems);
        let (Some(runtime), true) = (runtime, problems.is_empty()) else {
            return Err(StartError::new(problems));
        };
        let hooks = Hooks::start(listeners, &runtime).map_err(|error| no_thread(&error))?;
        observe::started(&checks);
        if let Some(grace) = too_short {
            observe::long_drain(self.drain_delay, grace);
        }
        let drain = Drain::new(self.drain_delay);
        let monitor = Arc::new(Monitor::new(&checks, hooks, self.history));
        let manner = Manner {
            longest_poll: self.longest_poll,
            traced: self.trace_runs,
        };
        let supervisors = Supervisors::spawn(&runtime, checks, &monitor, manner, watch);
        #[cfg(all(feature = "systemd", unix))]
        let supervisors = match self.systemd {
            Some(notifier) => {
                let notifying = notifier.run(Arc::clone(&monitor), drain.watch());
                supervisors.and(runtime.spawn(notifying).abort_handle())
            }
            None => supervisors,
        };
        let supervisors = Arc::new(supervisors);
        let endpoint = Endpoint::new(Arc::clone(&monitor), Arc::clone(&supervisors), self.answers);
        Ok(Health::new(Shared {
            monitor,
            supervisors,
            endpoint,
            drain,
            drain_readiness: self.drain_readiness,
        }))
    }

    /// The time that the platform leaves, if the drain takes all of it.
    fn too_short_a_grace(&self) -> Option<Duration> {
        let is_set = |variable: &str| env::var_os(variable).is_some();
        let known = self.termination_grace;
        let grace = known.or_else(|| drain::usual_grace(is_set));
        grace.filter(|grace| self.drain_delay >= *grace)
    }

    fn add_watch(&mut self, problems: &mut Vec<Problem>) -> Option<Watch> {
        let (threshold, place) = self.watch?;
        problems.extend(watchdog::bad_threshold(threshold));
        let watch = Watch::new(threshold);
        self.added.push(Added {
            name: watchdog::NAME.into(),
            options: watchdog::OPTIONS,
            place,
            feed: Feed::Reports(watch.findings()),
            is_ours: true,
        });
        Some(watch)
    }
}

#[cfg(feature = "webhook")]
fn with_webhooks(
    mut listeners: Vec<Box<dyn Listener>>,
    webhooks: Vec<Webhook>,
    problems: &mut Vec<Problem>,
) -> Vec<Box<dyn Listener>> {
    for webhook in webhooks {
        match webhook.listener() {
            Ok(listener) => listeners.push(Box::new(listener)),
            Err(refused) => problems.extend(refused),
        }
    }
    listeners
}

fn no_thread(error: &std::io::Error) -> StartError {
    StartError::new(vec![Problem::BadSetting {
        what: format!("no thread for a hook could be started: {error}"),
        help: "leave out a hook, or raise the limit of threads (`ulimit -u`)".into(),
    }])
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
