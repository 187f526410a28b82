//! A cache in Redis of orders that no longer change.

use std::time::Duration;

use health_core::Outcome;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, cmd};
use tokio::time::timeout;

use crate::model::Order;
use crate::store::OpenError;

/// Without a connection, the manager would wait for many attempts to get one.
const TIMEOUT: Duration = Duration::from_millis(250);
const SECONDS: u64 = 3_600;

/// Shipped or cancelled orders. Errors are ignored, since the database has every
/// order.
#[derive(Clone)]
pub struct Cache(ConnectionManager);

impl Cache {
    /// Connects when it is first used.
    ///
    /// # Errors
    ///
    /// The URL is invalid.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        connect(url).map(Cache).map_err(OpenError::Cache)
    }

    /// Redis answers. The health check of the cache.
    pub async fn ping(&self) -> Outcome {
        health_indicators::redis::ping(&self.0).await
    }

    /// Returns the order with this id, if it is cached.
    pub async fn get(&self, id: i64) -> Option<Order> {
        let mut connection = self.0.clone();
        let mut command = cmd("GET");
        command.arg(key(id));
        let json = timeout(TIMEOUT, command.query_async(&mut connection)).await;
        let json: Option<String> = json.ok()?.ok()?;
        serde_json::from_str(&json?).ok()
    }

    /// Caches this order for an hour.
    pub async fn put(&self, order: &Order) {
        let Ok(json) = serde_json::to_string(order) else {
            return;
        };
        let mut connection = self.0.clone();
        let mut command = cmd("SET");
        command.arg(key(order.id)).arg(json).arg("EX").arg(SECONDS);
        let kept = timeout(TIMEOUT, command.query_async::<()>(&mut connection)).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::debug!(order.id, "an order is not cached");
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

fn connect(url: &str) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT));
    ConnectionManager::new_lazy_with_config(Client::open(url)?, config)
}

fn key(id: i64) -> String {
    format!("orders:{id}")
}
