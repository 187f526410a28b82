//! Redis and Valkey, over a connection of redis 1.
//!
//! ```
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     #[health(check = health_indicators::redis::ping, timeout = "1s", tags("cache"))]
//!     cache: redis::aio::ConnectionManager,
//! }
//! ```
//!
//! A run sends one command over the application's own connection, which is
//! shared: it opens none. `ConnectionManager` connects again by itself.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds no connection, or loses it | failing | `unreachable` |
//! | gets `NOAUTH` or `WRONGPASS` | failing | `unauthorized` |
//! | gets `LOADING` | failing | `starting` |
//! | [`writable`] asks a replica, or gets `READONLY` | failing | `wrong_role` |
//! | gets another error, such as `MASTERDOWN` or `CLUSTERDOWN` | failing | `refused` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |

use health_core::Outcome;
use health_core::check::FailureClass;
use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, RedisFuture, ServerErrorKind, Value};

use crate::failure::{because, failure};

/// The server answers `PING`. A replica does too; see [`writable`].
pub async fn ping<C>(connection: &C) -> Outcome
where
    C: ConnectionLike + Clone + Send + Sync,
{
    match send(connection, "PING").await {
        Ok(_) => Outcome::pass(),
        Err(error) => failed(error),
    }
}

/// The server is a primary, by its answer to `ROLE`.
///
/// A replica would answer `PING` as well, and refuse writes.
pub async fn writable<C>(connection: &C) -> Outcome
where
    C: ConnectionLike + Clone + Send + Sync,
{
    match send(connection, "ROLE").await {
        Ok(answer) if is_primary(&answer) => Outcome::pass(),
        Ok(_) => failure(FailureClass::WrongRole),
        Err(error) => failed(error),
    }
}

async fn send<C>(connection: &C, command: &'static str) -> Result<Value, RedisError>
where
    C: ConnectionLike + Clone + Send + Sync,
{
    let mut connection = connection.clone();
    let command = redis::cmd(command);
    let answer: RedisFuture<'_, Value> = connection.req_packed_command(&command);
    answer.await?.extract_error()
}

/// `ROLE` begins with `master`, `slave` or `sentinel`.
fn is_primary(role: &Value) -> bool {
    let Value::Array(parts) = role else {
        return false;
    };
    match parts.first() {
        Some(Value::BulkString(word)) => word == b"master",
        Some(Value::SimpleString(word)) => word == "master",
        _ => false,
    }
}

pub(crate) fn failed(error: RedisError) -> Outcome {
    because(class(&error), error)
}

fn class(error: &RedisError) -> FailureClass {
    if error.is_timeout() {
        return FailureClass::TimedOut;
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => return FailureClass::Unauthorized,
        ErrorKind::InvalidClientConfig => return FailureClass::Misconfigured,
        ErrorKind::Server(ServerErrorKind::BusyLoading) => return FailureClass::Starting,
        ErrorKind::Server(ServerErrorKind::ReadOnly) => return FailureClass::WrongRole,
        _ => {}
    }
    match error.code() {
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => FailureClass::Unauthorized,
        _ if error.is_io_error() || error.is_unrecoverable_error() => FailureClass::Unreachable,
        _ => FailureClass::Refused,
    }
}
