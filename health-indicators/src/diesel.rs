//! What the pools of diesel share.

// The function that diesel generates has no documentation, and is not public.
#![allow(missing_docs, unreachable_pub)]
#![allow(dead_code, reason = "each kind of pool needs a part of it")]

use diesel::define_sql_function;
use diesel::dsl::{auto_type, select};
use diesel::expression_methods::{BoolExpressionMethods as _, ExpressionMethods as _};
use diesel::result::{ConnectionError, DatabaseErrorKind, Error};
use diesel::sql_types::Text;
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::failure::{because, failure};

define_sql_function!(fn pg_is_in_recovery() -> Bool);
define_sql_function!(fn current_setting(name: Text) -> Text);

/// The same as [`IS_READ_ONLY`](crate::postgres::IS_READ_ONLY). diesel prepares it
/// once for each connection, and then it costs one round trip.
#[auto_type]
pub(crate) fn is_read_only() -> _ {
    let setting = current_setting("transaction_read_only");
    select(pg_is_in_recovery().or(setting.eq("on")))
}

/// The answer to [`is_read_only`].
pub(crate) fn writable(answer: Result<bool, Error>) -> Outcome {
    match answer {
        Ok(false) => Outcome::pass(),
        Ok(true) => failure(FailureClass::WrongRole),
        Err(error) => failed(error),
    }
}

/// Any answer.
pub(crate) fn answered(answer: Result<i32, Error>) -> Outcome {
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

/// The class of a message of Postgres, in English. diesel does not give the
/// SQLSTATE.
pub(crate) fn class_of_text(text: &str) -> Option<FailureClass> {
    const WORDS: [(&str, FailureClass); 10] = [
        // 57P03: it starts, recovers or ends
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
    fn messages_of_postgres_have_a_class() {
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
        ] {
            assert_eq!(class_of_text(text), class, "{text}");
        }
    }
}
