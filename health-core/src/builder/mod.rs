//! [`HealthBuilder`]: from what the application says to checks that run.

pub(crate) mod checks;
pub(crate) mod http;
pub(crate) mod operator;
pub(crate) mod runtime;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::check::Feed;
use crate::check::probe::Probes;
use crate::check::state::{Context, Sources};
use crate::engine::monitor::Monitor;
use crate::engine::run::Manner;
use crate::engine::schedule::Supervisors;
use crate::engine::watchdog::{self, Watch};
use crate::health::{Health, Shared};
use crate::http::config::EndpointSettings;
use crate::http::endpoint::Endpoint;
use crate::lifecycle::drain::{self, Drain};
#[cfg(all(feature = "systemd", unix))]
use crate::lifecycle::systemd::{Notifier, Wishes};
use crate::registry::error::{Place, Problem, StartError};
use crate::registry::settings::Settings;
use crate::registry::{self, Added, Registry};
use crate::telemetry::hook::Listener;
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::push::{PushMonitor, Readings};
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::webhook::Webhook;
use crate::telemetry::log;
use crate::telemetry::outlet::Outlet;
use crate::verdict::history::{DEFAULT_KEPT, MOST_KEPT};

/// HAProxy's own default notices a failure after 6 s (`inter 2s fall 3`), and
/// Docker and Cloud Run kill a process 10 s after they ask it to stop.
const DEFAULT_DRAIN_DELAY: Duration = Duration::from_secs(7);
/// As long as most starts take.
const DEFAULT_STARTUP_PATIENCE: Duration = Duration::from_secs(30);
/// Far above what an async check needs between two awaits, and below what the
/// users of the same worker put up with.
const DEFAULT_LONGEST_POLL: Duration = Duration::from_millis(250);
const LONGEST_STARTUP_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
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
    startup_patience: Duration,
    longest_poll: Option<Duration>,
    pub(crate) max_concurrent_runs: Option<usize>,
    watch: Option<(Duration, Place)>,
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) systemd: Option<Notifier>,
    #[cfg(all(feature = "systemd", unix))]
    triggers_watchdog: bool,
    trace_runs: bool,
    hooks: Vec<Box<dyn Listener>>,
    #[cfg(feature = "webhook")]
    webhooks: Vec<Webhook>,
    #[cfg(feature = "webhook")]
    push_monitors: Vec<PushMonitor>,
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
            startup_patience: DEFAULT_STARTUP_PATIENCE,
            longest_poll: Some(DEFAULT_LONGEST_POLL),
            max_concurrent_runs: None,
            watch: None,
            #[cfg(all(feature = "systemd", unix))]
            systemd: None,
            #[cfg(all(feature = "systemd", unix))]
            triggers_watchdog: false,
            trace_runs: false,
            hooks: Vec::new(),
            #[cfg(feature = "webhook")]
            webhooks: Vec::new(),
            #[cfg(feature = "webhook")]
            push_monitors: Vec::new(),
            history: DEFAULT_KEPT,
        }
    }
}

impl Health {
    /// The way to start: give it what the checks need, then
    /// [`start`](HealthBuilder::start).
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }
}

impl HealthBuilder {
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
        self.apply_settings(&mut problems);
        let watch = self.add_watch(&mut problems);
        let runtime = runtime_with_timer(&mut problems);
        self.check_numbers(&mut problems);
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
        let answered = checks
            .iter()
            .map(|check| (&*check.name, check.plan.probes, check.plan.tags));
        problems.extend(self.answers.paths.clashes(&answered));
        let fed = checks
            .iter()
            .map(|check| check.plan.probes)
            .collect::<Probes>();
        let unfed = self.expected_probes.difference(fed);
        problems.extend(unfed.iter().map(|probe| Problem::UnfedProbe { probe }));
        #[cfg(not(feature = "webhook"))]
        let listeners = self.hooks;
        #[cfg(feature = "webhook")]
        let (listeners, readings) =
            with_receivers(self.hooks, self.webhooks, self.push_monitors, &mut problems);
        let (Some(runtime), true) = (runtime, problems.is_empty()) else {
            return Err(StartError::new(problems));
        };
        let outlet = Outlet::start(listeners, checks.len(), &runtime);
        let outlet = outlet.map_err(|error| no_thread(&error))?;
        log::started(&checks);
        if cfg!(panic = "abort") {
            log::panics_abort();
        }
        operator::log_in_effect(
            self.drain_delay,
            self.drain_readiness,
            &self.answers,
            &self.settings,
        );
        if let Some(grace) = too_short {
            log::long_drain(self.drain_delay, grace);
        }
        let drain = Drain::new(self.drain_delay);
        let monitor = Arc::new(Monitor::new(&checks, outlet, self.history));
        #[cfg(feature = "webhook")]
        readings.connect(Arc::downgrade(&monitor) as _);
        let manner = Manner {
            longest_poll: self.longest_poll,
            traced: self.trace_runs,
            limit: self.max_concurrent_runs,
        };
        let supervisors = Supervisors::spawn(
            &runtime,
            checks,
            &monitor,
            manner,
            watch,
            self.startup_patience,
        );
        #[cfg(all(feature = "systemd", unix))]
        let supervisors = match self.systemd {
            Some(notifier) => {
                let wishes = Wishes {
                    startup_patience: self.startup_patience,
                    triggers_watchdog: self.triggers_watchdog,
                };
                let notifying = notifier.run(Arc::clone(&monitor), drain.watch(), wishes);
                supervisors.and(runtime.spawn(notifying).abort_handle())
            }
            None => supervisors,
        };
        let supervisors = Arc::new(supervisors);
        let endpoint = Endpoint::new(
            Arc::clone(&monitor),
            Arc::clone(&supervisors),
            self.answers,
            runtime,
        );
        Ok(Health::new(Shared {
            monitor,
            supervisors,
            endpoint,
            drain,
            drain_readiness: self.drain_readiness,
        }))
    }

    fn check_numbers(&self, problems: &mut Vec<Problem>) {
        if self.drain_delay > LONGEST_DRAIN_DELAY {
            problems.push(Problem::BadSetting {
                what: format!("the drain delay {:?} is too long", self.drain_delay),
                help: "the longest drain delay is 1 h, and Kubernetes waits 30 s by default".into(),
            });
        }
        if self.max_concurrent_runs == Some(0) {
            problems.push(Problem::BadSetting {
                what: "a limit of 0 concurrent runs lets no check run".into(),
                help: "write 1 or more, or leave `max_concurrent_runs` out".into(),
            });
        }
        if self.startup_patience.is_zero() || self.startup_patience > LONGEST_STARTUP_PATIENCE {
            problems.push(Problem::BadSetting {
                what: format!(
                    "a startup patience of {:?} is out of range",
                    self.startup_patience
                ),
                help: "write more than zero and at most 24 h; the default is 30 s".into(),
            });
        }
        if self.history > MOST_KEPT {
            problems.push(Problem::BadSetting {
                what: format!("a history of {} results is too long", self.history),
                help: format!("keep at most {MOST_KEPT}, and the rest where metrics are kept"),
            });
        }
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

/// Adds webhooks and push monitors to the listeners. The latter read the verdicts
/// once the readings are connected.
#[cfg(feature = "webhook")]
fn with_receivers(
    mut listeners: Vec<Box<dyn Listener>>,
    webhooks: Vec<Webhook>,
    push_monitors: Vec<PushMonitor>,
    problems: &mut Vec<Problem>,
) -> (Vec<Box<dyn Listener>>, Readings) {
    let readings = Readings::default();
    for webhook in webhooks {
        match webhook.listener() {
            Ok(listener) => listeners.push(Box::new(listener)),
            Err(refused) => problems.extend(refused),
        }
    }
    for monitor in push_monitors {
        match monitor.listener(readings.clone()) {
            Ok(listener) => listeners.push(Box::new(listener)),
            Err(refused) => problems.extend(refused),
        }
    }
    (listeners, readings)
}

fn no_thread(error: &std::io::Error) -> StartError {
    StartError::new(vec![Problem::BadSetting {
        what: format!("no thread for the log or a hook could be started: {error}"),
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
