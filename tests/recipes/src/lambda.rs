//! AWS Lambda, behind a function URL, an API gateway or a load balancer.

use health_core::Health;

/// Answers health alone. With routes of the application's own, put
/// `health.layer()` around its service.
///
/// # Errors
///
/// If the environment of Lambda is not there.
pub async fn serve(health: &Health) -> Result<(), lambda_http::Error> {
    lambda_http::run(health.endpoint()).await
}
