//! Methods of the builder that add and configure checks.

use std::any::Any;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::builder::HealthBuilder;
use crate::builder::requirement::{Required, Requirement};
use crate::check::HealthCheck;
use crate::check::function::{CheckFn, ResultSource};
use crate::check::options::CheckOptions;
use crate::check::outcome::IntoOutcome;
use crate::check::parameters::HealthState;
use crate::check::source::Reported;
use crate::registry::Added;
use crate::registry::error::SourceLocation;
#[cfg(feature = "settings")]
use crate::registry::settings::Settings;

impl HealthBuilder {
    /// Sets the application's state. Checks take its fields as parameters. An
    /// `Arc` of the state is accepted as well.
    ///
    /// A second call replaces the first. A test can pass a fake state that
    /// derives `HealthState` with `#[health(secondary)]`.
    ///
    /// ```standalone_crate
    /// use health_core::{Health, HealthState, health_check};
    ///
    /// # #[derive(Clone)] struct Pool;
    /// # impl Pool { async fn ping(&self) -> bool { true } }
    /// #[derive(Clone, HealthState)]
    /// struct AppState {
    ///     pool: Pool,
    /// }
    ///
    /// #[health_check(timeout = "2s", critical)]
    /// async fn database(pool: &Pool) -> bool {
    ///     pool.ping().await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// let state = AppState { pool: Pool };
    /// let health = Health::builder().state(state.clone()).start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(mut self, state: impl HealthState) -> Self {
        self.provided.set_state(state);
        self
    }

    /// Provides one more value that checks can take as `&T`, or as `T` if it is
    /// `Clone`.
    ///
    /// Use it for values that are not in the state, such as the parameters of a
    /// library's `#[health_check(late)]`. The value takes precedence over a
    /// field of the same type.
    ///
    /// ```standalone_crate
    /// use health_core::{Health, health_check};
    ///
    /// struct Stripe;
    ///
    /// #[health_check(late, timeout = "3s")]
    /// async fn stripe(client: &Stripe) -> bool {
    ///     let _ = client;
    ///     true
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// let health = Health::builder().provide(Stripe).start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    pub fn provide<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.provided.provide(value);
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
        let source = ResultSource::Runs(CheckFn::closure(check));
        self.add(name.into(), options, source)
    }

    /// Adds a check that is a plain closure. It runs on its own thread.
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
        let source = ResultSource::Runs(CheckFn::blocking_closure(check));
        self.add(name.into(), options, source)
    }

    /// Adds a check that implements [`HealthCheck`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health, HealthCheck, Outcome, async_trait};
    ///
    /// struct Queue;
    ///
    /// #[async_trait]
    /// impl HealthCheck for Queue {
    ///     async fn check(&self) -> Outcome {
    ///         Outcome::pass()
    ///     }
    /// }
    ///
    /// let health = Health::builder()
    ///     .check_impl("queue", CheckOptions::new(), Queue)
    ///     .start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn check_impl(
        self,
        name: impl Into<String>,
        options: CheckOptions,
        check: impl HealthCheck,
    ) -> Self {
        let check = Arc::new(check);
        let run = move || {
            let check = Arc::clone(&check);
            async move { check.check().await }
        };
        self.check(name, options, run)
    }

    /// Adds a check whose state is reported instead of run: a
    /// [`Gate`](crate::reported::Gate), a
    /// [`Heartbeat`](crate::reported::Heartbeat), a
    /// [`Switch`](crate::reported::Switch) or a
    /// [`Supervised`](crate::reported::Supervised) task.
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) fails if `options` sets an option that only
    /// applies to runs.
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
        self.add(name, options, ResultSource::Reports(source))
    }

    #[track_caller]
    fn add(mut self, name: String, options: CheckOptions, source: ResultSource) -> Self {
        let location = SourceLocation::on_the_builder(Location::caller());
        self.added.push(Added {
            name,
            options,
            location,
            source,
            is_ours: false,
        });
        self
    }

    /// Makes [`start`](Self::start) fail unless these checks exist, or unless
    /// these probes have a check.
    ///
    /// The linker drops a library that nothing in the binary refers to, and its
    /// checks are silently missing. A requirement turns that into an error;
    /// `use the_library as _;` links the library. A probe without checks always
    /// passes, which is rarely intended for readiness.
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

    /// Changes options of checks by name, or disables checks: see [`Settings`].
    /// If called several times, later values win.
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
    #[cfg(feature = "settings")]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings.merge(settings);
        self
    }
}
