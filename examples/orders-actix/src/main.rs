//! The order service on actix-web. Only this file and its routes differ from
//! `orders`.
//!
//! `cargo run --bin orders-actix`, then see what it prints.

mod routes;

use std::time::Duration;

use actix_web::dev::Service as _;
use actix_web::http::ConnectionType;
use actix_web::middleware::Logger;
use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use health_actix::config::HttpOptions;
use health_actix::config::LifecycleOptions;
use health_actix::config::RuntimeOptions;
use health_actix::config::ServiceInfo;
use health_actix::http::Page;
use health_actix::{CheckOptions, Health};
use orders::{AppState, GRACE, Settings, greet};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    orders::log_to_stderr();
    let settings = Settings::from_env()?;
    // `orders probe` probes the running service: see `examples/Dockerfile`.
    health_probe::main_if_asked_at(&settings.probe_url());
    orders::refuse_arguments()?;
    let (state, worker) = AppState::open(&settings).await?;
    // Outside the factory, which runs once per worker of the server.
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
    let data = web::Data::new(state.clone());
    let probes = health_actix::configure(&health);
    let drained = health.clone();
    let probe_paths = health.endpoint().probe_paths("").to_regex();
    let app = move || {
        let health = drained.clone();
        App::new()
            .wrap_fn(move |request, routes| {
                let response = routes.call(request);
                let health = health.clone();
                async move {
                    let mut response = response.await?;
                    // A drain closes kept-alive connections, so that clients
                    // reconnect to another instance.
                    if health.is_draining() {
                        let head = response.response_mut().head_mut();
                        head.set_connection_type(ConnectionType::Close);
                    }
                    Ok(response)
                }
            })
            .wrap(Logger::default().exclude_regex(probe_paths.clone()))
            .app_data(data.clone())
            .configure(routes::configure)
            .configure(probes.clone())
    };
    let server = HttpServer::new(app)
        .bind(settings.address)
        .with_context(|| format!("cannot listen on {}", settings.address))?;
    greet(server.addrs()[0], internal.address(), &state);

    let served = async {
        server
            .shutdown_signal(health.drain_on_signal())
            .run()
            .await?;
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
