//! Redis and Valkey, behind a pool of deadpool-redis 0.23.

use deadpool_redis::Pool;
use health_core::Outcome;

use crate::deadpool::{connection, described};
use crate::redis::failed;

/// The server answers `PING`, which the pool sends to test a connection before
/// it gives it out.
///
/// A run takes one connection and sends nothing else. It opens one only if the
/// pool has none that works. A pool that has every connection in use for 1 s
/// degrades with the class `saturated`; other classes are those of
/// [`redis`](crate::redis).
///
/// ```no_run,standalone_crate
/// use health_core::HealthState;
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     #[health(check = health_indicators::deadpool_redis::ping, timeout = "2s")]
///     cache: deadpool_redis::Pool,
/// }
/// ```
pub async fn ping(pool: &Pool) -> Outcome {
    let outcome = match connection(pool, failed).await {
        Ok(_) => Outcome::pass(),
        Err(missing) => missing,
    };
    described(pool, outcome)
}
