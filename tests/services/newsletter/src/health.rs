//! What is checked, and how the checks are started.

use std::time::Duration;

use health_actix::reported::Heartbeat;
use health_actix::{CheckOptions, Health, HealthBuilder, HealthState, health_check};
use sqlx::SqlitePool;

use crate::email::EmailClient;

/// What the checks use. The handlers have each as `web::Data`.
#[derive(HealthState)]
pub struct Dependencies {
    pub pool: SqlitePool,
    pub email: EmailClient,
}

/// Subscriptions can be read.
#[health_check(timeout = "2s", critical)]
async fn database(pool: &SqlitePool) -> sqlx::Result<()> {
    sqlx::query("SELECT 1 FROM subscriptions LIMIT 1")
        .fetch_optional(pool)
        .await
        .map(drop)
}

/// The mail service is up. Issues are delivered later without it.
#[health_check(timeout = "3s", interval = "30s")]
async fn mail(email: &EmailClient) -> reqwest::Result<()> {
    email.status().await
}

/// The checks of the newsletter, and the heartbeat of its worker.
pub fn checks(dependencies: Dependencies) -> (HealthBuilder, Heartbeat) {
    // A round takes seconds at most, so a worker without a beat for a minute hangs:
    // only a restart helps.
    let rounds = Heartbeat::new("delivery", Duration::from_secs(60));
    let builder = Health::builder()
        .state(dependencies)
        .reported(&rounds, CheckOptions::new().liveness().critical());
    (builder, rounds)
}
