//! Postgres and MySQL, behind the pools of diesel-async 0.9.
//!
//! Each database has a feature: `diesel-postgres`, `diesel-mysql`. MySQL has checks for
//! a pool of deadpool alone. bb8 keeps a connection whose test query it cancelled, and
//! `mysql_async` then takes the answer to that query for the answer to the next one.
//!
//! ```no_run,standalone_crate
//! # #[cfg(all(feature = "diesel-async-deadpool", feature = "diesel-postgres"))] {
//! use diesel_async::AsyncPgConnection;
//! use diesel_async::pooled_connection::deadpool::Pool;
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database takes writes.
//!     #[health(check = health_indicators::diesel_async::deadpool::postgres, timeout = "3s", critical)]
//!     pool: Pool<AsyncPgConnection>,
//! }
//! # }
//! ```
//!
//! A run takes one connection and sends one query, which diesel prepares once for
//! each connection. It opens a connection only if the pool has none that works
//! and has room for one. Unless the `recycling_method` is `Fast`, the pool itself
//! sends a query before.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds every connection in use for 1 s | degraded | `saturated` |
//! | cannot connect, or loses the connection | failing | `unreachable` |
//! | opens a connection, and the credentials are wrong | failing | `unauthorized` |
//! | opens a connection, and there is no such database | failing | `misconfigured` |
//! | opens a connection to a server that starts | failing | `starting` |
//! | asks a standby or a read-only server for writes | failing | `wrong_role` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! diesel passes on the text of an error without its code. The classes
//! `unauthorized`, `misconfigured` and `starting` are read from the messages of a
//! server whose `lc_messages` is English; from others, the class is `refused`.

#[cfg(all(feature = "diesel-async-bb8", feature = "diesel-postgres"))]
pub mod bb8;
#[cfg(feature = "diesel-async-deadpool")]
pub mod deadpool;
#[cfg(feature = "diesel-postgres")]
mod postgres;

use diesel_async::pooled_connection::PoolError;
use health_core::Outcome;

use crate::diesel::not_connected;

fn failed(error: PoolError) -> Outcome {
    match error {
        PoolError::ConnectionError(error) => not_connected(error),
        PoolError::QueryError(error) => crate::diesel::failed(error),
    }
}
