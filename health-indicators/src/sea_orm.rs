//! The databases of sqlx, behind a connection of sea-orm 2.
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The orders database accepts writes.
//!     #[health(check = health_indicators::sea_orm::writable, timeout = "2s", critical)]
//!     database: sea_orm::DatabaseConnection,
//! }
//! ```
//!
//! sea-orm keeps a pool of sqlx. The checks are those of that pool, with the same
//! verdicts and classes: see [`sqlx`]. The feature of the database has
//! to be on, such as `sqlx-postgres`.
//!
//! A connection to another database, and one that is not connected, fails with the
//! class `misconfigured`.

use health_core::Outcome;
use health_core::check::FailureClass;
use sea_orm::{DatabaseConnection, DatabaseConnectionType};

use crate::failure::failure;
use crate::sqlx;

/// Checks that the database accepts writes, by [`sqlx::postgres`],
/// [`sqlx::mysql`] or [`sqlx::sqlite`].
pub async fn writable(database: &DatabaseConnection) -> Outcome {
    match &database.inner {
        #[cfg(feature = "sqlx-postgres")]
        DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
            sqlx::postgres(database.get_postgres_connection_pool()).await
        }
        #[cfg(feature = "sqlx-mysql")]
        DatabaseConnectionType::SqlxMySqlPoolConnection(_) => {
            sqlx::mysql(database.get_mysql_connection_pool()).await
        }
        #[cfg(feature = "sqlx-sqlite")]
        DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
            sqlx::sqlite(database.get_sqlite_connection_pool()).await
        }
        _ => no_pool(),
    }
}

/// Checks that the database answers, in any role: for connections that only read.
pub async fn readable(database: &DatabaseConnection) -> Outcome {
    match &database.inner {
        #[cfg(feature = "sqlx-postgres")]
        DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
            sqlx::postgres_read_only(database.get_postgres_connection_pool()).await
        }
        #[cfg(feature = "sqlx-mysql")]
        DatabaseConnectionType::SqlxMySqlPoolConnection(_) => {
            sqlx::mysql_read_only(database.get_mysql_connection_pool()).await
        }
        #[cfg(feature = "sqlx-sqlite")]
        DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
            sqlx::sqlite(database.get_sqlite_connection_pool()).await
        }
        _ => no_pool(),
    }
}

fn no_pool() -> Outcome {
    failure(FailureClass::Misconfigured)
        .because("it is not connected, or the feature for its database is off".to_owned())
}
