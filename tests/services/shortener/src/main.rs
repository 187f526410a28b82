use std::error::Error;
use std::sync::Arc;

use health_core::Health;
use health_core::config::HttpOptions;
use health_core::http::Page;
use redis::aio::ConnectionManager;
use shortener::AppState;
use sqlx::SqlitePool;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    health_probe::main_if_asked_at("http://127.0.0.1:3000/readyz");
    let filter = setting("RUST_LOG", "shortener=info,health=info");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .init();

    let pool = SqlitePool::connect(&setting("DATABASE_URL", "sqlite::memory:")).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS links (id INTEGER PRIMARY KEY, url TEXT NOT NULL)")
        .execute(&pool)
        .await?;
    let redis = redis::Client::open(setting("REDIS_URL", "redis://127.0.0.1"))?;
    let cache = ConnectionManager::new(redis).await?;
    let state = Arc::new(AppState { pool, cache });

    let http = HttpOptions::new().path("/metrics", Page::Metrics);
    let health = Health::builder()
        .state(Arc::clone(&state))
        .http(http)
        .start()?;
    let internal = health.serve(setting("INTERNAL_ADDRESS", "127.0.0.1:9090"))?;

    let app = shortener::app(state).layer(health.layer());
    let listener = TcpListener::bind(setting("ADDRESS", "127.0.0.1:3000")).await?;
    println!(
        "listening on http://{} and http://{}",
        listener.local_addr()?,
        internal.address()
    );
    axum::serve(listener, app)
        .with_graceful_shutdown(health.drain_on_signal())
        .await?;
    health.stop().await;
    Ok(())
}
