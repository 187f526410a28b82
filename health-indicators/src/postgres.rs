//! What the clients of Postgres share.

#![allow(dead_code, reason = "sqlx without Postgres needs a part of it")]

use health_core::check::FailureClass;

/// Whether the server takes no writes. `SELECT 1` would pass on a primary that
/// has been demoted.
pub(crate) const IS_READ_ONLY: &str = "SELECT pg_catalog.pg_is_in_recovery() \
     OR pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool";

/// The class of a SQLSTATE.
pub(crate) fn class_of_sqlstate(code: &str) -> FailureClass {
    match code {
        // invalid password, no such role, no privilege
        "28P01" | "28000" | "42501" => FailureClass::Unauthorized,
        // no such database
        "3D000" => FailureClass::Misconfigured,
        // the server ends or has ended
        "57P01" | "57P02" | "08000" | "08003" | "08006" => FailureClass::Unreachable,
        "57P03" => FailureClass::Starting,
        // too many clients
        "53300" | "08004" => FailureClass::Saturated,
        "25006" => FailureClass::WrongRole,
        _ => FailureClass::Refused,
    }
}
