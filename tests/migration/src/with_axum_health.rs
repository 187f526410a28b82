//! axum-health 0.2.

use async_trait::async_trait;
use axum::{Router, routing::get};
use axum_health::{
    health_check, indicator::HealthDetail, indicator::HealthIndicator, service::Health,
};
use tokio::net::TcpStream;

struct Broker(&'static str);

#[async_trait]
impl HealthIndicator for Broker {
    fn name(&self) -> String {
        "broker".to_owned()
    }

    async fn details(&self) -> HealthDetail {
        match TcpStream::connect(self.0).await {
            Ok(_) => HealthDetail::up(),
            Err(error) => HealthDetail::down().with_detail("error", error.to_string()),
        }
    }
}

pub fn app() -> Router {
    let health = Health::builder()
        .with_indicator(Broker("broker:5672"))
        .build();
    Router::new()
        .route("/health", get(health_check))
        .layer(health)
}
