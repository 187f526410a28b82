//! Redis and Valkey, behind a pool of deadpool-redis 0.23.

use std::time::Duration;

use deadpool_redis::{Pool, PoolError, Timeouts};
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::failure::{because, saturated};
use crate::redis::failed;

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// The server answers `PING`, which the pool sends to test a connection before
/// it gives it out.
///
/// A run takes one connection and sends nothing else. It opens one only if the
/// pool has none that works. A pool that has every connection in use for 1 s
/// degrades with the class `saturated`; other classes are those of
/// [`redis`](crate::redis).
///
/// ```
/// use health_core::HealthState;
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     #[health(check = health_indicators::deadpool_redis::ping, timeout = "2s")]
///     cache: deadpool_redis::Pool,
/// }
/// ```
pub async fn ping(pool: &Pool) -> Outcome {
    let timeouts = Timeouts {
        wait: Some(PATIENCE),
        ..pool.timeouts()
    };
    let outcome = match pool.timeout_get(&timeouts).await {
        Ok(_) => Outcome::pass(),
        Err(PoolError::Timeout(deadpool_redis::TimeoutType::Wait)) => saturated(),
        Err(PoolError::Backend(error)) => failed(error),
        Err(error @ PoolError::Timeout(_)) => because(FailureClass::TimedOut, error),
        Err(error @ PoolError::Closed) => because(FailureClass::Unreachable, error),
        Err(error) => because(FailureClass::Misconfigured, error),
    };
    let status = pool.status();
    outcome
        .observe(status.size, "connections")
        .detail(serde_json::json!({ "idle": status.available, "max": status.max_size }))
}
