//! Health checks for services that run behind Kubernetes, load balancers and
//! uptime monitors. Checks are declared with an attribute and run in the
//! background; probes are answered from the last result.
//!
//! This is the core, which needs no web framework. With axum, depend on
//! `health-axum` instead: it re-exports this crate and mounts the routes.
//!
//! ```standalone_crate
//! use health_core::{Health, HealthState, Probe, Status, health_check};
//!
//! # #[derive(Clone)] struct Pool;
//! # impl Pool { async fn ping(&self) -> Result<(), std::io::Error> { Ok(()) } }
//! #[derive(Clone, HealthState)] // every field can be a parameter of a check
//! struct AppState {
//!     pool: Pool,
//! }
//!
//! /// The orders database answers a query.
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
//! Each run of a check ends with an [`Outcome`]. The outcomes of one check, its
//! thresholds and the age of its last result determine its [`Verdict`]. The
//! verdicts of all checks determine the [`Status`] of each [`Probe`]:
//!
//! | the check is | critical for the probe | not critical |
//! |---|---|---|
//! | passing | – | – |
//! | warning | degraded | degraded |
//! | failing, timed out, panicked, stale | **fails** | degraded |
//! | without a result yet | **fails**, except liveness | degraded, except liveness |
//! | skipped | **fails**; liveness as before the skip | degraded |
//!
//! Healthy and degraded answer 200, failing answers 503. Readiness also fails
//! until [startup](Probe::Startup) has passed, and from the beginning of a
//! [drain](Health::drain).
//!
//! # Isolation
//!
//! A check cannot block a probe or another check. An async check has its own
//! task, and a plain `fn` its own thread. A check never runs twice at the same
//! time. Probes only run checks [on demand](CheckOptions::cache), and wait for
//! them at most 800 ms. A panic fails that check only.
//!
//! A run that exceeds its timeout counts as failed at once, even if it blocks
//! its thread, because the deadline is compared with the clock when the verdict
//! is read. The run is dropped only after a second limit (30 s or four
//! timeouts, whichever is longer), since dropping a query halfway can cost the
//! application's pool a connection.
//!
//! # Reported checks
//!
//! Some checks are reported by the application instead of being run: a [`Gate`]
//! that startup waits for, a [`Heartbeat`] that fails when its beats stop, a
//! [`Supervised`] task that must not end, and a [`Switch`] for manual control.
//! They appear in the answers like any other check.
//!
//! # Public and private texts
//!
//! The texts of [`Outcome::warn`] and [`Outcome::fail`], observed values and
//! details are public. The text of an error is private: it is written to the
//! log (feature `tracing`, target `health`) once per transition of the check.
//!
//! # Checks in libraries
//!
//! The linker drops a crate that no code refers to, together with its checks.
//! Refer to it in the binary with `use billing_checks as _;`, and call
//! [`HealthBuilder::require`] so that `start()` fails without its checks. The
//! names of all checks are logged at startup.
//!
//! # Features
//!
//! | feature | default | provides |
//! |---|---|---|
//! | `signal` | yes | [`Health::drain_on_signal`] |
//! | `tracing` | yes | log events with the target `health` |
//! | `serve`, `serve-http2` | | `Health::serve`, the answers on a port and thread of its own |
//! | `settings` | | `HealthBuilder::settings`, settings from a file or the environment |
//! | `status-page` | | `Page::StatusPage`, a page for people |
//! | `openapi` | | `Page::OpenApi` and `Endpoint::openapi` |
//! | `watchdog` | | `RuntimeOptions::watchdog`, which fails liveness while a worker of the runtime is blocked |
//! | `systemd` | | `LifecycleOptions::notify_systemd` |
//! | `tower` | | [`Endpoint`](http::Endpoint) as a tower service, and `Health::layer` |
//! | `watch` | | `Health::watch`, a status and its changes, for protocols other than HTTP |
//! | `webhook` | | `Webhook` and `PushMonitor`, with TLS by rustls |
//! | `metrics` | | `Health::record_metrics`, for applications that have a recorder of that crate |
//! | `testing` | | the module `testing` and `HealthBuilder::for_tests`, for `[dev-dependencies]` |
//!
//! Metrics for Prometheus need no feature ([`Page::Metrics`]). The crate
//! `health-opentelemetry` is for applications that have a meter.
//!
//! [`Gate`]: reported::Gate
//! [`Heartbeat`]: reported::Heartbeat
//! [`Page::Metrics`]: http::Page::Metrics
//! [`Supervised`]: reported::Supervised
//! [`Switch`]: reported::Switch
//! [`Verdict`]: report::Verdict

#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
pub mod check;
mod engine;
mod export;
mod health;
pub mod http;
mod lifecycle;
mod missing;
#[cfg(any(feature = "serve", feature = "signal"))]
mod own_runtime;
mod race;
mod ready;
mod registry;
pub mod reported;
mod spawn;
mod sync;
mod telemetry;
#[cfg(feature = "testing")]
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
pub use crate::check::parameters::HealthState;
pub use crate::check::probe::Probe;
pub use crate::health::Health;
pub use crate::registry::error::StartError;

/// Options of [`HealthBuilder`], and settings that an operator can change.
pub mod config {
    pub use crate::builder::requirement::Requirement;
    pub use crate::engine::options::RuntimeOptions;
    pub use crate::http::options::HttpOptions;
    pub use crate::http::service_info::ServiceInfo;
    pub use crate::lifecycle::options::LifecycleOptions;
    #[cfg(feature = "settings")]
    pub use crate::registry::settings::Settings;
}

/// Problems that a [`StartError`] lists.
pub mod error {
    pub use crate::registry::error::{Problem, SourceLocation, StartError};
}

/// Changes of verdicts as a stream: see [`Health::subscribe`].
pub mod event {
    pub use crate::telemetry::event::{Event, Events, Transition};
    #[cfg(feature = "watch")]
    pub use crate::watch::StatusWatch;
}

/// The metrics of [`Page::Metrics`](http::Page::Metrics), for exporters to other
/// libraries: see [`Health::metrics`].
pub mod metrics {
    pub use crate::export::{Metrics, Reading};
    pub use crate::telemetry::metrics::{DURATION_BOUNDS, Family, Kind, Point};
}

/// HTTP receivers that are notified of transitions.
#[cfg(feature = "webhook")]
pub mod notify {
    pub use crate::telemetry::hook::remote::push::PushMonitor;
    pub use crate::telemetry::hook::remote::receiver::Receiver;
    pub use crate::telemetry::hook::remote::webhook::Webhook;
}

/// Snapshots of all checks: see [`Health::snapshot`].
///
/// Reports are serialized in the words, keys and units of `/health`, without the
/// private texts of errors. [`Causes`](report::Causes) contains those, too.
/// [`Answer`](report::Answer) reads reports, and what the endpoint answers:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use health_core::report::Answer;
/// use health_core::{CheckOptions, Health};
///
/// let health = Health::builder()
///     .check("queue", CheckOptions::new(), || async { Err::<(), _>("7 of 9 brokers are down") })
///     .start()?;
/// health.refresh("queue").await;
///
/// let json = serde_json::to_string(&health.snapshot())?;
/// assert!(!json.contains("brokers"));
/// let answer: Answer = serde_json::from_str(&json)?;
/// assert_eq!(answer.checks["queue"].message.as_deref(), Some("withheld"));
///
/// let causes = serde_json::to_string(&health.causes())?;
/// assert!(causes.contains("7 of 9 brokers are down"));
/// # Ok(())
/// # }
/// ```
pub mod report {
    pub use crate::http::deserialize::{
        Answer, CheckAnswer, HistorySummary, ObservedAnswer, Omitted,
    };
    pub use crate::ready::NotReady;
    pub use crate::verdict::Verdict;
    pub use crate::verdict::causes::Causes;
    pub use crate::verdict::history::{History, HistoryEntry};
    pub use crate::verdict::incident::Incident;
    pub use crate::verdict::snapshot::{CheckReport, Snapshot};
}

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
