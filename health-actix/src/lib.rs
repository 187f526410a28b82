//! The adapter for actix-web, **which does not serve anything yet**.
//!
//! The attribute, the derive and the whole API of health-core are here under
//! their final names, so declarations can be written; `configure` comes with
//! the next release. Until then `Health::endpoint` answers in a handler of
//! your own:
//!
//! ```
//! use health_actix::{Health, RequestHead};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), health_actix::StartError> {
//! let health = Health::builder().start()?;
//! let answer = health.endpoint().respond(RequestHead::new("GET", "/readyz"));
//! assert_eq!(answer.status(), 200);
//! # Ok(())
//! # }
//! ```

pub use health_core::*;
pub use health_macros::{
    ActixHealthState as HealthState, actix_app as app, actix_health_check as health_check,
    actix_health_checks as health_checks,
};

#[doc(hidden)]
pub use health_core as __core;
