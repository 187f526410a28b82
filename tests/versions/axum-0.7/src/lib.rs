//! axum 0.7: the endpoint of `health-core` as a service of tower.

use axum::{Router, routing::get};
use health_core::config::HttpOptions;
use health_core::http::Page;
use health_core::{Health, StartError, health_check};

/// The queue takes work.
#[health_check(critical)]
async fn queue() -> bool {
    true
}

/// Starts the checks.
///
/// # Errors
///
/// As `HealthBuilder::start`.
pub fn start() -> Result<Health, StartError> {
    let http = HttpOptions::new().path("/metrics", Page::Metrics);
    Health::builder().http(http).start()
}

/// The application with its probes.
pub fn app(health: &Health) -> Router {
    Router::new()
        .route("/", get(|| async { "business" }))
        .fallback_service(health.endpoint())
}

/// The same for an application that has a fallback of its own.
pub fn behind_a_layer(health: &Health) -> Router {
    Router::new()
        .route("/", get(|| async { "business" }))
        .layer(health.layer())
}

/// All pages, on a listener of their own.
pub fn internal(health: &Health) -> Router {
    Router::new().fallback_service(health.internal_endpoint())
}

#[cfg(test)]
#[path = "../../ask.rs"]
mod ask;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_answers() {
    let health = start().expect("it starts");
    health.refresh("queue").await;
    let serve = async |app: Router| {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    };
    let public = [
        serve(app(&health)).await,
        serve(behind_a_layer(&health)).await,
    ];
    let internal = serve(internal(&health)).await;
    let asking = tokio::task::spawn_blocking(move || {
        public.map(ask::assert_public);
        ask::assert_internal(internal);
    });
    asking.await.expect("no panic");
}
