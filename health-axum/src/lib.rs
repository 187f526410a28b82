//! Serves the health checks of [`health_core`] with axum.
//!
//! This is the only crate that an application needs: it re-exports the items of
//! health-core, and `#[health_check]` requires no other dependency in
//! `Cargo.toml`.
//!
//! ```no_run,standalone_crate
//! use health_axum::{Health, health_check};
//!
//! /// The directory for uploads can be read.
//! #[health_check(timeout = "2s", critical)]
//! fn disk() -> std::io::Result<()> {
//!     std::fs::metadata("/tmp").map(drop)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let health = Health::builder().start()?;
//!     let app = axum::Router::new()
//!         .route("/", axum::routing::get(|| async { "hello" }))
//!         .merge(health_axum::routes(&health));
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     axum::serve(listener, app)
//!         .with_graceful_shutdown(health.drain_on_signal())
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! The features are those of [`health_core`](health_core#features) and `tokio`,
//! which passes the address of the connection to a [`Guard`](http::Guard). `signal`,
//! `tokio` and `tracing` are on by default.
//!
#![cfg_attr(docsrs, doc = "The [guides](_guides) answer one question each.")]
#![cfg_attr(docsrs, feature(doc_cfg))]

use std::net::IpAddr;
#[cfg(feature = "tokio")]
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
#[cfg(feature = "tokio")]
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::routing::{MethodFilter, on};
use health_core::http::RequestHead;

// Only the trait: the derive macro is defined by this crate.
pub use health_core::__private::macros::{
    AxumHealthState as HealthState, axum_app as app, axum_health_check as health_check,
    axum_health_checks as health_checks,
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

#[doc(hidden)]
pub use health_core as __core;
#[doc(hidden)]
pub use health_core::{__private, via};

// Only in the documentation: `docs` is a symbolic link, which some file systems do
// not support.
#[cfg(docsrs)]
#[path = "guides.rs"]
pub mod _guides;

/// Returns the routes for the application's own port: the probes and a `/health`
/// of one word, for [`Router::merge`] or [`Router::nest`].
///
/// They show neither names nor metrics. Those are in [`internal_routes`] and on
/// the port of [`Health::serve`], and a client that a [`Guard`](http::Guard)
/// recognizes sees everything at `/health`:
/// [public and internal mounts](http::Endpoint#public-and-internal-mounts).
///
/// Merge them **after** adding the application's layers, since `.layer(..)`
/// only wraps routes that were added before it. Authentication, rate limits and
/// redirects then do not apply to probes, and probes do not appear in the
/// access log. For layers around the whole application, use
/// [`Endpoint::probe_paths`](http::Endpoint::probe_paths).
///
/// ```
/// use axum::Router;
/// use health_axum::{Health, health_check};
///
/// #[health_check(timeout = "2s", critical)]
/// async fn queue() -> bool {
///     true
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_axum::StartError> {
/// let health = Health::builder().start()?;
/// let app: Router = Router::new()
///     .route("/", axum::routing::get(|| async { "hello" }))
///     .merge(health_axum::routes(&health));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
///
/// A [`Guard`](http::Guard) with addresses needs the address of the connection.
/// axum provides it if the application is served with
/// `app.into_make_service_with_connect_info::<SocketAddr>()`.
///
/// # Panics
///
/// `Router::merge` panics with axum's own message if both routers answer `GET`,
/// `HEAD` or `OPTIONS` at the same path: if the application has such a route at one
/// of [`Endpoint::paths`](http::Endpoint::paths), or if the routes of two `Health`
/// are merged. Remove the old route, or add a prefix to one of them with [`Router::nest`] or
/// [`HttpOptions::base_path`](config::HttpOptions::base_path):
///
/// ```
/// use axum::Router;
/// use health_axum::Health;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_axum::StartError> {
/// let (orders, billing) = (Health::builder().start()?, Health::builder().start()?);
/// let app: Router = Router::new()
///     .merge(health_axum::routes(&orders))
///     .nest("/billing", health_axum::routes(&billing));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
pub fn routes<S>(health: &Health) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    mount(&health.endpoint())
}

/// Returns the routes of all pages, with the names of the checks, the groups,
/// the metrics, the status page and the OpenAPI document. For a router that only
/// operators and monitors reach.
///
/// They include those of [`routes`]: mount one of the two at a prefix, not both.
///
/// ```
/// use axum::Router;
/// use health_axum::Health;
/// use health_axum::config::HttpOptions;
/// use health_axum::http::Page;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_axum::StartError> {
/// let http = HttpOptions::new().path("/metrics", Page::Metrics);
/// let health = Health::builder().http(http).start()?;
/// let public: Router = Router::new()
///     .route("/", axum::routing::get(|| async { "hello" }))
///     .merge(health_axum::routes(&health));
/// // On another listener: `/metrics`, `/health/{check}` and so on.
/// let internal: Router = health_axum::internal_routes(&health);
/// // Or on one listener, if the proxy in front keeps `/internal` to itself.
/// let both = public.nest("/internal", internal);
/// # let _ = both;
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// As with [`routes`].
pub fn internal_routes<S>(health: &Health) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    mount(&health.internal_endpoint())
}

fn mount<S>(endpoint: &http::Endpoint) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let answering = endpoint.clone();
    let answer = move |request: Request| {
        let head = RequestHead::from(&request).with_peer(peer(&request));
        let answer = answering.respond(head);
        async { answer.await.map(Body::from) }
    };
    // Not `any`: axum lets a route of the application take methods from it silently.
    let methods = MethodFilter::GET
        .or(MethodFilter::HEAD)
        .or(MethodFilter::OPTIONS);
    let serve = on(methods, answer.clone()).fallback(answer);
    let pages = endpoint.paths().map(str::to_owned);
    let checks = endpoint
        .check_paths()
        .map(|path| format!("{path}/{{check}}"));
    pages.chain(checks).fold(Router::new(), |router, path| {
        router
            .route(&path, serve.clone())
            .route(&format!("{path}/"), serve.clone())
    })
}

/// Returns the address of the connection, if the application is served with
/// `into_make_service_with_connect_info::<SocketAddr>()`.
#[cfg(feature = "tokio")]
fn peer(request: &Request) -> Option<IpAddr> {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    connection.map(|ConnectInfo(address)| address.ip())
}

#[cfg(not(feature = "tokio"))]
fn peer(_: &Request) -> Option<IpAddr> {
    None
}

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
