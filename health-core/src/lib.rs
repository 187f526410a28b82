//! Health checks that never lie.

mod check;
mod options;
mod outcome;
mod probe;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod state;

pub use async_trait::async_trait;

pub use check::HealthCheck;
pub use options::CheckOptions;
pub use outcome::{Detail, IntoFailure, IntoOutcome, Outcome, Status, via};
pub use probe::Probe;
pub use state::{HealthState, Provide};

pub use health_macros::{CoreHealthState as HealthState, core_health_check as health_check};
