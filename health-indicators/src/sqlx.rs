//! Databases behind a pool of sqlx 0.9.
//!
//! ```no_run,standalone_crate
//! # #[cfg(feature = "sqlx-postgres")] {
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database accepts writes.
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
//!
//! The pool does not tell a connection that is in use from one that a request of
//! the application still opens. If all its places are taken by such attempts, the
//! class is `saturated`, except in the run that loses a connection.

#[cfg(feature = "sqlx-migrate")]
mod migrations;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use health_core::Outcome;
use health_core::check::FailureClass;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Error, Executor, Pool};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres"))]
use crate::failure::failure;
use crate::failure::{because, saturated};
use crate::postgres::class_of_sqlstate;

#[cfg(feature = "sqlx-migrate")]
pub use self::migrations::{Migrations, migrations};

/// How long a run waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it looks for an idle one, where all are in use.
const PAUSE: Duration = Duration::from_millis(20);

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
///
/// `SELECT 1` would pass on a primary that has been demoted.
#[cfg(feature = "sqlx-postgres")]
pub async fn postgres(pool: &sqlx::PgPool) -> Outcome {
    writable(pool, ask(pool, crate::postgres::IS_READ_ONLY).await)
}

/// Checks that the Postgres server answers, in any role: for pools that only read.
#[cfg(feature = "sqlx-postgres")]
pub async fn postgres_read_only(pool: &sqlx::PgPool) -> Outcome {
    answered(pool, ask(pool, "SELECT 1").await)
}

/// Checks that the MySQL or MariaDB server accepts writes: it is not `read_only`,
/// and so not `super_read_only` either.
#[cfg(feature = "sqlx-mysql")]
pub async fn mysql(pool: &sqlx::MySqlPool) -> Outcome {
    writable(pool, ask(pool, crate::mysql::IS_READ_ONLY).await)
}

/// Checks that the MySQL or MariaDB server answers, in any role: for pools that
/// only read.
#[cfg(feature = "sqlx-mysql")]
pub async fn mysql_read_only(pool: &sqlx::MySqlPool) -> Outcome {
    answered(pool, ask(pool, "SELECT 1").await)
}

/// Checks that the file of the SQLite database can be read.
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

/// The row that is the answer to one query, or why there is none.
async fn ask<DB>(pool: &Pool<DB>, sql: &'static str) -> Result<DB::Row, Outcome>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let rows = rows(pool, sql).await.map_err(NoAnswer::outcome)?;
    let first = rows.into_iter().next();
    first.ok_or_else(|| failed(Error::RowNotFound))
}

/// Why a query has no answer.
enum NoAnswer {
    /// There was no connection for it.
    Missing(Missing, Option<Error>),
    Failed(Error),
}

impl NoAnswer {
    fn outcome(self) -> Outcome {
        match self {
            NoAnswer::Missing(missing, lost) => missing.outcome(lost),
            NoAnswer::Failed(error) => failed(error),
        }
    }
}

/// The answer to one query, or why there is none.
async fn rows<DB>(pool: &Pool<DB>, sql: &'static str) -> Result<Vec<DB::Row>, NoAnswer>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let until = Instant::now() + PATIENCE;
    let mut lost = None;
    loop {
        let (mut connection, age) = match connection(pool, until).await {
            Ok(connection) => connection,
            Err(missing) => return Err(NoAnswer::Missing(missing, lost)),
        };
        match sqlx::raw_sql(sql).fetch_all(&mut *connection).await {
            // It broke while it was idle, as all do when the server restarts. The
            // application would not notice: the pool tests what it gives out.
            Err(error) if age == Age::Idle && class(&error) == FailureClass::Unreachable => {
                drop(connection.detach());
                lost = Some(error);
            }
            answer => return answer.map_err(NoAnswer::Failed),
        }
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Idle,
    Opened,
}

/// Why there is no connection.
enum Missing {
    /// All are in use.
    Saturated,
    /// One is being opened, for longer than a run waits.
    Opening,
    Failed(Error),
}

impl Missing {
    /// A pool that has `lost` a connection in the same run may look full because
    /// the application opens others.
    fn outcome(self, lost: Option<Error>) -> Outcome {
        match (self, lost) {
            (Missing::Failed(error), _) | (_, Some(error)) => failed(error),
            (Missing::Opening, None) => failed(Error::PoolTimedOut),
            (Missing::Saturated, None) => saturated(),
        }
    }
}

/// A connection that is idle, or one that is opened where there is room.
///
/// The counters of the pool are no snapshot: `try_acquire` alone tells whether a
/// connection is idle.
async fn connection<DB: Database>(
    pool: &Pool<DB>,
    until: Instant,
) -> Result<(PoolConnection<DB>, Age), Missing> {
    let most = pool.options().get_max_connections();
    let mut opening = None;
    loop {
        if let Some(idle) = pool.try_acquire() {
            return Ok((idle, Age::Idle));
        }
        if Instant::now() >= until {
            let is_opening = Opening::is_marked(pool);
            return Err(if is_opening {
                Missing::Opening
            } else {
                Missing::Saturated
            });
        }
        if opening.is_none() && pool.size() < most {
            opening = Opening::mark(pool).map(|mark| open(pool, mark));
        }
        let Some(task) = &mut opening else {
            sleep(PAUSE).await;
            continue;
        };
        match timeout(PAUSE, task).await {
            Ok(Ok(Ok(opened))) => return Ok((opened, Age::Opened)),
            Ok(Ok(Err(error))) => return Err(Missing::Failed(error)),
            // The runtime ends.
            Ok(Err(_)) => return Err(Missing::Opening),
            Err(_) => {}
        }
    }
}

/// Opens a connection in a task of its own, because a future that is dropped
/// there can cost the pool a permit:
/// <https://github.com/launchbadge/sqlx/issues/4349>
fn open<DB: Database>(
    pool: &Pool<DB>,
    mark: Opening,
) -> JoinHandle<Result<PoolConnection<DB>, Error>> {
    let acquire = pool.acquire();
    tokio::spawn(async move {
        let _mark = mark;
        acquire.await
    })
}

/// Marks a pool for which a check opens a connection.
///
/// While the server is away, sqlx tries to connect for longer than a run lasts.
/// A second attempt would take another place of the pool, and a pool full of
/// attempts would look saturated.
struct Opening(usize);

/// The pools that are marked, by their addresses.
static OPENING: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

impl Opening {
    /// `None` if the pool is marked already.
    fn mark<DB: Database>(pool: &Pool<DB>) -> Option<Self> {
        let address = address(pool);
        let is_first = Self::pools().insert(address);
        is_first.then_some(Opening(address))
    }

    fn is_marked<DB: Database>(pool: &Pool<DB>) -> bool {
        Self::pools().contains(&address(pool))
    }

    fn pools() -> MutexGuard<'static, BTreeSet<usize>> {
        OPENING.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        Self::pools().remove(&self.0);
    }
}

/// Its clones share the options, which live in the pool. An attempt to connect
/// keeps the pool, so that no other pool gets the address meanwhile.
fn address<DB: Database>(pool: &Pool<DB>) -> usize {
    std::ptr::from_ref(pool.options()).addr()
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
        // MySQL: access denied
        "1045" => FailureClass::Unauthorized,
        // no such database; SQLite: no database file
        "42000" | "1049" | "26" => FailureClass::Misconfigured,
        // SQLite: the file cannot be opened or read
        "14" | "10" => FailureClass::Unreachable,
        // too many clients
        "1040" => FailureClass::Saturated,
        "1290" | "8" => FailureClass::WrongRole,
        code => class_of_sqlstate(code),
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
