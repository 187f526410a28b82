//! The order store in SQLite.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{
    Connection, Error, FromRow, Row, Sqlite, SqlitePool, Transaction, query, query_as,
    query_scalar, raw_sql,
};

use crate::database_file::DatabaseFile;
use crate::model::{NewOrder, Order, Status};

/// The maximum size of a page.
pub const PAGE_LIMIT: u32 = 100;

pub(super) const CONNECTIONS: u32 = 8;
/// How long a request waits for a connection, and a statement for a lock of another
/// process. The sum is below the timeout of the health check, so that its message is
/// `database is locked` and not `timed out`.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1_200);
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);
/// How long an order can be cancelled.
const HANDLING_TIME: &str = "-2 seconds";
/// Each migrates the schema by one version, and records it in `user_version`.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001_orders.sql")];
/// The orders per pass of the worker, few to keep the lock short.
pub(super) const BATCH: u32 = 100;

/// The order store in SQLite, in a file or in memory. Clones share its connections.
///
/// The file is the whole database: it uses the rollback journal of SQLite and not its
/// write-ahead log, so that the file can be moved away, restored or replaced while
/// the service runs, without a second file that has to match. With this journal
/// SQLite begins no write in a file that is no longer at its path, so no order is
/// accepted into a deleted file. With the write-ahead log it would be.
#[derive(Clone, Debug)]
pub(super) struct SqliteStore {
    pool: SqlitePool,
    path: Option<PathBuf>,
}

impl SqliteStore {
    /// Opens the database, and creates it if the URL has `?mode=rwc`. Migrates the
    /// schema.
    ///
    /// # Errors
    ///
    /// The URL is not an SQLite URL, or the database does not open.
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(OpenError::Url)?
            .busy_timeout(BUSY_TIMEOUT);
        if url.contains(":memory:") || url.contains("mode=memory") {
            SqliteStore::open_memory(options).await
        } else {
            SqliteStore::open_file(options).await
        }
    }

    async fn open_memory(options: SqliteConnectOptions) -> Result<Self, OpenError> {
        // This single connection is the database: when it closes, the orders are
        // lost.
        let pool = PoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(OpenError::Connect)?;
        let mut connection = pool.acquire().await.map_err(OpenError::Connect)?;
        migrate(&mut connection).await.map_err(OpenError::Migrate)?;
        Ok(SqliteStore { pool, path: None })
    }

    async fn open_file(options: SqliteConnectOptions) -> Result<Self, OpenError> {
        let path = std::path::absolute(options.get_filename());
        let path = path.map_err(|error| OpenError::Connect(error.into()))?;
        create_and_migrate(&options).await?;
        let file = DatabaseFile::observe(path.clone()).await;
        let file = Arc::new(file.map_err(|error| OpenError::Connect(error.into()))?);
        let pool = PoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // Instead of a ping, which a deleted file would answer as well.
            .test_before_acquire(false)
            .before_acquire(move |_, connection| {
                let file = Arc::clone(&file);
                Box::pin(async move { Ok(file.is_that_of_a_connection(connection.age).await) })
            })
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // The file may be new: empty, or an old backup. The pool would
                    // retry an error here until its timeout and drop it; the first
                    // query on this connection returns it instead.
                    if let Err(error) = migrate(connection).await {
                        tracing::debug!(%error, "the schema could not be brought up to date");
                    }
                    Ok(())
                })
            })
            // A file that vanishes later is an incident. A new, empty file in its
            // place would look healthy without the orders.
            .connect_lazy_with(options.create_if_missing(false));
        Ok(SqliteStore {
            pool,
            path: Some(path),
        })
    }

    /// Returns the database file, or `None` for orders in memory.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Stores an order.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub(super) async fn place(&self, order: &NewOrder) -> Result<Order, Error> {
        let mut transaction = self.begin_write().await?;
        let placed = query_as("INSERT INTO orders (item, quantity) VALUES (?, ?) RETURNING *")
            .bind(order.item())
            .bind(order.quantity())
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(placed)
    }

    /// Returns the order with this id, or `None`.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub(super) async fn get(&self, id: i64) -> Result<Option<Order>, Error> {
        query_as("SELECT * FROM orders WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// Returns at most `limit` orders (and [`PAGE_LIMIT`]) with a greater id, by id.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub(super) async fn list(&self, after: i64, limit: u32) -> Result<Vec<Order>, Error> {
        query_as("SELECT * FROM orders WHERE id > ? ORDER BY id LIMIT ?")
            .bind(after)
            .bind(limit.min(PAGE_LIMIT))
            .fetch_all(&self.pool)
            .await
    }

    /// Cancels an order that is not shipped yet.
    ///
    /// # Errors
    ///
    /// There is no such order, it is too late, or the database does not work.
    pub(super) async fn cancel(&self, id: i64) -> Result<Order, CancelError> {
        let mut transaction = self.begin_write().await?;
        let cancelled = query_as(
            "UPDATE orders SET status = 'cancelled' WHERE id = ? AND status = 'accepted' RETURNING *",
        )
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        match cancelled {
            Some(order) => Ok(order),
            None => Err(match self.get(id).await? {
                Some(order) => CancelError::TooLate(order.status),
                None => CancelError::NotFound,
            }),
        }
    }

    /// Ships the orders that were accepted long enough ago, and returns their number.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub(super) async fn ship_due(&self) -> Result<u64, Error> {
        let shipped = query(
            "UPDATE orders SET status = 'shipped' WHERE id IN (
                SELECT id FROM orders
                WHERE status = 'accepted'
                  AND placed_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)
                ORDER BY placed_at LIMIT ?)",
        )
        .bind(HANDLING_TIME)
        .bind(BATCH)
        .execute(&self.pool)
        .await?;
        Ok(shipped.rows_affected())
    }

    /// Checks whether an order could be placed: places one and rolls it back.
    ///
    /// Only a write detects that another process holds the lock, that the disk has
    /// become read-only or that the table is missing; `SELECT 1` needs none of these.
    /// After the rollback nothing reaches the disk.
    ///
    /// # Errors
    ///
    /// The database does not work.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await?;
        let probed = place_and_take_back(&mut connection).await;
        if probed.is_err() && self.path.is_some() {
            // The next one is opened, and migrated, anew.
            connection.close_on_drop();
        }
        probed
    }

    /// Closes all connections, once they are given back.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that takes the write lock first: one that reads first and
    /// then writes fails at once if another writer came between.
    async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }
}

async fn place_and_take_back(connection: &mut SqliteConnection) -> Result<(), Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    query("INSERT INTO orders (item, quantity) VALUES ('health check', 1)")
        .execute(&mut *transaction)
        .await?;
    transaction.rollback().await
}

async fn create_and_migrate(options: &SqliteConnectOptions) -> Result<(), OpenError> {
    let connection = SqliteConnection::connect_with(options).await;
    let mut connection = connection.map_err(OpenError::Connect)?;
    migrate(&mut connection).await.map_err(OpenError::Migrate)?;
    connection.close().await.map_err(OpenError::Connect)
}

/// Brings the schema up to date. sqlx's own migrations take no lock on SQLite,
/// and here several connections, or processes, may find an old schema at once.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    if schema_version(connection).await? >= MIGRATIONS.len() {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Somebody else may have done it while this one waited for the lock.
    let version = schema_version(&mut transaction).await?;
    for migration in MIGRATIONS.into_iter().skip(version) {
        raw_sql(migration).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

async fn schema_version(connection: &mut SqliteConnection) -> Result<usize, Error> {
    let version: u32 = query_scalar("PRAGMA user_version")
        .fetch_one(connection)
        .await?;
    Ok(version as usize)
}

impl FromRow<'_, SqliteRow> for Order {
    fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        let status: &str = row.try_get("status")?;
        Ok(Order {
            id: row.try_get("id")?,
            item: row.try_get("item")?,
            quantity: row.try_get("quantity")?,
            status: Status::from_name(status).ok_or_else(|| unknown_status(status))?,
            placed_at: row.try_get("placed_at")?,
        })
    }
}

pub(super) fn unknown_status(status: &str) -> Error {
    Error::Decode(format!("there is no order status {status:?}").into())
}

/// Why the database does not open.
#[derive(Debug)]
pub enum OpenError {
    /// The URL is not understood.
    Url(Error),
    /// The database cannot be opened.
    Connect(Error),
    /// Its schema cannot be brought up to date.
    Migrate(Error),
    /// The URL of the cache is not understood.
    Cache(redis::RedisError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OpenError::Url(_) => "DATABASE_URL is not understood",
            OpenError::Connect(_) => {
                "the database at DATABASE_URL does not open; `?mode=rwc` creates a missing file of SQLite"
            }
            OpenError::Cache(_) => "REDIS_URL is not understood",
            OpenError::Migrate(_) => "the database's schema cannot be brought up to date",
        })
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Url(error) | OpenError::Connect(error) | OpenError::Migrate(error) => {
                Some(error)
            }
            OpenError::Cache(error) => Some(error),
        }
    }
}

/// Why an order is not cancelled.
#[derive(Debug)]
pub enum CancelError {
    /// There is no such order.
    NotFound,
    /// It is shipped or cancelled already.
    TooLate(Status),
    /// The database does not work.
    Database(Error),
}

impl From<Error> for CancelError {
    fn from(error: Error) -> Self {
        CancelError::Database(error)
    }
}

impl fmt::Display for CancelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CancelError::NotFound => f.write_str("there is no such order"),
            CancelError::TooLate(status) => write!(f, "the order is already {}", status.name()),
            CancelError::Database(_) => f.write_str("the database does not work"),
        }
    }
}

impl std::error::Error for CancelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CancelError::Database(error) => Some(error),
            CancelError::NotFound | CancelError::TooLate(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SqliteStore;
    use crate::*;
    use tempfile::TempDir;
    use tokio::task::JoinSet;

    fn new_file() -> (TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("orders.db");
        (directory, format!("sqlite:{}?mode=rwc", file.display()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn concurrent_orders_are_all_accepted() {
        let (_directory, url) = new_file();
        let store = SqliteStore::open(&url).await.unwrap();
        let mut placing = JoinSet::new();
        for _ in 0..6 {
            let store = store.clone();
            placing.spawn(async move {
                let tea = NewOrder::new("tea", 2).unwrap();
                store.place(&tea).await.unwrap().id
            });
        }
        let mut ids = placing.join_all().await;
        ids.sort_unstable();
        assert!(ids.into_iter().eq(1..=6));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn services_can_start_concurrently_on_a_new_file() {
        let (_directory, url) = new_file();
        let mut opening = JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            opening.spawn(async move { SqliteStore::open(&url).await.unwrap() });
        }
        for store in opening.join_all().await {
            store.probe().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_probe_write_is_rolled_back() {
        let (_directory, url) = new_file();
        let store = SqliteStore::open(&url).await.unwrap();
        store.probe().await.unwrap();
        assert_eq!(store.list(0, PAGE_LIMIT).await.unwrap(), []);
        let tea = NewOrder::new("tea", 2).unwrap();
        assert_eq!(store.place(&tea).await.unwrap().id, 1);
    }

    #[tokio::test]
    async fn orders_in_an_in_memory_database_are_kept() {
        let store = SqliteStore::open("sqlite::memory:").await.unwrap();
        let tea = NewOrder::new("tea", 2).unwrap();
        let order = store.place(&tea).await.unwrap();
        let refused = store.cancel(order.id + 1).await;
        assert!(matches!(refused, Err(CancelError::NotFound)));
        store.probe().await.unwrap();
        assert_eq!(store.get(order.id).await.unwrap(), Some(order));
    }
}
