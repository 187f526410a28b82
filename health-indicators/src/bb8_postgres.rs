//! Postgres, behind a pool of bb8 0.9 with bb8-postgres.
//!
//! ```no_run,standalone_crate
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
//! A run takes one connection and sends one query. If the pool has none that is
//! idle and has room for one, the run opens it and gives it to the pool. Unless
//! `test_on_check_out` is off, the pool itself sends an empty query before.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | cannot connect within 1 s, or loses the connection | failing | `unreachable` |
//! | opens a connection, and the credentials are wrong | failing | `unauthorized` |
//! | opens a connection, and there is no such database | failing | `misconfigured` |
//! | opens a connection to a server that starts | failing | `starting` |
//! | gets no answer to the empty query of the pool within 1 s | failing | `timed_out` |
//! | asks a standby or a read-only server for writes | failing | `wrong_role` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! bb8 gives the errors of its own attempts to connect to its error sink alone.
//! The run that finds the last connection broken waits for such an attempt, so
//! its class is `unreachable` whatever the reason; the next run opens the
//! connection itself and tells the reason.

use bb8::{ManageConnection, Pool};
use health_core::Outcome;
use tokio_postgres::{Client, Error};

use crate::bb8::{connection, described};
use crate::tokio_postgres::{answers, failed, writable};

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
pub async fn postgres<M>(pool: &Pool<M>) -> Outcome
where
    M: ManageConnection<Connection = Client, Error = Error>,
{
    let outcome = match connection(pool, failed).await {
        Ok(connection) => writable(&connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// Checks that the Postgres server answers, in any role: for pools that only read.
pub async fn postgres_read_only<M>(pool: &Pool<M>) -> Outcome
where
    M: ManageConnection<Connection = Client, Error = Error>,
{
    let outcome = match connection(pool, failed).await {
        Ok(connection) => answers(&connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}
