//! The handler that docs/comparison.md ports.

use std::env::var;
use std::path::PathBuf;

use health_axum::config::ServiceInfo;
use health_axum::{Health, HealthState, Outcome, health_check};
use health_indicators::http;
use health_indicators::machine::{Cpu, Directory, Disk, Memory};
use redis::aio::ConnectionManager;
use tokio::net::TcpListener;

const GIB: u64 = 1024 * 1024 * 1024;

#[derive(Clone, HealthState)]
struct AppState {
    /// Without the database no request can be served.
    #[health(check = health_indicators::sqlx::postgres, timeout = "2s", critical)]
    database: sqlx::PgPool,
    /// Not critical: requests without the cache are slow, but they are served.
    #[health(check = health_indicators::redis::ping, timeout = "1s")]
    cache: ConnectionManager,
    /// The service that the handlers call.
    #[health(check = http::get(var("API_URL").unwrap_or_default()), timeout = "5s")]
    api: reqwest::Client,
    /// The directory of uploads is degraded from 80 % of its quota.
    #[health(check = Directory::at("uploads", 10 * GIB).warn_at(80), interval = "1m")]
    uploads: PathBuf,
}

// Plain functions run on their own thread, because a disk can block.

#[health_check(interval = "30s")]
fn disk() -> Outcome {
    Disk::at("/").warn_below("10%").fail_below(0).check()
}

#[health_check(interval = "30s")]
fn memory() -> Outcome {
    Memory::new().warn_below(10).check()
}

/// How long tasks wait for the CPU, and whether the container is throttled.
#[health_check(interval = "30s")]
fn cpu() -> Outcome {
    static CPU: Cpu = Cpu::new(); // compares with its last run
    CPU.check()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let state = AppState {
        database: sqlx::PgPool::connect_lazy(&var("DATABASE_URL")?)?,
        cache: ConnectionManager::new(redis::Client::open(var("REDIS_URL")?)?).await?,
        api: reqwest::Client::new(),
        uploads: "uploads".into(),
    };
    let health = Health::builder()
        .state(state.clone())
        .service_info(ServiceInfo::new().version(env!("CARGO_PKG_VERSION")))
        .start()?;
    let app = axum::Router::new()
        .with_state(state)
        .merge(health_axum::internal_routes(&health)); // names too; `routes` on a public port
    let port = var("PORT").unwrap_or_else(|_| "3000".into());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(health.drain_on_signal())
        .await?;
    Ok(())
}
