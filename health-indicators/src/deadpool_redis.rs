//! Redis and Valkey, behind a pool of deadpool-redis 0.23.
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     #[health(check = health_indicators::deadpool_redis::ping, timeout = "2s")]
//!     cache: deadpool_redis::Pool,
//!     /// The primary that the sentinels name takes writes.
//!     #[health(check = health_indicators::deadpool_redis::writable, timeout = "2s", critical)]
//!     sessions: deadpool_redis::sentinel::Pool,
//! }
//! ```
//!
//! A run takes one connection, and opens one only if the pool has none that works. The
//! pool itself sends `PING` before it gives a connection out. A pool that has every
//! connection in use for 1 s degrades with the class `saturated`; other classes are
//! those of [`redis`](crate::redis).
//!
//! # Sentinel
//!
//! The pool asks the sentinels for the primary when it opens a connection, so the
//! application follows a failover. The checks see what a request sees:
//!
//! | | verdict | class |
//! |---|---|---|
//! | the primary is gone, and the sentinels still name it or none | failing | `unreachable` |
//! | the primary is frozen, until a connection times out | failing | `timed_out`, then `unreachable` |
//! | the sentinels have promoted a replica | passing | |
//! | a connection leads to a server that is no longer the primary ([`writable`]) | failing | `wrong_role` |
//! | no sentinel answers, and the pool has connections to the primary | passing | |
//! | no sentinel answers, and the pool has to open a connection | failing | `unreachable` |
//! | the sentinels do not know the name of the primary | failing | `unreachable` |
//!
//! A [`ConnectionManager`](redis::aio::ConnectionManager) stays with the address that
//! it got from a sentinel. After a failover, [`redis::writable`](crate::redis::writable)
//! fails on it for as long as that server is gone or a replica.

use deadpool::managed::{Manager, Object, Pool};
use health_core::Outcome;
use redis::RedisError;
use redis::aio::MultiplexedConnection;

use crate::deadpool::{connection, described};
use crate::redis::failed;

/// Checks that the server answers `PING`, which the pool sends to test a connection before
/// it gives it out. A run sends nothing else. A replica answers too; see
/// [`writable`].
pub async fn ping<M, W>(pool: &Pool<M, W>) -> Outcome
where
    M: Manager<Type = MultiplexedConnection, Error = RedisError>,
    W: From<Object<M>>,
{
    let outcome = match connection(pool, failed).await {
        Ok(_) => Outcome::pass(),
        Err(missing) => missing,
    };
    described(pool, outcome)
}

/// Checks that the server is a primary, by its answer to `ROLE`, which a run sends
/// after the `PING` of the pool.
pub async fn writable<M, W>(pool: &Pool<M, W>) -> Outcome
where
    M: Manager<Type = MultiplexedConnection, Error = RedisError>,
    W: From<Object<M>> + AsRef<MultiplexedConnection>,
{
    let outcome = match connection(pool, failed).await {
        Ok(connection) => crate::redis::writable(connection.as_ref()).await,
        Err(missing) => missing,
    };
    described(pool, outcome)
}
