//! health-checks 0.1.

use std::time::Duration;

use axum::Router;
use health_checks::axum::RouterExt;
use health_checks::{
    BoxError, HealthCheck, HealthCheckContext, HealthCheckOptions, HealthCheckRegistration,
    HealthCheckResult, HealthChecks, HealthStatus, async_trait,
};
use tokio::net::TcpStream;

struct Broker(&'static str);

#[async_trait]
impl HealthCheck for Broker {
    async fn check(&self, _: &HealthCheckContext) -> Result<HealthCheckResult, BoxError> {
        TcpStream::connect(self.0).await?;
        Ok(HealthCheckResult::healthy())
    }
}

pub fn app() -> Router {
    let broker = HealthCheckRegistration::new("broker", Broker("broker:5672"))
        .tags(["ready"])
        .failure_status(HealthStatus::Degraded);
    let health = HealthChecks::builder()
        .default_timeout(Duration::from_secs(2))
        .add(broker)
        .build();
    let ready = HealthCheckOptions::json().tags(["ready"]);
    Router::new()
        .map_health_checks("/health/ready", health.clone(), ready)
        .map_health_checks("/health/live", health, HealthCheckOptions::liveness())
}
