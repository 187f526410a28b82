//! Postgres.

use diesel::RunQueryDsl as _;
use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use health_core::Outcome;

use super::checked;
use crate::diesel::postgres::is_read_only;
use crate::diesel::{answered, one, writable};

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
pub fn postgres<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Pg> + 'static,
{
    checked(pool, |connection| {
        writable(is_read_only().get_result(connection))
    })
}

/// Checks that the Postgres server answers, in any role: for pools that only read.
pub fn postgres_read_only<C>(pool: &Pool<ConnectionManager<C>>) -> Outcome
where
    C: R2D2Connection + LoadConnection<Backend = Pg> + 'static,
{
    checked(pool, |connection| {
        answered(one().get_result::<i32>(connection))
    })
}
