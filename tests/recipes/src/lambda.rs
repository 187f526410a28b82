//! AWS Lambda, behind a function URL, an API gateway or a load balancer.

use health_core::Health;

/// Answers health only. For an application with its own routes, put `health.layer()`
/// around its service.
///
/// # Errors
///
/// Fails if the environment of Lambda is missing.
pub async fn serve(health: &Health) -> Result<(), lambda_http::Error> {
    lambda_http::run(health.endpoint()).await
}
