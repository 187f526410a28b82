//! Serves the health checks of [`health_core`] with axum.
//!
//! This crate is the whole API: it re-exports the items of health-core, and its
//! `#[health_check]` needs no other line in `Cargo.toml`.

use std::net::IpAddr;
#[cfg(feature = "tokio")]
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
#[cfg(feature = "tokio")]
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::routing::any;
use health_core::http::RequestHead;

// The trait alone: the derive macro is of this crate.
pub use health_core::check::HealthState;
#[cfg(feature = "webhook")]
pub use health_core::notify;
pub use health_core::{
    CheckOptions, Health, HealthBuilder, HealthCheck, IntoOutcome, Outcome, Probe, StartError,
    Status, async_trait, check, config, error, event, http, report, reported, testing,
};
pub use health_macros::{
    AxumHealthState as HealthState, axum_app as app, axum_health_check as health_check,
    axum_health_checks as health_checks,
};

#[doc(hidden)]
pub use health_core as __core;

/// The routes of [`Endpoint`](http::Endpoint), for [`Router::merge`] or [`Router::nest`].
///
/// Merge them **after** the application's own layers, so that neither
/// authentication nor rate limits nor redirects stand between a prober and its
/// answer, nor every probe in the access log: `.layer(..)` wraps only what was
/// added before it. For layers around all of the application there is
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
/// A [`Guard`](http::Guard) by address needs the address of the connection. axum passes it on
/// if the application is served with
/// `app.into_make_service_with_connect_info::<SocketAddr>()`.
///
/// # Panics
///
/// `Router::merge` panics with axum's own message if both routers have a route
/// at one path: if the application has one of [`Endpoint::paths`](http::Endpoint::paths) itself, or if
/// the routes of two `Health` are merged. Give one of them a prefix, with
/// [`Router::nest`] or [`HttpOptions::base_path`](config::HttpOptions::base_path):
///
/// ```
/// use axum::Router;
/// use health_axum::Health;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_axum::StartError> {
/// let (public, internal) = (Health::builder().start()?, Health::builder().start()?);
/// let app: Router = Router::new()
///     .merge(health_axum::routes(&public))
///     .nest("/internal", health_axum::routes(&internal));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
pub fn routes<S>(health: &Health) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let endpoint = health.endpoint();
    let paths: Vec<String> = endpoint.paths().map(str::to_owned).collect();
    let serve = any(move |request: Request| {
        let head = RequestHead::from(&request).with_peer(peer(&request));
        let answer = endpoint.respond(head);
        async { answer.await.map(Body::from) }
    });
    paths.iter().fold(Router::new(), |router, path| {
        router
            .route(path, serve.clone())
            .route(&format!("{path}/"), serve.clone())
            .route(&format!("{path}/{{*check}}"), serve.clone())
    })
}

/// Known where the application serves with
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
