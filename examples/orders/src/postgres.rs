//! The order store in Postgres.

use sqlx::postgres::{PgPoolOptions, PgRow};
use sqlx::{Error, FromRow, PgPool, Row, query, query_as, raw_sql};

use crate::model::{NewOrder, Order, Status};
use crate::store::{
    ACQUIRE_TIMEOUT, BATCH, CONNECTIONS, CancelError, OpenError, PAGE_LIMIT, unknown_status,
};

const SCHEMA: &str = include_str!("../migrations/postgres/0001_orders.sql");

/// The order store in Postgres. Clones share its connections.
#[derive(Clone, Debug)]
pub(super) struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects, and migrates the schema.
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        let options = url.parse().map_err(OpenError::Url)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options)
            .await
            .map_err(OpenError::Connect)?;
        let store = PostgresStore { pool };
        store.migrate().await.map_err(OpenError::Migrate)?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        raw_sql(SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) async fn place(&self, order: &NewOrder) -> Result<Order, Error> {
        query_as("INSERT INTO orders (item, quantity) VALUES ($1, $2) RETURNING *, utc(placed_at)")
            .bind(order.item())
            .bind(i64::from(order.quantity()))
            .fetch_one(&self.pool)
            .await
    }

    pub(super) async fn get(&self, id: i64) -> Result<Option<Order>, Error> {
        query_as("SELECT *, utc(placed_at) FROM orders WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    pub(super) async fn list(&self, after: i64, limit: u32) -> Result<Vec<Order>, Error> {
        query_as("SELECT *, utc(placed_at) FROM orders WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(after)
            .bind(i64::from(limit.min(PAGE_LIMIT)))
            .fetch_all(&self.pool)
            .await
    }

    pub(super) async fn cancel(&self, id: i64) -> Result<Order, CancelError> {
        let cancelled = query_as(
            "UPDATE orders SET status = 'cancelled' WHERE id = $1 AND status = 'accepted'
             RETURNING *, utc(placed_at)",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        match cancelled {
            Some(order) => Ok(order),
            None => Err(match self.get(id).await? {
                Some(order) => CancelError::TooLate(order.status),
                None => CancelError::NotFound,
            }),
        }
    }

    pub(super) async fn ship_due(&self) -> Result<u64, Error> {
        let shipped = query(
            "UPDATE orders SET status = 'shipped' WHERE id IN (
                SELECT id FROM orders
                WHERE status = 'accepted' AND placed_at <= now() - interval '2 seconds'
                ORDER BY placed_at LIMIT $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind(i64::from(BATCH))
        .execute(&self.pool)
        .await?;
        Ok(shipped.rows_affected())
    }
}

impl FromRow<'_, PgRow> for Order {
    fn from_row(row: &PgRow) -> Result<Self, Error> {
        let status: &str = row.try_get("status")?;
        let quantity: i32 = row.try_get("quantity")?;
        Ok(Order {
            id: row.try_get("id")?,
            item: row.try_get("item")?,
            quantity: u32::try_from(quantity).map_err(|error| Error::Decode(error.into()))?,
            status: Status::from_name(status).ok_or_else(|| unknown_status(status))?,
            placed_at: row.try_get("utc")?,
        })
    }
}
