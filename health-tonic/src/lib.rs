//! Serves the health checks of [`health_core`] as `grpc.health.v1` with tonic.
//!
//! This is the only crate that an application needs: it re-exports the items of
//! health-core, and `#[health_check]` requires no other dependency in `Cargo.toml`.
//!
//! ```no_run
//! use health_tonic::{Health, health_check};
//! use tonic::transport::Server;
//!
//! /// The volume of the orders has room.
//! #[health_check(timeout = "2s", critical, tags("storage"))]
//! async fn volume() -> bool {
//!     true
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let health = Health::builder().start()?;
//!     let services = health_tonic::services(&health)
//!         .service("orders.v1.Orders", "storage") // the tag of its checks
//!         .build()?;
//!     Server::builder()
//!         .add_service(services) // beside the application's own
//!         .serve_with_shutdown("0.0.0.0:50051".parse()?, health.drain_on_signal())
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! # Services
//!
//! | service | status |
//! |---|---|
//! | `""`, `readiness` | [readiness](Probe::Readiness), for load balancers and clients |
//! | `liveness`, `startup` | the probe of this name |
//! | the tag of a [group](health_core::config::HttpOptions::group) | the checks with this tag |
//! | a name given to [`Services::service`] | the probe, group or check that belongs to it |
//! | the name of a check, after [`Services::with_checks`] | the check |
//!
//! A status of pass or warn is `SERVING`, fail is `NOT_SERVING`: the verdicts are
//! those of the HTTP answers. For another service `Check` ends with `NOT_FOUND`,
//! and `Watch` reports `SERVICE_UNKNOWN` and stays open.
//!
//! # Calls
//!
//! `Check` and `List` run checks on demand
//! ([`CheckOptions::cache`](CheckOptions::cache)) and wait for them at most
//! 800 ms; they run no other check. `List` ends with `RESOURCE_EXHAUSTED` if
//! there are more than 100 services.
//!
//! `Watch` sends the status, then each change of it. Changes that come while the
//! client does not read are merged into one message.
//!
//! # Drain
//!
//! From the beginning of a [drain](Health::drain) on readiness and the names of
//! [`Services::service`] are `NOT_SERVING`. `liveness` goes on being `SERVING`, as
//! over HTTP: a kubelet that probes it would otherwise kill the process while it
//! drains. When the drain is over, every `Watch` ends with `UNAVAILABLE`, so that
//! tonic's graceful shutdown does not wait for its clients.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod services;

/// The messages, server and client of `grpc.health.v1`, generated from
/// `proto/health.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    reason = "generated, see CONTRIBUTING.md"
)]
#[rustfmt::skip]
#[path = "generated.rs"]
pub mod pb;

// Only the trait: the derive macro is defined by this crate.
pub use health_core::__private::macros::{
    TonicHealthState as HealthState, tonic_app as app, tonic_health_check as health_check,
    tonic_health_checks as health_checks,
};
pub use health_core::check::HealthState;
#[cfg(feature = "webhook")]
pub use health_core::notify;
#[cfg(feature = "testing")]
pub use health_core::testing;
pub use health_core::{
    CheckOptions, Health, HealthBuilder, HealthCheck, IntoOutcome, Outcome, Probe, StartError,
    Status, async_trait, check, config, error, event, http, metrics, report, reported,
};

pub use answer::Answers;
pub use services::{Services, ServicesError, services};

#[doc(hidden)]
pub use health_core as __core;
#[doc(hidden)]
pub use health_core::{__private, via};

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
