//! Postgres.

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use health_core::Outcome;

use super::super::postgres::{answers, writable};
use super::{described, take};

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
pub async fn postgres(pool: &Pool<AsyncPgConnection>) -> Outcome {
    let outcome = match take(pool).await {
        Ok(mut connection) => writable(&mut connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// Checks that the Postgres server answers, in any role: for pools that only read.
pub async fn postgres_read_only(pool: &Pool<AsyncPgConnection>) -> Outcome {
    let outcome = match take(pool).await {
        Ok(mut connection) => answers(&mut connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}
