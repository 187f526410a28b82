//! A pool of deadpool.

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use health_core::Outcome;

use super::{answers, failed, writable};
use crate::deadpool::{connection, described};

/// A Postgres server that takes writes: neither a standby nor read-only.
pub async fn postgres(pool: &Pool<AsyncPgConnection>) -> Outcome {
    let outcome = match take(pool).await {
        Ok(mut connection) => writable(&mut connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// A Postgres server that answers, in whatever role: for pools that only read.
pub async fn postgres_read_only(pool: &Pool<AsyncPgConnection>) -> Outcome {
    let outcome = match take(pool).await {
        Ok(mut connection) => answers(&mut connection).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}

async fn take(pool: &Pool<AsyncPgConnection>) -> Result<Object<AsyncPgConnection>, Outcome> {
    connection(pool, failed).await
}
