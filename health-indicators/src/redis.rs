//! Redis and Valkey, over a connection of redis 1.
//!
//! ```no_run,standalone_crate
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
//! shared: it opens none. `ConnectionManager` connects again by itself, to the same
//! address: it does not follow a failover by a sentinel. The pools of
//! `deadpool_redis::sentinel` do, and the feature `deadpool-redis` has checks for them.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds no connection, or loses it | failing | `unreachable` |
//! | gets `NOAUTH` or `WRONGPASS` | failing | `unauthorized` |
//! | gets `LOADING` | failing | `starting` |
//! | [`writable`] asks a replica, or gets `READONLY` | failing | `wrong_role` |
//! | [`cluster`] asks a node of a cluster that is down | failing | `refused` |
//! | gets another error, such as `MASTERDOWN` or `CLUSTERDOWN` | failing | `refused` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |

use health_core::Outcome;
use health_core::check::FailureClass;
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, RedisError, RedisFuture, ServerErrorKind, Value};

use crate::failure::{because, failure};

/// Checks that the server answers `PING`. A replica does too; see [`writable`].
pub async fn ping<C>(connection: &C) -> Outcome
where
    C: ConnectionLike + Clone + Send + Sync,
{
    match send(connection, "PING").await {
        Ok(_) => Outcome::pass(),
        Err(error) => failed(error),
    }
}

/// Checks that the server is a primary, by its answer to `ROLE`.
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

/// Checks that the cluster serves every slot, by the `cluster_state` of one node.
///
/// Every node of a cluster answers `PING`, also when the owner of a slot is gone and
/// commands get `CLUSTERDOWN`. [`ping`] would ask every primary.
///
/// ```no_run,standalone_crate
/// use health_core::HealthState;
/// use redis::cluster_async::ClusterConnection;
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     #[health(check = health_indicators::redis::cluster, timeout = "2s", tags("cache"))]
///     cache: ClusterConnection,
/// }
/// ```
///
/// A `ClusterConnection` asks a node at random and repeats a command that gets no
/// connection. Set its `retries` and `response_timeout` so that the attempts end
/// within the timeout of the check; otherwise the class is `timed_out`. It keeps
/// the reason why it cannot connect, so wrong credentials are `unreachable`.
pub async fn cluster<C>(connection: &C) -> Outcome
where
    C: ConnectionLike + Clone + Send + Sync,
{
    let mut command = redis::cmd("CLUSTER");
    command.arg("INFO");
    match send_command(connection, &command).await {
        Ok(answer) => judge_cluster(&answer),
        Err(error) => failed(error),
    }
}

/// `CLUSTER INFO` is a text of lines such as `cluster_state:ok`.
fn judge_cluster(answer: &Value) -> Outcome {
    let info: String = match redis::from_redis_value_ref(answer) {
        Ok(info) => info,
        Err(error) => return because(FailureClass::Refused, error),
    };
    let field = |name| {
        info.lines()
            .find_map(|line| {
                line.trim_end()
                    .split_once(':')
                    .filter(|(key, _)| *key == name)
            })
            .map(|(_, value)| value)
    };
    let outcome = match field("cluster_state") {
        Some("ok") => Outcome::pass(),
        _ => Outcome::fail("the cluster is down").class(FailureClass::Refused),
    };
    match field("cluster_slots_ok").map(str::parse::<u32>) {
        Some(Ok(slots)) => outcome.observe(slots, "slots"),
        _ => outcome,
    }
}

async fn send<C>(connection: &C, command: &'static str) -> Result<Value, RedisError>
where
    C: ConnectionLike + Clone + Send + Sync,
{
    send_command(connection, &redis::cmd(command)).await
}

async fn send_command<C>(connection: &C, command: &Cmd) -> Result<Value, RedisError>
where
    C: ConnectionLike + Clone + Send + Sync,
{
    let mut connection = connection.clone();
    let answer: RedisFuture<'_, Value> = connection.req_packed_command(command);
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
        // To a sentinel, the server is down. A name that it does not know looks the same.
        ErrorKind::MasterNameNotFoundBySentinel | ErrorKind::NoValidReplicasFoundBySentinel => {
            return FailureClass::Unreachable;
        }
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
