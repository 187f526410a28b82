//! MySQL and MariaDB.

use diesel::RunQueryDsl as _;
use diesel::connection::LoadConnection;
use diesel::mysql::Mysql;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use health_core::Outcome;

use super::checked;
use crate::diesel::mysql::IsReadOnly;
use crate::diesel::{answered, one, writable};

/// Checks that the MySQL or MariaDB server accepts writes: it is not `read_only`,
/// and so not `super_read_only` either.
pub fn mysql<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Mysql> + 'static,
{
    checked(pool, |connection| {
        writable(IsReadOnly.get_result(connection))
    })
}

/// Checks that the MySQL or MariaDB server answers, in any role: for pools that
/// only read.
pub fn mysql_read_only<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Mysql> + 'static,
{
    checked(pool, |connection| {
        answered(one().get_result::<i32>(connection))
    })
}
