//! An order service on axum whose readiness follows its database.
//!
//! `cargo run --bin orders`, then see what it prints.

mod grpc;
mod routes;

use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use health_axum::config::HttpOptions;
use health_axum::config::LifecycleOptions;
use health_axum::config::RuntimeOptions;
use health_axum::config::ServiceInfo;
use health_axum::http::Page;
use health_axum::{CheckOptions, Health};
use orders::{AppState, GRACE, Settings, greet};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    orders::log_to_stderr();
    let settings = Settings::from_env()?;
    // `orders probe` probes the running service: see `examples/Dockerfile`.
    health_probe::main_if_asked_at(&settings.probe_url());
    orders::refuse_arguments()?;
    let (state, worker) = AppState::open(&settings).await?;
    let health = Health::builder()
        .state(state.clone())
        .service_info(ServiceInfo::new().version(env!("CARGO_PKG_VERSION")))
        .require(["database", "disk"])
        .reported(worker.backlog(), CheckOptions::new().startup().critical())
        // Orders are accepted while the worker hangs, so its heartbeat only degrades.
        .reported(worker.heartbeat(), CheckOptions::new())
        .runtime(RuntimeOptions::new().watchdog(Duration::from_secs(5)))
        .lifecycle(LifecycleOptions::new().notify_systemd())
        .http(
            HttpOptions::new()
                .path("/status", Page::StatusPage)
                .path("/metrics", Page::Metrics)
                .path("/health/openapi.json", Page::OpenApi),
        )
        // Settings of an operator: `HEALTH_DRAIN_DELAY`,
        // `HEALTH_CHECK_DATABASE_TIMEOUT`.
        .settings(health_core::config::Settings::from_vars(std::env::vars_os()))
        .start()?;
    // Names, metrics and the status page: on a port that only operators can reach.
    let internal = health.serve(settings.internal_address).with_context(|| {
        let address = settings.internal_address;
        format!("cannot listen on {address} for operators")
    })?;
    let app = routes::router()
        .with_state(state.clone())
        .layer(middleware::map_response_with_state(health.clone(), close))
        .merge(health_axum::routes(&health));
    let listener = TcpListener::bind(settings.address)
        .await
        .with_context(|| format!("cannot listen on {}", settings.address))?;
    greet(listener.local_addr()?, internal.address(), &state);

    let grpc = grpc::listen(settings.grpc_address).await?;

    let served = async {
        let drained = health.drain_on_signal();
        let http = axum::serve(listener, app).with_graceful_shutdown(drained);
        tokio::try_join!(
            async { http.await.context("HTTP") },
            Box::pin(grpc::serve(grpc, &health)),
        )?;
        // From here on the end of the worker is not a failure.
        health.stop().await;
        worker.stop().await?;
        state.store.close().await;
        anyhow::Ok(())
    };
    // A client that never completes its request does not delay the exit.
    health
        .shutdown_timeout(GRACE, served)
        .await
        .unwrap_or(Ok(()))
}

/// Closes kept-alive connections, so that clients reconnect to another instance.
async fn close(State(health): State<Health>, mut response: Response) -> Response {
    if health.is_draining() {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
