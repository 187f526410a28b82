//! Postgres, behind a pool of r2d2 with diesel 2.3.
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
//! The checks take any connection of diesel to Postgres. They block, so they run
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
//! diesel and r2d2 pass on the text of an error without its SQLSTATE. The classes
//! `unauthorized`, `misconfigured` and `starting` are read from the messages of a
//! server whose `lc_messages` is English; from others, the class is `unreachable`.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::connection::LoadConnection;
use diesel::expression::IntoSql as _;
use diesel::pg::Pg;
use diesel::r2d2::{ConnectionManager, Pool, PoolError, PooledConnection, R2D2Connection};
use diesel::sql_types::Integer;
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::diesel::{answered, class_of_text, is_read_only, writable};
use crate::failure::{because, saturated};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// A Postgres server that takes writes: neither a standby nor read-only.
pub fn postgres<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Pg> + 'static,
{
    let outcome = match connection(pool) {
        Ok(mut connection) => writable(is_read_only().get_result(&mut *connection)),
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// A Postgres server that answers, in whatever role: for pools that only read.
pub fn postgres_read_only<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Pg> + 'static,
{
    let outcome = match connection(pool) {
        Ok(mut connection) => {
            let one = diesel::select(1.into_sql::<Integer>());
            answered(one.get_result(&mut *connection))
        }
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
