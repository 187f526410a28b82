//! Postgres, over a client of tokio-postgres 0.7.
//!
//! ```no_run,standalone_crate
//! use std::sync::Arc;
//! use health_core::HealthState;
//! use tokio_postgres::Client;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database accepts writes.
//!     #[health(check = health_indicators::tokio_postgres::postgres, timeout = "2s", critical)]
//!     client: Arc<Client>,
//! }
//! ```
//!
//! A run sends one query over the connection of the client and opens none. It
//! waits for the queries that the application has sent before, since Postgres
//! answers in order.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds the connection closed, or loses it | failing | `unreachable` |
//! | asks a standby or a read-only server for writes | failing | `wrong_role` |
//! | gets an error as the answer | failing | `refused` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! A client never connects again. Once its connection is closed, the check fails
//! until the application makes another client, as the pools do: see
//! [`deadpool_postgres`](crate::deadpool_postgres) and
//! [`bb8_postgres`](crate::bb8_postgres).

use std::borrow::Borrow;
use std::error::Error as _;

use health_core::Outcome;
use health_core::check::FailureClass;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::failure::{because, class_of_io, failure};
use crate::postgres::{IS_READ_ONLY, class_of_sqlstate};

/// Checks that the Postgres server accepts writes: it is neither a standby nor
/// read-only.
///
/// [`Client::check_connection`] would pass on a primary that has been demoted.
pub async fn postgres<C>(client: &C) -> Outcome
where
    C: Borrow<Client> + Sync,
{
    writable(client.borrow()).await
}

/// Checks that the Postgres server answers, in any role: for clients that only read.
pub async fn postgres_read_only<C>(client: &C) -> Outcome
where
    C: Borrow<Client> + Sync,
{
    answers(client.borrow()).await
}

pub(crate) async fn writable(client: &Client) -> Outcome {
    match client.simple_query(IS_READ_ONLY).await {
        Ok(answer) if is_false(&answer) => Outcome::pass(),
        Ok(_) => failure(FailureClass::WrongRole),
        Err(error) => failed(error),
    }
}

pub(crate) async fn answers(client: &Client) -> Outcome {
    match client.simple_query("SELECT 1").await {
        Ok(_) => Outcome::pass(),
        Err(error) => failed(error),
    }
}

/// The simple protocol needs one round trip and answers in text.
fn is_false(answer: &[SimpleQueryMessage]) -> bool {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.and_then(|row| row.get(0)) == Some("f")
}

pub(crate) fn failed(error: Error) -> Outcome {
    because(class(&error), error)
}

fn class(error: &Error) -> FailureClass {
    if let Some(code) = error.code() {
        return class_of_sqlstate(code.code());
    }
    let io = error.source().and_then(|source| source.downcast_ref());
    match io {
        Some(io) => class_of_io(io),
        None if error.is_closed() => FailureClass::Unreachable,
        None => FailureClass::Refused,
    }
}
