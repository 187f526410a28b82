//! An order service on axum whose readiness follows its database.
//!
//! `cargo run --bin orders`, then see what it prints.

mod routes;

use anyhow::Context as _;
use examples::orders::{AppState, Settings, bounded, greet};
use health_axum::{Health, Page};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    examples::log_to_stderr();
    let settings = Settings::from_env()?;
    let (state, worker) = AppState::open(&settings).await?;
    let health = Health::builder()
        .state(state.clone())
        .version(env!("CARGO_PKG_VERSION"))
        .path("/metrics", Page::Metrics)
        .expect(["database", "disk", "worker"])
        .start()?;
    let app = routes::router()
        .with_state(state.clone())
        .merge(health_axum::routes(&health));
    let listener = TcpListener::bind(settings.address)
        .await
        .with_context(|| format!("cannot listen on {}", settings.address))?;
    greet(listener.local_addr()?, &state);

    let served = async {
        axum::serve(listener, app)
            .with_graceful_shutdown(health.drain_on_signal())
            .await?;
        worker.stop().await?;
        state.store.close().await;
        anyhow::Ok(())
    };
    bounded(served, &health).await
}
