//! What the clients of MySQL share.

/// Whether the server takes no writes. `super_read_only` implies `read_only`.
///
/// The variable is a number, and a word since MariaDB 12: `OFF`, `ON`, `NO_LOCK` or
/// `NO_LOCK_NO_ADMIN`.
pub(crate) const IS_READ_ONLY: &str = "SELECT CAST(@@global.read_only AS CHAR) NOT IN ('0', 'OFF')";
