//! etcd, by a client of etcd-client 0.21.
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// etcd accepts writes.
//!     #[health(check = health_indicators::etcd_client::status, timeout = "2s", critical)]
//!     settings: etcd_client::Client,
//! }
//! ```
//!
//! A run sends one request over the application's own channel, and opens a
//! connection only if the channel has none, as the next request would. A client of
//! several members sends it to one of them.
//!
//! | | [`status`] | [`get`] |
//! |---|---|---|
//! | asks | one member, which answers by itself | the cluster, by a linearizable read |
//! | sees that no writes are accepted, by `NOSPACE` or without a leader | at once | a cluster without a leader, by the timeout |
//! | sees credentials or a token that are not accepted | no | yes |
//!
//! A service that writes takes `status`, a service that reads takes `get`, and one
//! with credentials that writes takes both, each on a clone of the client:
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//! use health_indicators::etcd_client::{get, status};
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// etcd accepts writes.
//!     #[health(check = status, timeout = "2s", critical)]
//!     cluster: etcd_client::Client,
//!     /// etcd accepts the credentials.
//!     #[health(check = get("orders/settings"), timeout = "2s", critical)]
//!     settings: etcd_client::Client,
//! }
//! ```
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | cannot connect, or loses the connection | failing | `unreachable` |
//! | finds the alarm `NOSPACE`, no leader, or a member that is a learner | failing | `wrong_role` |
//! | finds the alarm `CORRUPT` | failing | `refused` |
//! | finds that etcd does not accept the credentials or the token | failing | `unauthorized` |
//! | finds that the user may not read the key | degraded | `unauthorized` |
//! | gets another error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |
//!
//! A member that starts again without the others answers nothing until there is a
//! leader, so it is `timed_out`.
//!
//! # Tokens
//!
//! `Client::connect` exchanges the password for a token and fails if the password is
//! wrong. A simple token, which is the default of etcd, is not accepted after a change
//! of the password or five minutes after its last use, and a member that restarts may
//! not know it. Requests then fail until the application calls
//! `Client::refresh_token`; `get` fails with them, and `status`, which needs no token,
//! does not. With `ConnectOptions::with_auto_token_refresh(true)` the client gets a
//! new token by itself.
//!
//! # Build
//!
//! etcd-client generates code by `protoc` when it is built: the Debian package
//! `protobuf-compiler`, or the program that the environment variable `PROTOC` names.
//! No feature of etcd-client avoids it.

use etcd_client::{Client, Error, GetOptions, StatusResponse};
use health_core::Outcome;
use health_core::check::{FailureClass, Indicator};
use tonic::{Code, Status};

use crate::failure::{because, degraded, failure};
use crate::grpc;

/// Checks that the member has a leader and no alarm, so that it accepts writes.
///
/// The size of the database is observed.
pub async fn status(client: &Client) -> Outcome {
    match client.maintenance_client().status().await {
        Ok(status) => judge(&status).observe(status.db_size(), "bytes"),
        Err(error) => failed(error),
    }
}

/// Creates a check that reads this key, as in `get("orders/settings")`.
///
/// The read is linearizable: a majority of the members takes part, and etcd compares
/// the token with the permissions of the user. The answer does not contain the value,
/// and a key that is missing passes.
pub fn get(key: impl Into<Vec<u8>>) -> Get {
    Get { key: key.into() }
}

/// A check by reading a key; created by [`get`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Get {
    key: Vec<u8>,
}

impl Get {
    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check(&self, client: &Client) -> Outcome {
        let options = GetOptions::new().with_count_only();
        let mut client = client.kv_client();
        match client.get(self.key.clone(), Some(options)).await {
            Ok(_) => Outcome::pass(),
            Err(error) if is_without_permission(&error) => degraded(&failed(error)),
            Err(error) => failed(error),
        }
    }
}

impl Indicator<Client> for Get {
    async fn check(&self, client: &Client) -> Outcome {
        Get::check(self, client).await
    }
}

fn judge(status: &StatusResponse) -> Outcome {
    let alarm = |name| status.errors().iter().find(|text| text.contains(name));
    // A member names its alarms by text: `memberID:1 alarm:NOSPACE`.
    if let Some(alarm) = alarm("alarm:NOSPACE") {
        failure(FailureClass::WrongRole).because(alarm.clone())
    } else if let Some(alarm) = alarm("alarm:") {
        failure(FailureClass::Refused).because(alarm.clone())
    } else if status.leader() == 0 {
        failure(FailureClass::WrongRole).because("there is no leader")
    } else if status.is_learner() {
        failure(FailureClass::WrongRole).because("the member is a learner")
    } else {
        Outcome::pass()
    }
}

fn failed(error: Error) -> Outcome {
    because(class(&error), error)
}

fn class(error: &Error) -> FailureClass {
    match error {
        Error::GRpcStatus(status) => answered(status).unwrap_or_else(|| grpc::class(status)),
        Error::TransportError(_) | Error::IoError(_) => FailureClass::Unreachable,
        _ => FailureClass::Refused,
    }
}

/// The class of an answer of etcd whose code does not tell it.
fn answered(status: &Status) -> Option<FailureClass> {
    const ANSWERS: [(&str, FailureClass); 4] = [
        ("user name is empty", FailureClass::Unauthorized),
        ("authentication failed", FailureClass::Unauthorized),
        ("no leader", FailureClass::WrongRole),
        ("rpc not supported for learner", FailureClass::WrongRole),
    ];
    let answer = status.message().strip_prefix("etcdserver: ")?;
    let known = ANSWERS.iter().find(|(text, _)| answer.starts_with(text));
    match known {
        Some((_, class)) => Some(*class),
        // It has come from a member, so there is a connection.
        None if status.code() == Code::Unavailable => Some(FailureClass::Refused),
        None => None,
    }
}

fn is_without_permission(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if status.code() == Code::PermissionDenied)
}
