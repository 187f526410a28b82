//! What the pools of deadpool 0.13 share.

use std::fmt::Display;
use std::time::Duration;

use deadpool::managed::{Manager, Object, Pool, PoolError, TimeoutType, Timeouts};
use health_core::Outcome;
use health_core::check::FailureClass;
use tokio::time::{Instant, sleep};

use crate::failure::{failure, saturated};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks for an idle one, where all are in use.
const PAUSE: Duration = Duration::from_millis(20);

/// A connection, or what is wrong. `failed` judges the errors of the client.
///
/// It never waits inside of the pool: that would take a timer, which only a pool
/// that was made with a runtime has.
pub(crate) async fn connection<M, W>(
    pool: &Pool<M, W>,
    failed: impl FnOnce(M::Error) -> Outcome,
) -> Result<W, Outcome>
where
    M: Manager<Error: Display>,
    W: From<Object<M>>,
{
    let timeouts = Timeouts {
        wait: Some(Duration::ZERO),
        ..pool.timeouts()
    };
    let until = Instant::now() + PATIENCE;
    loop {
        match pool.timeout_get(&timeouts).await {
            Ok(connection) => return Ok(connection),
            Err(PoolError::Timeout(TimeoutType::Wait)) if Instant::now() < until => {
                sleep(PAUSE).await;
            }
            Err(PoolError::Timeout(TimeoutType::Wait)) => return Err(no_place(pool)),
            Err(PoolError::Backend(error)) => return Err(failed(error)),
            Err(error) => return Err(failure(class(&error)).because(error.to_string())),
        }
    }
}

/// Every place of the pool is taken: by connections, or by attempts to connect.
fn no_place<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>) -> Outcome {
    let status = pool.status();
    if status.size >= status.max_size {
        saturated()
    } else {
        failure(FailureClass::Unreachable)
    }
}

fn class<E>(error: &PoolError<E>) -> FailureClass {
    match error {
        PoolError::Timeout(_) => FailureClass::TimedOut,
        PoolError::Closed => FailureClass::Unreachable,
        _ => FailureClass::Misconfigured,
    }
}

/// The state of the pool, for those who look.
pub(crate) fn described<M, W>(pool: &Pool<M, W>, outcome: Outcome) -> Outcome
where
    M: Manager,
    W: From<Object<M>>,
{
    let status = pool.status();
    outcome
        .observe(status.size, "connections")
        .detail(serde_json::json!({ "idle": status.available, "max": status.max_size }))
}
