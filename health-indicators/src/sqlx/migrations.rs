use health_core::Outcome;
use health_core::check::{FailureClass, Indicator};
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::{ColumnIndex, Database, Decode, Error, Executor, Pool, Row, Type};

use super::{NoAnswer, described, failed, rows};

/// Creates a check that the database has every migration of this program.
///
/// A run reads the table of the migrator, `_sqlx_migrations`, with one query. It
/// changes nothing and takes no lock.
///
/// | the database | verdict | class |
/// |---|---|---|
/// | lacks a migration of the program, or has never been migrated | failing | `misconfigured` |
/// | has a migration that did not finish | degraded | `misconfigured` |
/// | has migrations that the program does not know | passing | |
///
/// A database that is ahead passes, because it is during each rollout: the old
/// pods keep serving. Other failures are those of the [module](super).
///
/// ```no_run,standalone_crate
/// use health_core::HealthState;
/// use health_indicators::sqlx::migrations;
/// use sqlx::migrate::Migrator;
///
/// # const MIGRATOR_OF_A_TEST: Migrator = Migrator::DEFAULT;
/// # macro_rules! migrate { () => { MIGRATOR_OF_A_TEST } }
/// static MIGRATOR: Migrator = migrate!(); // sqlx::migrate!()
///
/// # #[cfg(feature = "sqlx-postgres")] {
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     /// The schema is that of this version or newer.
///     #[health(name = "migrations", check = migrations(&MIGRATOR), timeout = "2s", critical)]
///     pool: sqlx::PgPool,
/// }
/// # }
/// ```
pub fn migrations(migrator: &'static Migrator) -> Migrations {
    Migrations { migrator }
}

/// A check of the applied migrations; created by [`migrations`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Migrations {
    migrator: &'static Migrator,
}

impl Migrations {
    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check<DB>(&self, pool: &Pool<DB>) -> Outcome
    where
        DB: Database,
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        usize: ColumnIndex<DB::Row>,
        i64: for<'r> Decode<'r, DB> + Type<DB>,
        bool: for<'r> Decode<'r, DB> + Type<DB>,
    {
        const APPLIED: &str = "SELECT version, success FROM _sqlx_migrations";
        let outcome = match rows(pool, APPLIED).await {
            Ok(rows) => match rows
                .iter()
                .map(applied::<DB>)
                .collect::<Result<Vec<_>, _>>()
            {
                Ok(applied) => self.judge(&applied),
                Err(error) => failed(error),
            },
            Err(NoAnswer::Failed(error)) if is_missing_table(&error) => self.judge(&[]),
            Err(none) => none.outcome(),
        };
        described(pool, outcome)
    }

    fn judge(&self, applied: &[Applied]) -> Outcome {
        let up = self.migrator.iter();
        let up = up.filter(|migration| !migration.migration_type.is_down_migration());
        let is_lacking = |version: i64| applied.iter().all(|applied| applied.version != version);
        let lacking = up.filter(|migration| is_lacking(migration.version)).count();
        if lacking > 0 {
            let text = "the database lacks migrations";
            Outcome::fail(text).class(FailureClass::Misconfigured)
        } else if applied.iter().any(|applied| !applied.has_finished) {
            let text = "a migration did not finish";
            Outcome::warn(text).class(FailureClass::Misconfigured)
        } else {
            Outcome::pass()
        }
    }
}

impl<DB> Indicator<Pool<DB>> for Migrations
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    usize: ColumnIndex<DB::Row>,
    i64: for<'r> Decode<'r, DB> + Type<DB>,
    bool: for<'r> Decode<'r, DB> + Type<DB>,
{
    async fn check(&self, pool: &Pool<DB>) -> Outcome {
        Migrations::check(self, pool).await
    }
}

/// A row of the migrator's table.
struct Applied {
    version: i64,
    has_finished: bool,
}

fn applied<DB>(row: &DB::Row) -> Result<Applied, Error>
where
    DB: Database,
    usize: ColumnIndex<DB::Row>,
    i64: for<'r> Decode<'r, DB> + Type<DB>,
    bool: for<'r> Decode<'r, DB> + Type<DB>,
{
    Ok(Applied {
        version: row.try_get_unchecked(0)?,
        has_finished: row.try_get_unchecked(1)?,
    })
}

/// Postgres, MySQL, and SQLite, whose code is that of any mistake in a query.
fn is_missing_table(error: &Error) -> bool {
    let database = error.as_database_error();
    let code = database.and_then(DatabaseError::code);
    code.is_some_and(|code| matches!(&*code, "42P01" | "42S02" | "1146" | "1"))
}
