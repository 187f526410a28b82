//! axum 0.8: the routes of `health-axum`.

use axum::{Router, routing::get};
use health_axum::config::HttpOptions;
use health_axum::http::Page;
use health_axum::{Health, StartError, health_check};

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
        .merge(health_axum::routes(health))
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
    let public = serve(app(&health)).await;
    let internal = serve(health_axum::internal_routes(&health)).await;
    let asking = tokio::task::spawn_blocking(move || {
        ask::assert_public(public);
        ask::assert_internal(internal);
    });
    asking.await.expect("no panic");
}
