//! [`HealthBuilder`] and how it starts the checks.

pub(crate) mod checks;
mod for_tests;
pub(crate) mod options;
pub(crate) mod requirement;
pub(crate) mod settings;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

#[cfg(feature = "watchdog")]
use crate::check::function::ResultSource;
use crate::check::parameters::{Context, ProvidedValues};
use crate::check::probe::Probes;
use crate::engine::monitor::Monitor;
use crate::engine::options::RuntimeOptions;
use crate::engine::schedule::Supervisors;
#[cfg(feature = "watchdog")]
use crate::engine::watchdog;
use crate::engine::watchdog::Watch;
use crate::health::{Health, Shared};
use crate::http::endpoint::Endpoint;
use crate::http::options::HttpOptions;
use crate::http::service_info::ServiceInfo;
use crate::lifecycle::drain::{self, Drain};
use crate::lifecycle::options::LifecycleOptions;
#[cfg(all(feature = "systemd", unix))]
use crate::lifecycle::systemd::NotifyOptions;
use crate::registry::error::{Problem, StartError};
#[cfg(feature = "settings")]
use crate::registry::settings::Settings;
use crate::registry::{self, Added, Registry};
#[cfg(all(feature = "systemd", unix))]
use crate::spawn;
use crate::telemetry::hook::Listener;
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::push::{PushMonitor, Readings};
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::webhook::Webhook;
use crate::telemetry::log;
use crate::telemetry::log::unrecorded::Unrecorded;
use crate::telemetry::outlet::Outlet;
use crate::verdict::history::Retention;

/// Configures health and starts the checks.
///
/// Functions with `#[health_check]` are found automatically. Checks that are
/// added here follow the same rules.
#[derive(Debug, Default)]
#[must_use = "nothing runs until `start`"]
pub struct HealthBuilder {
    provided: ProvidedValues,
    added: Vec<Added>,
    required: Vec<String>,
    required_probes: Probes,
    #[cfg(feature = "settings")]
    settings: Settings,
    http: HttpOptions,
    service_info: ServiceInfo,
    pub(crate) lifecycle: LifecycleOptions,
    runtime: RuntimeOptions,
    /// The methods that have set these options, a name for each call.
    called: Vec<&'static str>,
    hooks: Vec<Box<dyn Listener>>,
    for_tests: bool,
    #[cfg(feature = "webhook")]
    webhooks: Vec<Webhook>,
    #[cfg(feature = "webhook")]
    push_monitors: Vec<PushMonitor>,
}

impl Health {
    /// Returns a builder. Add what the checks need, then call
    /// [`start`](HealthBuilder::start).
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }
}

impl HealthBuilder {
    /// Starts every check on the current tokio runtime.
    ///
    /// The first runs begin at once. Readiness fails until every critical check
    /// has its first result.
    ///
    /// # Errors
    ///
    /// Returns all problems in one error: two checks with the same name, a
    /// parameter that nothing provides, a required check that is missing,
    /// options that contradict each other, no tokio runtime, or a runtime
    /// without a timer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new().critical(), || async { true })
    ///     .start()?;
    /// assert!(health.check("queue").is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(mut self) -> Result<Health, StartError> {
        let mut problems = Vec::new();
        problems.extend(self.repeated_calls());
        #[cfg(feature = "settings")]
        self.apply_settings(&mut problems);
        let summary = self.settings_summary();
        self.isolate_for_tests();
        let watch = self.add_watch(&mut problems);
        let runtime = runtime_with_timer(&mut problems);
        self.lifecycle.check(&mut problems);
        self.runtime.check(&mut problems);
        self.http.check(&mut problems);
        problems.extend_from_slice(&self.service_info.problems);
        let too_short = self.too_short_a_grace();
        let context = Context::new(self.provided);
        let registry = Registry {
            declared: registry::declared().collect(),
            added: &self.added,
            context: &context,
            #[cfg(feature = "settings")]
            settings: &self.settings,
            required: &self.required,
            groups: &self.http.paths.groups(),
        };
        let mut checks = registry.checks(&mut problems);
        for_tests::replace(&mut checks, self.for_tests);
        problems.extend(self.http.paths.clashes(&checks));
        let fed: Probes = checks.iter().map(|check| check.plan.probes).collect();
        let empty = self.required_probes.difference(fed);
        problems.extend(empty.iter().map(|probe| Problem::EmptyProbe { probe }));
        // A hook gets the causes without a log.
        let is_heard = self.for_tests || !self.hooks.is_empty();
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
        if let Some(unrecorded) = Unrecorded::find().filter(|_| !is_heard) {
            unrecorded.write();
        }
        if cfg!(panic = "abort") {
            log::panics_abort();
        }
        settings::log_in_effect(&self.lifecycle, &self.http, &summary);
        if let Some(grace) = too_short {
            log::long_drain(self.lifecycle.drain_delay, grace);
        }
        let drain = Drain::new(self.lifecycle.drain_delay);
        // The last day is only kept where a page shows it.
        let kept = Retention {
            results: self.runtime.history,
            #[cfg(feature = "status-page")]
            day: self.http.has_status_page(),
        };
        let monitor = Arc::new(Monitor::new(&checks, outlet, kept));
        #[cfg(feature = "webhook")]
        readings.connect(Arc::downgrade(&monitor) as _);
        let supervisors = Supervisors::spawn(
            &runtime,
            checks,
            &monitor,
            self.runtime.run_config(),
            watch,
            self.lifecycle.startup_patience,
        );
        #[cfg(all(feature = "systemd", unix))]
        let supervisors = match self.lifecycle.systemd {
            Some(notifier) => {
                let options = NotifyOptions {
                    startup_patience: self.lifecycle.startup_patience,
                    triggers_watchdog: self.lifecycle.triggers_watchdog,
                };
                let notifying = notifier.run(Arc::clone(&monitor), drain.watch(), options);
                supervisors.and(spawn::task(&runtime, notifying))
            }
            None => supervisors,
        };
        let supervisors = Arc::new(supervisors);
        let endpoint = Endpoint::new(
            Arc::clone(&monitor),
            Arc::clone(&supervisors),
            self.http,
            self.service_info,
            runtime,
        );
        Ok(Health::new(Shared {
            monitor,
            supervisors,
            endpoint,
            drain,
            drain_readiness: self.lifecycle.drain_readiness,
        }))
    }

    /// Returns the termination grace period if the drain delay alone uses it
    /// up.
    fn too_short_a_grace(&self) -> Option<Duration> {
        let is_set = |variable: &str| env::var_os(variable).is_some();
        let known = self.lifecycle.termination_grace;
        let grace = known.or_else(|| drain::default_grace_period(is_set));
        grace.filter(|grace| self.lifecycle.drain_delay >= *grace)
    }

    #[cfg(feature = "watchdog")]
    fn add_watch(&mut self, problems: &mut Vec<Problem>) -> Option<Watch> {
        let (threshold, location) = self.runtime.watch?;
        problems.extend(watchdog::bad_threshold(threshold));
        let watch = Watch::new(threshold);
        self.added.push(Added {
            name: watchdog::NAME.into(),
            options: watchdog::options(),
            location,
            source: ResultSource::Reports(watch.findings()),
            is_ours: true,
        });
        Some(watch)
    }

    #[cfg(not(feature = "watchdog"))]
    #[expect(clippy::unused_self, reason = "same signature")]
    fn add_watch(&mut self, _: &mut [Problem]) -> Option<Watch> {
        None
    }
}

/// Adds webhooks and push monitors to the listeners. Push monitors read the
/// verdicts once the readings are connected.
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
    StartError::new(vec![Problem::setting(
        format!("no thread for the log or a hook could be started: {error}"),
        "leave out a hook, or raise the limit of threads (`ulimit -u`)",
    )])
}

fn runtime_with_timer(problems: &mut Vec<Problem>) -> Option<Handle> {
    let Ok(runtime) = Handle::try_current() else {
        problems.push(Problem::NoRuntime);
        return None;
    };
    // tokio has no way to ask for a timer; using a missing one panics.
    let timer = catch_unwind(AssertUnwindSafe(|| {
        drop(tokio::time::sleep(Duration::ZERO));
    }));
    if timer.is_err() {
        problems.push(Problem::NoTimer);
    }
    Some(runtime)
}
