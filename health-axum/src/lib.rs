//! Serves the health checks of [`health_core`] with axum.

pub use health_core::*;
#[doc(hidden)]
pub use health_core as __core;
pub use health_macros::{AxumHealthState as HealthState, axum_health_check as health_check};
