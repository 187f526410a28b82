//! A pool of bb8.
//!
//! The run that finds the last connection broken has the class `unreachable`
//! whatever the reason. A run whose connection does not answer the query of the
//! pool within 1 s has the class `timed_out`.

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::bb8::Pool;
use health_core::Outcome;

use super::failed;
use super::postgres::{answers, writable};
use crate::bb8::{connection, described};

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
pub async fn postgres(pool: &Pool<AsyncPgConnection>) -> Outcome {
    let outcome = match connection(pool, failed).await {
        Ok(mut connection) => writable(&mut connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// Checks that the Postgres server answers, in any role: for pools that only read.
pub async fn postgres_read_only(pool: &Pool<AsyncPgConnection>) -> Outcome {
    let outcome = match connection(pool, failed).await {
        Ok(mut connection) => answers(&mut connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}
