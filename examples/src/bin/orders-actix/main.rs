//! The order service on actix-web: only this and its routes differ from `orders`.
//!
//! `cargo run --bin orders-actix`, then see what it prints.

mod routes;

use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use examples::orders::{AppState, Settings, bounded, greet};
use health_actix::{Health, Page};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    examples::log_to_stderr();
    let settings = Settings::from_env()?;
    let (state, worker) = AppState::open(&settings).await?;
    // Outside the factory, which runs once for each of the server's workers.
    let health = Health::builder()
        .state(state.clone())
        .version(env!("CARGO_PKG_VERSION"))
        .path("/metrics", Page::Metrics)
        .expect(["database", "disk", "worker"])
        .start()?;
    let data = web::Data::new(state.clone());
    let probes = health_actix::configure(&health);
    let app = move || {
        App::new()
            .app_data(data.clone())
            .configure(routes::configure)
            .configure(probes.clone())
    };
    let server = HttpServer::new(app)
        .bind(settings.address)
        .with_context(|| format!("cannot listen on {}", settings.address))?;
    greet(server.addrs()[0], &state);

    let served = async {
        server
            .shutdown_signal(health.drain_on_signal())
            .run()
            .await?;
        worker.stop().await?;
        state.store.close().await;
        anyhow::Ok(())
    };
    bounded(served, &health).await
}
