//! MySQL and MariaDB.

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::{AsyncMysqlConnection, RunQueryDsl as _};
use health_core::Outcome;
use scopeguard::ScopeGuard;

use super::{described, take};
use crate::diesel::mysql::IsReadOnly;
use crate::diesel::{answered, one, writable};

/// Checks that the MySQL or MariaDB server accepts writes: it is not `read_only`,
/// and so not `super_read_only` either.
///
/// A run that gets no answer before the timeout of the check closes its connection.
pub async fn mysql(pool: &Pool<AsyncMysqlConnection>) -> Outcome {
    let outcome = match take(pool).await {
        Ok(connection) => {
            let mut connection = closed_if_cancelled(connection);
            let answer = IsReadOnly.get_result(&mut **connection).await;
            give_back(connection);
            writable(answer)
        }
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// Checks that the MySQL or MariaDB server answers, in any role: for pools that
/// only read.
pub async fn mysql_read_only(pool: &Pool<AsyncMysqlConnection>) -> Outcome {
    let outcome = match take(pool).await {
        Ok(connection) => {
            let mut connection = closed_if_cancelled(connection);
            let answer = one().get_result::<i32>(&mut **connection).await;
            give_back(connection);
            answered(answer)
        }
        Err(missing) => missing,
    };
    described(pool, outcome)
}

type Connection = Object<AsyncMysqlConnection>;

/// A connection that leaves the pool when the run is cancelled.
///
/// `mysql_async` takes the answer to a cancelled query for the answer to the next one,
/// which may be one of the application.
fn closed_if_cancelled(connection: Connection) -> ScopeGuard<Connection, fn(Connection)> {
    scopeguard::guard(connection, |unread| drop(Object::take(unread)))
}

fn give_back(connection: ScopeGuard<Connection, fn(Connection)>) {
    drop(ScopeGuard::into_inner(connection));
}
