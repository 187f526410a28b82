//! Postgres, behind a pool of deadpool-postgres 0.14.
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database accepts writes.
//!     #[health(check = health_indicators::deadpool_postgres::postgres, timeout = "3s", critical)]
//!     pool: deadpool_postgres::Pool,
//! }
//! ```
//!
//! A run takes one connection and sends one query. It opens a connection only if
//! the pool has none that works and has room for one. With
//! `RecyclingMethod::Verified` the pool sends a query of its own before.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | cannot connect, or loses the connection | failing | `unreachable` |
//! | opens a connection, and the credentials are wrong | failing | `unauthorized` |
//! | opens a connection, and there is no such database | failing | `misconfigured` |
//! | opens a connection to a server that starts | failing | `starting` |
//! | asks a standby or a read-only server for writes | failing | `wrong_role` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |

use deadpool_postgres::Pool;
use health_core::Outcome;

use crate::deadpool::{connection, described};
use crate::tokio_postgres::{answers, failed, writable};

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
pub async fn postgres(pool: &Pool) -> Outcome {
    let outcome = match connection(pool, failed).await {
        Ok(connection) => writable(&connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// Checks that the Postgres server answers, in any role: for pools that only read.
pub async fn postgres_read_only(pool: &Pool) -> Outcome {
    let outcome = match connection(pool, failed).await {
        Ok(connection) => answers(&connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}
