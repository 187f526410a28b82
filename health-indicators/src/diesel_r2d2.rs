//! Postgres, MySQL and SQLite, behind a pool of r2d2 with diesel 2.3.
//!
//! Each database has a feature: `diesel-postgres`, `diesel-mysql`, `diesel-sqlite`.
//!
//! ```no_run,standalone_crate
//! # #[cfg(feature = "_libpq")] {
//! use diesel::PgConnection;
//! use diesel::r2d2::{ConnectionManager, Pool};
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database takes writes.
//!     #[health(check = health_indicators::diesel_r2d2::postgres, timeout = "3s", critical)]
//!     pool: Pool<ConnectionManager<PgConnection>>,
//! }
//! # }
//! ```
//!
//! The checks take any connection of diesel to their database. They block, so they run
//! on the threads for blocking checks.
//!
//! A run takes one connection and sends one query, which diesel prepares once for
//! each connection. The pool opens a connection if it has none that works and has
//! room for one, as for a request. Unless `test_on_check_out` is off, the pool
//! itself sends `SELECT 1` before.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | gets no connection within 1 s, or loses it | failing | `unreachable` |
//! | learns from the pool that the credentials are wrong | failing | `unauthorized` |
//! | learns from the pool that there is no such database | failing | `misconfigured` |
//! | learns from the pool that the server starts | failing | `starting` |
//! | asks a standby or a read-only server for writes | failing | `wrong_role` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! r2d2 gives the reason why it cannot connect once, and repeats the attempt after
//! up to half of its `connection_timeout`. The class of the runs between two
//! attempts is `unreachable`, whatever the reason. A pool with a `connection_timeout`
//! of a few seconds tells the reason more often.
//!
//! diesel and r2d2 pass on the text of an error without its code. The classes
//! `unauthorized`, `misconfigured` and `starting` are read from the messages of a
//! server whose `lc_messages` is English; from others, the class is `unreachable`.
//!
//! The connections of diesel to MySQL have no timeout. A run on a server that is
//! frozen keeps its thread until the server is back or the connection breaks, as a
//! request does.

#[cfg(feature = "diesel-mysql")]
mod mysql;
#[cfg(feature = "diesel-postgres")]
mod postgres;
#[cfg(feature = "diesel-sqlite")]
mod sqlite;

use std::time::Duration;

use diesel::r2d2::{ConnectionManager, Pool, PoolError, PooledConnection, R2D2Connection};
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::diesel::class_of_text;
use crate::failure::{because, saturated};

#[cfg(feature = "diesel-mysql")]
pub use self::mysql::{mysql, mysql_read_only};
#[cfg(feature = "diesel-postgres")]
pub use self::postgres::{postgres, postgres_read_only};
#[cfg(feature = "diesel-sqlite")]
pub use self::sqlite::sqlite;

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// The outcome of `ask` on a connection, with the state of the pool.
fn checked<C>(pool: &Pool<ConnectionManager<C>>, ask: impl FnOnce(&mut C) -> Outcome) -> Outcome
where
    C: R2D2Connection + 'static,
{
    let outcome = match connection(pool) {
        Ok(mut connection) => ask(&mut connection),
        Err(missing) => missing,
    };
    described(pool, outcome)
}

fn connection<C>(
    pool: &Pool<ConnectionManager<C>>,
) -> Result<PooledConnection<ConnectionManager<C>>, Outcome>
where
    C: R2D2Connection + 'static,
{
    pool.get_timeout(PATIENCE)
        .map_err(|error| missing(pool, error))
}

/// Connections that are being opened are not among those of the state.
fn missing<C>(pool: &Pool<ConnectionManager<C>>, error: PoolError) -> Outcome
where
    C: R2D2Connection + 'static,
{
    let state = pool.state();
    if state.connections >= pool.max_size() && state.idle_connections == 0 {
        return saturated();
    }
    let class = class_of_text(&error.to_string());
    because(class.unwrap_or(FailureClass::Unreachable), error)
}

/// The state of the pool, for those who look.
fn described<C>(pool: &Pool<ConnectionManager<C>>, outcome: Outcome) -> Outcome
where
    C: R2D2Connection + 'static,
{
    let state = pool.state();
    outcome
        .observe(state.connections, "connections")
        .detail(serde_json::json!({ "idle": state.idle_connections, "max": pool.max_size() }))
}
