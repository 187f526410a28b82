//! What the pools of bb8 0.9 share.

use std::time::Duration;

use bb8::{ManageConnection, Pool, PooledConnection, RunError};
use health_core::Outcome;
use health_core::check::FailureClass;
use tokio::time::{Instant, timeout_at};

use crate::failure::{failure, saturated};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection, or what is wrong. `failed` judges the errors of the client.
pub(crate) async fn connection<M: ManageConnection>(
    pool: &Pool<M>,
    failed: impl Fn(M::Error) -> Outcome,
) -> Result<PooledConnection<'_, M>, Outcome> {
    let until = Instant::now() + PATIENCE;
    if must_open(pool) {
        open(pool, until, &failed).await?;
    }
    match timeout_at(until, pool.get()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(RunError::User(error))) => Err(failed(error)),
        Ok(Err(RunError::TimedOut)) | Err(_) => Err(missing(pool)),
    }
}

/// Whether the pool would open a connection for the run.
fn must_open<M: ManageConnection>(pool: &Pool<M>) -> bool {
    let state = pool.state();
    state.idle_connections == 0 && state.connections < pool.config().max_size
}

/// Opens a connection and gives it to the pool.
///
/// `Pool::get` repeats an attempt that fails, and only the error sink of the pool
/// sees why.
async fn open<M: ManageConnection>(
    pool: &Pool<M>,
    until: Instant,
    failed: impl Fn(M::Error) -> Outcome,
) -> Result<(), Outcome> {
    match timeout_at(until, pool.dedicated_connection()).await {
        Ok(Ok(connection)) => {
            // The requests of the application may have filled the pool meanwhile.
            drop(pool.add(connection));
            Ok(())
        }
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(missing(pool)),
    }
}

/// Connections that are being opened are not among those of the state.
fn missing<M: ManageConnection>(pool: &Pool<M>) -> Outcome {
    let state = pool.state();
    let is_full = state.connections >= pool.config().max_size;
    if is_full && state.idle_connections == 0 {
        saturated()
    } else if state.connections > 0 {
        failure(FailureClass::TimedOut)
    } else {
        failure(FailureClass::Unreachable)
    }
}

/// The state of the pool, for those who look.
pub(crate) fn described<M: ManageConnection>(pool: &Pool<M>, outcome: Outcome) -> Outcome {
    let state = pool.state();
    let most = pool.config().max_size;
    outcome
        .observe(state.connections, "connections")
        .detail(serde_json::json!({ "idle": state.idle_connections, "max": most }))
}
