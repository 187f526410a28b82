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
//! dead man's switch.
//!
//! Metrics for Prometheus need no feature ([`Page::Metrics`]); `metrics` and
//! `opentelemetry` are for applications that have an exporter already:
//! `Health::record_metrics` and `Health::record_opentelemetry`.

mod builder;
mod check;
mod engine;
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
mod export;
mod health;
mod http;
mod lifecycle;
mod registry;
mod reported;
mod telemetry;
pub mod testing;
mod text;
mod time;
mod verdict;

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
pub use crate::check::class::FailureClass;
pub use crate::check::indicator::{BlockingIndicator, Indicator};
pub use crate::check::options::CheckOptions;
#[doc(hidden)]
pub use crate::check::outcome::via;
pub use crate::check::outcome::{Detail, IntoFailure, IntoOutcome, Outcome, Status};
pub use crate::check::probe::Probe;
pub use crate::check::state::{HealthState, Provide};
pub use crate::health::Health;
pub use crate::http::endpoint::{Answer, Details, Endpoint};
pub use crate::http::guard::Guard;
pub use crate::http::paths::{Page, ProbePaths};
pub use crate::http::render::words::Vocabulary;
pub use crate::http::request::{Headers, RequestHead};
#[cfg(feature = "serve")]
pub use crate::http::server::Served;
pub use crate::registry::error::{Place, Problem, StartError};
pub use crate::registry::settings::Settings;
pub use crate::reported::gate::Gate;
pub use crate::reported::heartbeat::Heartbeat;
pub use crate::reported::supervised::Supervised;
pub use crate::reported::switch::Switch;
pub use crate::telemetry::event::{Event, Events, Turned};
#[cfg(feature = "webhook")]
pub use crate::telemetry::hook::remote::push::PushMonitor;
#[cfg(feature = "webhook")]
pub use crate::telemetry::hook::remote::webhook::Webhook;
pub use crate::verdict::history::{History, Past};
pub use crate::verdict::incident::Incident;
pub use crate::verdict::snapshot::{CheckReport, Snapshot};
pub use crate::verdict::track::Verdict;
