//! Health checks for services that run behind Kubernetes, load balancers and
//! uptime monitors: declared with an attribute, run in the background, answered
//! from the last verdict.
//!
//! This is the core, which needs no web framework. With axum depend on
//! `health-axum` instead, which re-exports all of this and mounts the routes.
//!
//! ```
//! use health_core::{Health, HealthState, Probe, Status, health_check};
//!
//! # #[derive(Clone)] struct Pool;
//! # impl Pool { async fn ping(&self) -> Result<(), std::io::Error> { Ok(()) } }
//! #[derive(Clone, HealthState)] // every field can be a parameter of a check
//! struct AppState {
//!     pool: Pool,
//! }
//!
//! /// The orders database answers.
//! #[health_check(timeout = "2s", critical)]
//! async fn database(pool: &Pool) -> Result<(), std::io::Error> {
//!     pool.ping().await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let state = AppState { pool: Pool };
//! let health = Health::builder().state(state).start()?;
//! # while health.status(Probe::Readiness) != Status::Pass { tokio::task::yield_now().await; }
//! assert_eq!(health.status(Probe::Readiness), Status::Pass);
//! # Ok(())
//! # }
//! ```
//!
//! # How a result becomes an answer
//!
//! A run ends with an [`Outcome`]. Thresholds and age make of the outcomes of
//! one check its [`Verdict`], and the verdicts of all checks make the [`Status`]
//! of each [`Probe`]:
//!
//! | the check is | critical for the probe | not critical |
//! |---|---|---|
//! | passing | – | – |
//! | warning | degraded | degraded |
//! | failing, timed out, panicked, stale | **fails** | degraded |
//! | without a result yet | **fails**, liveness excepted | degraded, liveness excepted |
//!
//! Healthy and degraded answer 200, failing 503. Readiness fails as well until
//! [startup](Probe::Startup) has passed, and from the moment a
//! [drain](Health::drain) begins.
//!
//! # What a check can do to the rest
//!
//! Nothing. It has a task of its own (a plain `fn` a thread of its own), never
//! runs twice at once, and is never run by a probe. A panic is its own failure.
//! At its timeout it has failed, even if it holds its thread, because whoever
//! reads also looks at the clock; the run is left alone until a second limit
//! (30 s, or four timeouts), since dropping a query halfway can cost the
//! application's pool a connection. It is then dropped.
//!
//! # What is reported and not run
//!
//! A [`Gate`] that startup waits for, a [`Heartbeat`] whose silence is a
//! failure, a [`Supervised`] task that must not end, and a [`Switch`] that
//! people turn off. Each is a check like any other to those who look.
//!
//! # What the public sees
//!
//! What a check says itself: the text of [`Outcome::warn`] and [`Outcome::fail`],
//! what it observed, its details. The text of an error is private; it is in the
//! log (feature `tracing`, target `health`), once for each time the check turns.
//!
//! # Checks in libraries
//!
//! The linker leaves out a crate that no code names, and its checks with it.
//! Name it in the binary, `use billing_checks as _;`, and let
//! [`HealthBuilder::expect`] refuse to start without them. The list of all
//! checks is logged at the start.
//!
//! # Features
//!
//! `tracing` (default) logs transitions; `signal` (default) is
//! [`Health::drain_on_signal`]; `serve` is `Health::serve`, a port and a thread
//! of its own, and `serve-http2` adds HTTP/2 there; `systemd` is `HealthBuilder::notify_systemd`;
//! `webhook` is `Webhook`, transitions as POST requests, and `PushMonitor`, a
//! dead man's switch; `watch` is `Health::watch`, the statuses for protocols
//! other than HTTP, which `health-tonic` uses; `tower` makes [`Endpoint`] a service of
//! tower, and `Health::layer` a layer that answers probes in front of an application.
//!
//! Metrics for Prometheus need no feature ([`Page::Metrics`]); `metrics` and
//! `opentelemetry` are for applications that have an exporter already:
//! `Health::record_metrics` and `Health::record_opentelemetry`.

mod builder;
pub mod check;
mod engine;
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
mod export;
mod health;
pub mod http;
mod lifecycle;
mod registry;
pub mod reported;
mod telemetry;
pub mod testing;
mod text;
mod time;
mod verdict;
#[cfg(feature = "watch")]
mod watch;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use async_trait::async_trait;
pub use health_macros::{
    CoreHealthState as HealthState, core_app as app, core_health_check as health_check,
    core_health_checks as health_checks,
};

pub use crate::builder::HealthBuilder;
pub use crate::check::HealthCheck;
pub use crate::check::options::CheckOptions;
#[doc(hidden)]
pub use crate::check::outcome::via;
pub use crate::check::outcome::{IntoOutcome, Outcome, Status};
pub use crate::check::probe::Probe;
pub use crate::check::state::HealthState;
pub use crate::health::Health;
pub use crate::registry::error::StartError;

/// Options of [`HealthBuilder`], and settings that an operator can change.
pub mod config {
    pub use crate::builder::requirement::Requirement;
    pub use crate::engine::options::RuntimeOptions;
    pub use crate::http::config::HttpOptions;
    pub use crate::http::service_info::ServiceInfo;
    pub use crate::lifecycle::options::LifecycleOptions;
    pub use crate::registry::settings::Settings;
}

/// The problems that a [`StartError`] lists.
pub mod error {
    pub use crate::registry::error::{Problem, SourceLocation, StartError};
}

/// Changes of the verdicts as a stream: see [`Health::subscribe`].
pub mod event {
    pub use crate::telemetry::event::{Event, Events, Transition};
    #[cfg(feature = "watch")]
    pub use crate::watch::StatusWatch;
}

/// HTTP receivers that are notified of transitions.
#[cfg(feature = "webhook")]
pub mod notify {
    pub use crate::telemetry::hook::remote::push::PushMonitor;
    pub use crate::telemetry::hook::remote::receiver::Receiver;
    pub use crate::telemetry::hook::remote::webhook::Webhook;
}

/// What is known of the checks at one moment: see [`Health::snapshot`].
pub mod report {
    pub use crate::verdict::history::{History, HistoryEntry};
    pub use crate::verdict::incident::Incident;
    pub use crate::verdict::snapshot::{CheckReport, Snapshot};
    pub use crate::verdict::track::Verdict;
}
