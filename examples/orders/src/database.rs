//! The order store, in SQLite or in Postgres.

use std::path::Path;

use health_core::Outcome;
use sqlx::Error;

use crate::model::{NewOrder, Order};
use crate::postgres::PostgresStore;
use crate::store::{CancelError, OpenError, SqliteStore};

/// The order store. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store(Database);

#[derive(Clone, Debug)]
enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// Calls the same method of either store.
macro_rules! either {
    ($store:ident.$($call:tt)*) => {
        match &$store.0 {
            Database::Sqlite(store) => store.$($call)*,
            Database::Postgres(store) => store.$($call)*,
        }
    };
}

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// The URL is invalid, or the database does not open.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let database = if url.starts_with("sqlite:") {
            Database::Sqlite(SqliteStore::open(url).await?)
        } else {
            Database::Postgres(PostgresStore::open(url).await?)
        };
        Ok(Store(database))
    }

    /// Returns the database file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Database::Sqlite(store) => store.path(),
            Database::Postgres(_) => None,
        }
    }

    /// Returns whether other instances share the orders, as in Postgres.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Database::Postgres(_))
    }

    /// Stores an order.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub async fn place(&self, order: &NewOrder) -> Result<Order, Error> {
        either!(self.place(order).await)
    }

    /// Returns the order with this id, or `None`.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub async fn get(&self, id: i64) -> Result<Option<Order>, Error> {
        either!(self.get(id).await)
    }

    /// Returns at most `limit` orders with a greater id, by id.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub async fn list(&self, after: i64, limit: u32) -> Result<Vec<Order>, Error> {
        either!(self.list(after, limit).await)
    }

    /// Cancels an order that is not shipped yet.
    ///
    /// # Errors
    ///
    /// There is no such order, it is too late, or the database does not work.
    pub async fn cancel(&self, id: i64) -> Result<Order, CancelError> {
        either!(self.cancel(id).await)
    }

    /// Ships the orders that were accepted long enough ago, and returns their number.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub async fn ship_due(&self) -> Result<u64, Error> {
        either!(self.ship_due().await)
    }

    /// Checks whether an order could be placed now.
    ///
    /// # Errors
    ///
    /// SQLite does not work.
    pub async fn probe(&self) -> Result<Outcome, Error> {
        match &self.0 {
            Database::Sqlite(store) => store.probe().await.map(|()| Outcome::pass()),
            Database::Postgres(store) => Ok(health_indicators::sqlx::postgres(store.pool()).await),
        }
    }

    /// Closes all connections once they are returned.
    pub async fn close(&self) {
        match &self.0 {
            Database::Sqlite(store) => store.close().await,
            Database::Postgres(store) => store.pool().close().await,
        }
    }
}
