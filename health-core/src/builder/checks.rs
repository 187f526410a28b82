//! What is checked.

use std::any::Any;
use std::future::Future;
use std::panic::Location;

use crate::builder::HealthBuilder;
use crate::builder::requirement::{Required, Requirement};
use crate::check::options::CheckOptions;
use crate::check::outcome::IntoOutcome;
use crate::check::source::Reported;
use crate::check::state::HealthState;
use crate::check::{Feed, HealthCheck, Work};
use crate::registry::Added;
use crate::registry::error::SourceLocation;
use crate::registry::settings::Settings;

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
    ///     .check_blocking("spool", CheckOptions::new(), || std::fs::metadata(".").map(drop))
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn check_blocking<F, T, Via>(
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

    /// Adds a check that implements [`HealthCheck`].
    #[track_caller]
    pub fn check_impl(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        check: impl HealthCheck,
    ) -> Self {
        self.add(name.into(), options, Feed::Runs(Work::object(check)))
    }

    /// Adds a check whose state is reported and not run: a
    /// [`Gate`](crate::reported::Gate), a [`Heartbeat`](crate::reported::Heartbeat), a
    /// [`Switch`](crate::reported::Switch) or a [`Supervised`](crate::reported::Supervised)
    /// task.
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses options that are about runs.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::reported::Supervised;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let worker = tokio::spawn(async { loop { tokio::task::yield_now().await } });
    /// let worker = Supervised::new("worker", worker);
    /// let health = Health::builder()
    ///     .reported(&worker, CheckOptions::new().critical())
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn reported(self, state: impl Into<Reported>, options: CheckOptions) -> Self {
        let Reported { name, source } = state.into();
        self.add(name, options, Feed::Reports(source))
    }

    #[track_caller]
    fn add(mut self, name: String, options: CheckOptions, feed: Feed) -> Self {
        let place = SourceLocation::on_the_builder(Location::caller());
        self.added.push(Added {
            name,
            options,
            place,
            feed,
            is_ours: false,
        });
        self
    }

    /// Refuses to start without these checks, or without a check for these probes.
    ///
    /// A library that nothing in the binary names is not linked, and its checks are
    /// missing without a word. A requirement turns that into an error of
    /// [`start`](Self::start); `use the_library as _;` links the library. A probe
    /// that no check counts for always passes, which is seldom meant for readiness.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use health_core::{Health, Probe};
    ///
    /// let refused = Health::builder()
    ///     .require(["invoices"])
    ///     .require([Probe::Startup])
    ///     .start();
    /// assert!(refused.is_err());
    /// # }
    /// ```
    pub fn require<R: Into<Requirement>>(mut self, what: impl IntoIterator<Item = R>) -> Self {
        for requirement in what {
            match requirement.into().0 {
                Required::Check(name) => self.required.push(name),
                Required::Probe(probe) => {
                    self.required_probes = self.required_probes.with(probe);
                }
            }
        }
        self
    }

    /// Changes options of checks by name, or leaves checks out: see [`Settings`].
    /// Of several calls, the later ones win.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use health_core::config::Settings;
    /// use health_core::{CheckOptions, Health};
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
