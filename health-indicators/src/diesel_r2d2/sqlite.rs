//! SQLite.

use diesel::connection::LoadConnection;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use diesel::sqlite::Sqlite;
use health_core::Outcome;

use super::checked;
use crate::diesel::answered;

/// Checks that the file of the SQLite database can be read.
///
/// The query reads the schema: `SELECT 1` would never touch the file. A file that
/// can only be read passes.
///
/// diesel creates a file that is missing, and the check passes on the new database.
/// A URL such as `file:orders.db?mode=rw` prevents this. Set a `busy_timeout`, as
/// the application needs it: a database that is locked fails with the class
/// `refused`.
pub fn sqlite<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Sqlite> + 'static,
{
    checked(pool, |connection| {
        answered(connection.batch_execute("SELECT count(*) FROM sqlite_schema"))
    })
}
