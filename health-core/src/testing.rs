//! For the tests of applications.
//!
//! A line in a test pins the checks of a program, so that none vanishes with a
//! dependency that is no longer linked:
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
//! Another starts health with a fake state, so that a parameter that nobody
//! provides, or two checks of one name, fail in CI and not at the deploy:
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
//! Time is tokio's: with `#[tokio::test(start_paused = true)]` intervals,
//! timeouts and staleness pass in no time. (A plain `fn` runs on a thread of its
//! own, for which the paused clock does not wait; [`force`] its outcome.)

use std::time::Duration;

use crate::check::outcome::Outcome;
use crate::health::Health;
use crate::registry;
#[doc(hidden)]
pub use crate::verdict::track::Scheduled;

/// The names of all checks with `#[health_check]` that are linked into this
/// program, sorted.
pub fn declared() -> Vec<&'static str> {
    let mut names: Vec<_> = registry::declared().map(|check| check.name).collect();
    names.sort_unstable();
    names
}

/// Puts an outcome in place of what a check says, at once and whatever its
/// thresholds, until it is [released](release).
///
/// # Panics
///
/// If no check has this name.
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

/// Lets a check speak for itself again, from its next result on.
///
/// # Panics
///
/// If no check has this name.
pub fn release(health: &Health, check: &str) {
    health.monitor().release(index_of(health, check));
}

/// Blocks until the log and the hooks have taken everything that happened so far,
/// but no longer than 10 s for each: they work on threads of their own.
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

/// Makes the time since the last reading count as a pause of the process, at most
/// `lasted`: for simulations.
#[doc(hidden)]
pub fn pause_process(health: &Health, lasted: Duration) {
    health.monitor().pause_for(lasted);
}

/// The schedule of a check, without applying what time alone changes.
///
/// # Panics
///
/// If no check has this name.
#[doc(hidden)]
pub fn scheduled(health: &Health, check: &str) -> Scheduled {
    health.monitor().scheduled(index_of(health, check))
}

fn index_of(health: &Health, check: &str) -> usize {
    let index = health.monitor().index_of(check);
    index.unwrap_or_else(|| panic!("no check is named `{check}`"))
}
