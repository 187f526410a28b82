//! The quick start of the README.

use health_axum::{Health, HealthState, Outcome, health_check};

#[derive(Clone, HealthState)] // every field can be a parameter of a check
struct AppState {
    pool: sqlx::SqlitePool,
}

/// The orders database can be read.
#[health_check(timeout = "2s", critical)]
async fn database(pool: &sqlx::SqlitePool) -> Outcome {
    health_indicators::sqlx::sqlite(pool).await // or your own code; it can also return a `Result`
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let state = AppState {
        pool: sqlx::SqlitePool::connect("sqlite::memory:").await?,
    };
    let health = Health::builder().state(state.clone()).start()?; // every remaining problem, in one error
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "hello" }))
        .with_state(state)
        .merge(health_axum::routes(&health));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(health.drain_on_signal())
        .await?;
    Ok(())
}
