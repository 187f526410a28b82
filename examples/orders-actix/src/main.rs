//! The order service on actix-web: only this and its routes differ from `orders`.
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
    // `orders probe` asks the service that runs already: see `examples/Dockerfile`.
    health_probe::main_if_asked_at(&settings.probe_url());
    let (state, worker) = AppState::open(&settings).await?;
    // Outside the factory, which runs once for each of the server's workers.
    let health = Health::builder()
        .state(state.clone())
        .service_info(ServiceInfo::new().version(env!("CARGO_PKG_VERSION")))
        .require(["database", "disk"])
        .reported(worker.backlog(), CheckOptions::new().startup().critical())
        // While it stands still orders are accepted all the same: degraded.
        .reported(worker.heartbeat(), CheckOptions::new())
        .runtime(RuntimeOptions::new().watchdog(Duration::from_secs(5)))
        .lifecycle(LifecycleOptions::new().notify_systemd())
        .http(
            HttpOptions::new()
                .path("/status", Page::StatusPage)
                .path("/metrics", Page::Metrics)
                .path("/health/openapi.json", Page::OpenApi),
        )
        // What an operator sets: `HEALTH_DRAIN_DELAY`, `HEALTH_CHECK_DATABASE_TIMEOUT`.
        .settings(health_core::config::Settings::from_vars(std::env::vars_os()))
        .start()?;
    // Names, metrics and the status page: on a port that only operators reach.
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
                    // Who keeps a connection takes another one for the next
                    // request, elsewhere.
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
        // From here on it is no failure that the worker ends.
        health.stop().await;
        worker.stop().await?;
        state.store.close().await;
        anyhow::Ok(())
    };
    // A client that never ends its request does not keep the process.
    health
        .shutdown_timeout(GRACE, served)
        .await
        .unwrap_or(Ok(()))
}
