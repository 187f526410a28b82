//! Helpers for the tests of applications.
//!
//! One test compares the names of all checks in the program, so that no check
//! goes missing with a dependency that is no longer linked:
//!
//! ```
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
//! ```
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
//! its own thread, which the paused clock does not wait for; use [`force`] to
//! set its outcome.

use std::time::Duration;

use crate::check::outcome::Outcome;
use crate::health::Health;
use crate::registry;
#[doc(hidden)]
pub use crate::verdict::track::Scheduled;

/// Returns the names of all checks with `#[health_check]` that are linked into
/// this program, sorted.
pub fn declared() -> Vec<&'static str> {
    let mut names: Vec<_> = registry::declared().map(|check| check.name).collect();
    names.sort_unstable();
    names
}

/// Overrides every result of a check with `outcome`, effective immediately and
/// regardless of thresholds, until it is [released](release).
///
/// # Panics
///
/// Panics if no check has this name.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::{CheckOptions, Health, Outcome, Probe, Status, testing};
///
/// let health = Health::builder()
///     .check("database", CheckOptions::new().critical(), || async {})
///     .start()?;
///
/// testing::force(&health, "database", Outcome::fail("drill"));
/// assert_eq!(health.status(Probe::Readiness), Status::Fail);
///
/// testing::release(&health, "database");
/// health.refresh("database").await;
/// assert_eq!(health.status(Probe::Readiness), Status::Pass);
/// # Ok(())
/// # }
/// ```
pub fn force(health: &Health, check: &str, outcome: Outcome) {
    health.monitor().force(index_of(health, check), outcome);
}

/// Ends an override by [`force`], from the next result of the check on.
///
/// # Panics
///
/// Panics if no check has this name.
pub fn release(health: &Health, check: &str) {
    health.monitor().release(index_of(health, check));
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

fn index_of(health: &Health, check: &str) -> usize {
    let index = health.monitor().index_of(check);
    index.unwrap_or_else(|| panic!("no check is named `{check}`"))
}
