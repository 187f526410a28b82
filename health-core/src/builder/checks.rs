//! What is checked.

use std::any::Any;
use std::future::Future;
use std::panic::Location;

use tokio::task::JoinHandle;

use crate::builder::HealthBuilder;
use crate::check::options::CheckOptions;
use crate::check::outcome::IntoOutcome;
use crate::check::probe::Probe;
use crate::check::state::HealthState;
use crate::check::{Feed, HealthCheck, Work};
use crate::registry::Added;
use crate::registry::error::Place;
use crate::registry::settings::Settings;
use crate::reported::gate::Gate;
use crate::reported::heartbeat::Heartbeat;
use crate::reported::supervised::Supervised;
use crate::reported::switch::Switch;

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
}
