//! Postgres, behind a pool of bb8 0.9 with bb8-postgres.
//!
//! ```
//! use bb8_postgres::PostgresConnectionManager;
//! use bb8_postgres::bb8::Pool;
//! use health_core::HealthState;
//! use tokio_postgres::NoTls;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database accepts writes.
//!     #[health(check = health_indicators::bb8_postgres::postgres, timeout = "3s", critical)]
//!     pool: Pool<PostgresConnectionManager<NoTls>>,
//! }
//! ```
//!
//! A run takes one connection and sends one query. The pool opens one if it has
//! none that works and has room for one, as for a request. Unless
//! `test_on_check_out` is off, the pool itself sends an empty query before.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | gets no connection within 1 s, or loses it | failing | `unreachable` |
//! | gets no answer to the empty query of the pool within 1 s | failing | `timed_out` |
//! | asks a standby or a read-only server for writes | failing | `wrong_role` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! bb8 gives the errors of connecting to its error sink alone, so wrong
//! credentials and a server that starts are `unreachable`, too.

use std::time::Duration;

use bb8_postgres::bb8::{ManageConnection, Pool, PooledConnection, RunError};
use health_core::Outcome;
use health_core::check::FailureClass;
use tokio::time::timeout;
use tokio_postgres::{Client, Error};

use crate::failure::{failure, saturated};
use crate::tokio_postgres::{answers, failed, writable};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// A Postgres server that accepts writes: neither a standby nor read-only.
pub async fn postgres<M>(pool: &Pool<M>) -> Outcome
where
    M: ManageConnection<Connection = Client, Error = Error>,
{
    let outcome = match connection(pool).await {
        Ok(connection) => writable(&connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// A Postgres server that answers, in any role: for pools that only read.
pub async fn postgres_read_only<M>(pool: &Pool<M>) -> Outcome
where
    M: ManageConnection<Connection = Client, Error = Error>,
{
    let outcome = match connection(pool).await {
        Ok(connection) => answers(&connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

async fn connection<M>(pool: &Pool<M>) -> Result<PooledConnection<'_, M>, Outcome>
where
    M: ManageConnection<Connection = Client, Error = Error>,
{
    match timeout(PATIENCE, pool.get()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(RunError::User(error))) => Err(failed(error)),
        Ok(Err(RunError::TimedOut)) | Err(_) => Err(missing(pool)),
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

fn described<M: ManageConnection>(pool: &Pool<M>, outcome: Outcome) -> Outcome {
    let state = pool.state();
    let most = pool.config().max_size;
    outcome
        .observe(state.connections, "connections")
        .detail(serde_json::json!({ "idle": state.idle_connections, "max": most }))
}
