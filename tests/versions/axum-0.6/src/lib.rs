//! axum 0.6, as any older framework: health answers on a port of its own.

use std::io;

use axum::{Router, routing::get};
use health_core::config::HttpOptions;
use health_core::http::HealthServer;
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

/// The application.
pub fn app() -> Router {
    Router::new().route("/", get(|| async { "business" }))
}

/// Its health, beside it.
///
/// # Errors
///
/// If the address is in use.
pub fn serve(health: &Health, address: &str) -> io::Result<HealthServer> {
    health.serve(address)
}

#[cfg(test)]
#[path = "../../ask.rs"]
mod ask;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_answers() {
    let health = start().expect("it starts");
    health.refresh("queue").await;
    let served = serve(&health, "127.0.0.1:0").expect("a free port");
    let internal = served.address();
    let server = axum::Server::bind(&([127, 0, 0, 1], 0).into());
    let server = server.serve(app().into_make_service());
    let business = server.local_addr();
    tokio::spawn(server);
    let asking = tokio::task::spawn_blocking(move || {
        assert_eq!(ask::ask(business, "/").1, "business");
        ask::assert_internal(internal);
    });
    asking.await.expect("no panic");
}
