//! Health checks that never lie.

mod check;
mod endpoint;
mod health;
mod horizon;
mod monitor;
mod name;
mod observe;
mod options;
mod outcome;
mod probe;
mod problem;
mod registry;
mod render;
mod run;
mod schedule;
#[cfg(feature = "signal")]
mod signal;
mod snapshot;
mod state;
mod tally;
pub mod testing;
mod verdict;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use async_trait::async_trait;

pub use check::HealthCheck;
pub use endpoint::{Details, Endpoint, RequestHead};
pub use health::{Health, HealthBuilder};
pub use options::CheckOptions;
#[doc(hidden)]
pub use outcome::via;
pub use outcome::{Detail, IntoFailure, IntoOutcome, Outcome, Status};
pub use probe::Probe;
pub use problem::{Place, Problem, StartError};
pub use snapshot::{CheckReport, Snapshot};
pub use state::{HealthState, Provide};
pub use verdict::Verdict;

pub use health_macros::{CoreHealthState as HealthState, core_health_check as health_check};
