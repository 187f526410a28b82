//! Databases behind a pool of sqlx 0.9.
//!
//! ```
//! # #[cfg(feature = "sqlx-postgres")] {
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database takes writes.
//!     #[health(check = health_indicators::sqlx::postgres, timeout = "2s", critical)]
//!     pool: sqlx::PgPool,
//! }
//! # }
//! ```
//!
//! A run takes a connection that is idle and sends one query. (sqlx itself pings
//! a connection when it goes back to the pool.) It opens a connection only if
//! the pool has none that works and has room for one, as the next request of the
//! application would.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | gets no connection within 1 s, or loses it | failing | `unreachable` |
//! | opens a connection, and the credentials are wrong | failing | `unauthorized` |
//! | opens a connection, and there is no such database | failing | `misconfigured` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! While a server starts, sqlx repeats the attempt to connect and keeps the
//! error for itself, so the class is `unreachable` then. The timeout of the check
//! should be longer than 1 s, or it is `timed_out`.

use std::time::Duration;

use health_core::Outcome;
use health_core::check::FailureClass;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Error, Executor, Pool};
use tokio::time::{Instant, sleep, timeout};

#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres"))]
use crate::failure::failure;
use crate::failure::{because, saturated};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks for an idle one, where all are in use.
const PAUSE: Duration = Duration::from_millis(20);

/// A Postgres server that takes writes: neither a standby nor read-only.
///
/// `SELECT 1` would pass on a primary that has been demoted.
#[cfg(feature = "sqlx-postgres")]
pub async fn postgres(pool: &sqlx::PgPool) -> Outcome {
    const IS_READ_ONLY: &str = "SELECT pg_catalog.pg_is_in_recovery() \
         OR pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool";
    writable(pool, ask(pool, IS_READ_ONLY).await)
}

/// A Postgres server that answers, in whatever role: for pools that only read.
#[cfg(feature = "sqlx-postgres")]
pub async fn postgres_read_only(pool: &sqlx::PgPool) -> Outcome {
    answered(pool, ask(pool, "SELECT 1").await)
}

/// A MySQL or MariaDB server that takes writes: it is not `read_only`, and so
/// not `super_read_only` either.
#[cfg(feature = "sqlx-mysql")]
pub async fn mysql(pool: &sqlx::MySqlPool) -> Outcome {
    writable(pool, ask(pool, "SELECT @@global.read_only").await)
}

/// A MySQL or MariaDB server that answers, in whatever role: for pools that only
/// read.
#[cfg(feature = "sqlx-mysql")]
pub async fn mysql_read_only(pool: &sqlx::MySqlPool) -> Outcome {
    answered(pool, ask(pool, "SELECT 1").await)
}

/// An SQLite database whose file can be read.
///
/// The query reads the schema: `SELECT 1` would never touch the file.
#[cfg(feature = "sqlx-sqlite")]
pub async fn sqlite(pool: &sqlx::SqlitePool) -> Outcome {
    answered(pool, ask(pool, "SELECT count(*) FROM sqlite_schema").await)
}

fn answered<DB: Database>(pool: &Pool<DB>, answer: Result<DB::Row, Outcome>) -> Outcome {
    described(
        pool,
        answer.map_or_else(|failed| failed, |_| Outcome::pass()),
    )
}

/// The answer to whether the server is read-only.
#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres"))]
fn writable<DB>(pool: &Pool<DB>, answer: Result<DB::Row, Outcome>) -> Outcome
where
    DB: Database,
    usize: sqlx::ColumnIndex<DB::Row>,
    bool: for<'r> sqlx::Decode<'r, DB> + sqlx::Type<DB>,
{
    use sqlx::Row as _;

    let outcome = match answer.map(|row| row.try_get_unchecked(0)) {
        Err(failed) => failed,
        Ok(Ok(true)) => failure(FailureClass::WrongRole),
        Ok(Ok(false)) => Outcome::pass(),
        Ok(Err(error)) => because(FailureClass::Refused, error),
    };
    described(pool, outcome)
}

/// The answer to one query, or why there is none.
async fn ask<DB>(pool: &Pool<DB>, sql: &'static str) -> Result<DB::Row, Outcome>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    if let Some(mut idle) = pool.try_acquire() {
        match sqlx::raw_sql(sql).fetch_one(&mut *idle).await {
            // It broke while it was idle, as all do when the server restarts. The
            // application would not notice: the pool tests what it gives out.
            Err(error) if class(&error) == FailureClass::Unreachable => drop(idle),
            answer => return answer.map_err(failed),
        }
    }
    let mut connection = connection(pool).await?;
    let answer = sqlx::raw_sql(sql).fetch_one(&mut *connection).await;
    answer.map_err(failed)
}

/// A connection of the pool that works, or why there is none.
async fn connection<DB: Database>(pool: &Pool<DB>) -> Result<PoolConnection<DB>, Outcome> {
    let most = pool.options().get_max_connections();
    let until = Instant::now() + PATIENCE;
    // No place in the queue, which the application needs itself.
    while pool.size() >= most && pool.num_idle() == 0 {
        if Instant::now() >= until {
            return Err(saturated());
        }
        sleep(PAUSE).await;
    }
    // A task of its own, because a future that is dropped here can cost the pool a
    // permit: https://github.com/launchbadge/sqlx/issues/4349
    let opening = tokio::spawn(pool.acquire());
    match timeout(PATIENCE, opening).await {
        Ok(Ok(opened)) => opened.map_err(failed),
        Ok(Err(error)) => Err(because(FailureClass::Unreachable, error)),
        Err(error) => Err(because(FailureClass::Unreachable, error)),
    }
}

fn failed(error: Error) -> Outcome {
    because(class(&error), error)
}

fn class(error: &Error) -> FailureClass {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed => {
            FailureClass::Unreachable
        }
        Error::Configuration(_) => FailureClass::Misconfigured,
        Error::Database(error) => error
            .code()
            .map_or(FailureClass::Refused, |code| class_of_code(&code)),
        _ => FailureClass::Refused,
    }
}

/// SQLSTATE of Postgres and MySQL, and the result codes of SQLite. sqlx gives
/// MySQL's the code of the protocol where it has one.
fn class_of_code(code: &str) -> FailureClass {
    match code {
        // Postgres: invalid password, no such role; MySQL: access denied
        "28P01" | "28000" | "1045" => FailureClass::Unauthorized,
        // no such database; SQLite: no database file
        "3D000" | "42000" | "1049" | "26" => FailureClass::Misconfigured,
        // the server ends or has ended; SQLite: the file cannot be opened or read
        "57P01" | "57P02" | "08000" | "08003" | "08006" | "14" | "10" => FailureClass::Unreachable,
        "57P03" => FailureClass::Starting,
        // too many clients
        "53300" | "08004" | "1040" => FailureClass::Saturated,
        "25006" | "1290" | "8" => FailureClass::WrongRole,
        _ => FailureClass::Refused,
    }
}

/// The state of the pool, for those who look.
fn described<DB: Database>(pool: &Pool<DB>, outcome: Outcome) -> Outcome {
    let (size, idle) = (pool.size(), pool.num_idle());
    let most = pool.options().get_max_connections();
    outcome
        .observe(size, "connections")
        .detail(serde_json::json!({ "idle": idle, "max": most }))
}
