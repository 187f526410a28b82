//! Helpers for the tests of applications.
//!
//! One test compares the names of all checks in the program, so that no check
//! goes missing with a dependency that is no longer linked:
//!
//! ```standalone_crate
//! use health_core::{health_check, testing};
//!
//! #[health_check]
//! async fn database() -> bool {
//!     true
//! }
//!
//! # fn main() {
//! assert_eq!(testing::declared(), ["database"]);
//! # }
//! ```
//!
//! Another test starts health with a fake state, so that a missing parameter or
//! a duplicate name fails in CI instead of at deployment:
//!
//! ```standalone_crate
//! # use health_core::{Health, HealthState};
//! #[derive(HealthState)]
//! # #[derive(Default)]
//! struct AppState { /* .. */ }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let health = Health::builder().state(AppState::default()).start();
//! assert!(health.is_ok(), "{health:?}");
//! # }
//! ```
//!
//! The framework uses tokio's clock: with `#[tokio::test(start_paused = true)]`
//! intervals, timeouts and staleness elapse immediately. A plain `fn` runs on
//! its own thread, which the paused clock does not wait for; use a [`Fake`] to
//! set its outcome.
//!
//! The module needs the feature `testing`, which belongs under
//! `[dev-dependencies]`:
//!
//! ```toml
//! [dev-dependencies]
//! health-axum = { version = "0.1", features = ["testing"] }
//! ```

use std::borrow::Cow;
use std::time::Duration;

use crate::check::outcome::Outcome;
use crate::health::Health;
use crate::registry;
#[doc(hidden)]
pub use crate::verdict::check_state::Scheduled;
use crate::verdict::snapshot::CheckReport;

/// Returns the names of all checks with `#[health_check]` that are linked into
/// this program, sorted.
pub fn declared() -> Vec<&'static str> {
    let mut names: Vec<_> = registry::declared().map(|check| check.name).collect();
    names.sort_unstable();
    names
}

/// Sets the outcome of one check, in a test that runs the application's own
/// router.
///
/// The outcome takes effect at once and regardless of thresholds. It replaces
/// every result of the check until it is [released](Self::release) or set again,
/// also after the `Fake` is dropped. Other `Health`s are not affected, so tests
/// that start their own can run in parallel.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::http::RequestHead;
/// use health_core::testing::Fake;
/// use health_core::{CheckOptions, Health};
///
/// let health = Health::builder()
///     .check("database", CheckOptions::new().critical(), || async {})
///     .for_tests()
///     .start()?;
/// let readyz = || health.endpoint().respond_cached(RequestHead::new("GET", "/readyz")).status();
///
/// let database = Fake::of(&health, "database");
/// database.fail("down");
/// assert_eq!(readyz(), 503);
///
/// database.release();
/// assert_eq!(readyz(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fake {
    health: Health,
    index: usize,
}

impl Fake {
    /// Returns the fake of a check, which does nothing yet.
    ///
    /// # Panics
    ///
    /// Panics if no check has this name. The message lists the names.
    #[track_caller]
    pub fn of(health: &Health, check: &str) -> Self {
        Fake {
            health: health.clone(),
            index: index_of(health, check),
        }
    }

    /// Makes the check pass.
    pub fn pass(&self) {
        self.set(Outcome::pass());
    }

    /// Makes the check warn, with a public text.
    pub fn warn(&self, public_text: impl Into<Cow<'static, str>>) {
        self.set(Outcome::warn(public_text));
    }

    /// Makes the check fail, with a public text.
    pub fn fail(&self, public_text: impl Into<Cow<'static, str>>) {
        self.set(Outcome::fail(public_text));
    }

    /// Sets any outcome, such as one with a private cause.
    pub fn set(&self, outcome: Outcome) {
        self.health.monitor().force(self.index, outcome);
    }

    /// Ends the override: the next result of the check counts again. To run the
    /// check now, call [`Health::refresh`]. With
    /// [`for_tests`](crate::HealthBuilder::for_tests) the check passes at once.
    pub fn release(&self) {
        self.health.monitor().release(self.index);
    }
}

/// Blocks until the log and the hooks have processed everything that happened
/// so far, for at most 10 s each. They run on their own threads.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use health_core::{CheckOptions, Health, testing};
///
/// let turns = Arc::new(AtomicUsize::new(0));
/// let counter = Arc::clone(&turns);
/// let health = Health::builder()
///     .check("queue", CheckOptions::new(), || async { true })
///     .on_transition(move |_| {
///         counter.fetch_add(1, Ordering::Relaxed);
///     })
///     .start()?;
/// health.refresh("queue").await;
/// testing::flush(&health);
/// assert_eq!(turns.load(Ordering::Relaxed), 1);
/// # Ok(())
/// # }
/// ```
pub fn flush(health: &Health) {
    health.monitor().outlet().flush(Duration::from_secs(10));
}

/// Simulates a pause of the process: the time since the last reading, at most
/// `lasted`, counts as paused.
#[doc(hidden)]
pub fn pause_process(health: &Health, lasted: Duration) {
    health.monitor().pause_for(lasted);
}

/// Returns the schedule of a check without applying elapsed deadlines.
///
/// # Panics
///
/// Panics if no check has this name.
#[doc(hidden)]
pub fn scheduled(health: &Health, check: &str) -> Scheduled {
    health.monitor().scheduled(index_of(health, check))
}

#[track_caller]
fn index_of(health: &Health, check: &str) -> usize {
    health.monitor().index_of(check).unwrap_or_else(|| {
        let checks = health.snapshot();
        let names: Vec<&str> = checks.checks().iter().map(CheckReport::name).collect();
        panic!("no check is named `{check}`; the checks are {names:?}")
    })
}
