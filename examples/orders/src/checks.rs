//! The health checks: declared here, and found by `Health::builder()` of
//! whichever program names this crate.

use std::io;
use std::time::Duration;

use health_core::{CheckOptions, HealthBuilder, Outcome, health_check};
use health_indicators::{http, redis};

use crate::app::AppState;
use crate::database::Store;
use crate::disk::DiskSpace;

/// Without the database no request can be served, so this decides readiness.
#[health_check(timeout = "2s", interval = "2s", critical, tags("storage"))]
async fn database(store: &Store) -> Result<Outcome, sqlx::Error> {
    store.probe().await
}

/// A full disk is near. A plain function, since asking a disk can block.
#[health_check(tags("storage"), observes(bytes))]
fn disk(disk: &DiskSpace) -> io::Result<Outcome> {
    let free = disk.free()?;
    let outcome = if free < disk.least() {
        Outcome::warn("the disk is nearly full")
    } else {
        Outcome::pass()
    };
    Ok(outcome.observe(free, "bytes"))
}

/// The dependencies that are set up: by `REDIS_URL` and `PAYMENT_URL`. Without
/// either of them the service is degraded, and other requests are served.
pub fn with_dependencies(mut health: HealthBuilder, app: &AppState) -> HealthBuilder {
    let options = CheckOptions::new().timeout(Duration::from_secs(1));
    if let Some(connection) = app.cache.connection().cloned() {
        let check = move || {
            let connection = connection.clone();
            async move { redis::ping(&connection).await }
        };
        health = health.check(
            "cache",
            options.clone().interval(Duration::from_secs(2)),
            check,
        );
    }
    if let Some(payments) = app.payments.clone() {
        let check = move || {
            let payments = payments.clone();
            async move { http::get(payments.up()).check(payments.client()).await }
        };
        health = health.check("payments", options.interval(Duration::from_secs(2)), check);
    }
    health
}
