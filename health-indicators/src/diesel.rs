//! What the pools of diesel share.

#![allow(dead_code, reason = "each kind of pool needs a part of it")]

#[cfg(feature = "diesel-mysql")]
pub(crate) mod mysql;
#[cfg(feature = "diesel-postgres")]
pub(crate) mod postgres;

use diesel::dsl::{auto_type, select};
use diesel::expression::IntoSql as _;
use diesel::result::{ConnectionError, DatabaseErrorKind, Error};
use diesel::sql_types::Integer;
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::failure::{because, failure};

/// The answer to whether the server is read-only.
pub(crate) fn writable(answer: Result<bool, Error>) -> Outcome {
    match answer {
        Ok(false) => Outcome::pass(),
        Ok(true) => failure(FailureClass::WrongRole),
        Err(error) => failed(error),
    }
}

/// A query that any server answers.
#[auto_type]
pub(crate) fn one() -> _ {
    select(1_i32.into_sql::<Integer>())
}

/// Any answer.
pub(crate) fn answered<T>(answer: Result<T, Error>) -> Outcome {
    answer.map_or_else(failed, |_| Outcome::pass())
}

pub(crate) fn failed(error: Error) -> Outcome {
    because(class(&error), error)
}

pub(crate) fn not_connected(error: ConnectionError) -> Outcome {
    because(class_of_connecting(&error), error)
}

fn class_of_connecting(error: &ConnectionError) -> FailureClass {
    match error {
        ConnectionError::BadConnection(text) => {
            class_of_text(text).unwrap_or(FailureClass::Unreachable)
        }
        ConnectionError::CouldntSetupConfiguration(error) => class(error),
        ConnectionError::InvalidCString(_) | ConnectionError::InvalidConnectionUrl(_) => {
            FailureClass::Misconfigured
        }
        _ => FailureClass::Unreachable,
    }
}

fn class(error: &Error) -> FailureClass {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => FailureClass::WrongRole,
        Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        ) => FailureClass::Unreachable,
        Error::DatabaseError(_, error) => {
            class_of_text(error.message()).unwrap_or(FailureClass::Refused)
        }
        _ => FailureClass::Refused,
    }
}

/// The class of a message, in English. diesel does not give the code of the error.
pub(crate) fn class_of_text(text: &str) -> Option<FailureClass> {
    const WORDS: [(&str, FailureClass); 20] = [
        // Postgres, 57P03: it starts, recovers or ends
        ("the database system is", FailureClass::Starting),
        // 57P01: it ends
        ("terminating connection", FailureClass::Unreachable),
        // 28P01, 28000
        ("authentication failed", FailureClass::Unauthorized),
        ("no password supplied", FailureClass::Unauthorized),
        ("no pg_hba.conf entry", FailureClass::Unauthorized),
        ("not permitted to log in", FailureClass::Unauthorized),
        // 42501
        ("permission denied", FailureClass::Unauthorized),
        // 53300
        ("too many clients", FailureClass::Saturated),
        ("too many connections", FailureClass::Saturated),
        ("remaining connection slots", FailureClass::Saturated),
        // MySQL, 1044, 1045
        ("Access denied for user", FailureClass::Unauthorized),
        // 1130
        ("is not allowed to connect to", FailureClass::Unauthorized),
        // 1049
        ("Unknown database", FailureClass::Misconfigured),
        // 1040
        ("Too many connections", FailureClass::Saturated),
        // 1203, 1226
        ("max_user_connections", FailureClass::Saturated),
        // 2006, 2013, in the words of both libraries
        ("erver has gone away", FailureClass::Unreachable),
        ("Lost connection to", FailureClass::Unreachable),
        // mysql_async
        ("Input/output error", FailureClass::Unreachable),
        // SQLite
        ("file is not a database", FailureClass::Misconfigured),
        ("disk I/O error", FailureClass::Unreachable),
    ];
    let known = WORDS.iter().find(|(words, _)| text.contains(words));
    known
        .map(|(_, class)| *class)
        .or_else(|| class_of_missing(text))
}

/// `role "orders" does not exist` and `database "orders" does not exist`.
fn class_of_missing(text: &str) -> Option<FailureClass> {
    if !text.contains("\" does not exist") {
        None
    } else if text.contains("database \"") {
        Some(FailureClass::Misconfigured)
    } else if text.contains("role \"") {
        Some(FailureClass::Unauthorized)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{FailureClass, class_of_text};

    #[test]
    fn messages_have_a_class() {
        for (text, class) in [
            (
                "FATAL:  the database system is starting up",
                Some(FailureClass::Starting),
            ),
            (
                "FATAL:  terminating connection due to administrator command",
                Some(FailureClass::Unreachable),
            ),
            (
                "FATAL:  password authentication failed for user \"orders\"",
                Some(FailureClass::Unauthorized),
            ),
            (
                "fe_sendauth: no password supplied",
                Some(FailureClass::Unauthorized),
            ),
            (
                "FATAL:  role \"orders\" does not exist",
                Some(FailureClass::Unauthorized),
            ),
            (
                "FATAL:  database \"shop\" does not exist",
                Some(FailureClass::Misconfigured),
            ),
            (
                "FATAL:  sorry, too many clients already",
                Some(FailureClass::Saturated),
            ),
            ("ERROR:  relation \"orders\" does not exist", None),
            ("Connection refused", None),
            (
                "Access denied for user 'orders'@'127.0.0.1' (using password: YES)",
                Some(FailureClass::Unauthorized),
            ),
            ("Unknown database 'shop'", Some(FailureClass::Misconfigured)),
            ("Too many connections", Some(FailureClass::Saturated)),
            (
                "User orders already has more than 'max_user_connections' active connections",
                Some(FailureClass::Saturated),
            ),
            (
                "Lost connection to server during query",
                Some(FailureClass::Unreachable),
            ),
            (
                "MySQL server has gone away",
                Some(FailureClass::Unreachable),
            ),
            ("file is not a database", Some(FailureClass::Misconfigured)),
        ] {
            assert_eq!(class_of_text(text), class, "{text}");
        }
    }
}
