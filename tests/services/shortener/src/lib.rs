//! A link shortener: the links are in SQLite, the popular ones in Redis.

pub mod checks;
mod links;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use health_core::HealthState;
use redis::aio::ConnectionManager;
use sqlx::SqlitePool;

/// What handlers and checks use.
#[derive(HealthState)]
pub struct AppState {
    pub pool: SqlitePool,
    pub cache: ConnectionManager,
}

pub type SharedState = Arc<AppState>;

/// The routes of the application. Health is added by `main`.
pub fn app(state: SharedState) -> Router {
    Router::new()
        .route("/links", post(links::create))
        .route("/:code", get(links::follow))
        .with_state(state)
}
