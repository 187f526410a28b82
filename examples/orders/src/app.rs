//! The parts of the service, its start and its shutdown, for any framework.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use health_core::HealthState;

use crate::cache::Cache;
use crate::database::Store;
use crate::disk::DiskSpace;
use crate::model::{NewOrder, Order};
use crate::payments::Payments;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::store::OpenError;
use crate::worker::Worker;

/// How long requests may take after the drain.
pub const GRACE: Duration = Duration::from_secs(5);

/// The state of the handlers and of the health checks: each field can be a parameter
/// of a check.
#[derive(Clone, Debug, HealthState)]
pub struct AppState {
    /// The orders.
    pub store: Store,
    /// The disk of the database file.
    pub disk: DiskSpace,
    /// Orders that no longer change are cached in Redis, with `REDIS_URL`.
    #[health(check = Cache::ping, timeout = "1s", interval = "2s")]
    pub cache: Option<Cache>,
    /// The payment service, with `PAYMENT_URL`.
    #[health(check = Payments::up, timeout = "1s", interval = "2s")]
    pub payments: Option<Payments>,
}

impl AppState {
    /// Opens the database and starts the worker.
    ///
    /// # Errors
    ///
    /// The database does not open, or a URL is invalid.
    pub async fn open(settings: &Settings) -> Result<(Self, Worker), OpenError> {
        let cache = settings.redis_url.as_deref().map(Cache::open).transpose()?;
        let store = Store::open(&settings.database_url).await?;
        let worker = Worker::start(store.clone());
        let state = AppState {
            disk: DiskSpace::beside(store.path(), settings.disk_min_free),
            store,
            cache,
            payments: settings.payment_url.as_deref().map(Payments::at),
        };
        Ok((state, worker))
    }

    /// Accepts a paid order.
    ///
    /// # Errors
    ///
    /// The payment is declined or fails, or the database does not work.
    pub async fn place(&self, order: &NewOrder) -> Result<Order, Problem> {
        if let Some(payments) = &self.payments {
            payments.authorize(order).await?;
        }
        Ok(self.store.place(order).await?)
    }

    /// Returns the order with this id, from the cache if possible.
    ///
    /// # Errors
    ///
    /// There is no such order, or the database does not work.
    pub async fn order(&self, id: i64) -> Result<Order, Problem> {
        if let Some(cache) = &self.cache
            && let Some(order) = cache.get(id).await
        {
            return Ok(order);
        }
        let order = self.store.get(id).await?;
        let order = order.ok_or_else(Problem::no_such_order)?;
        if let Some(cache) = &self.cache
            && order.is_final()
        {
            cache.put(&order).await;
        }
        Ok(order)
    }
}

/// Prints commands to try at the address of the service and at the one for operators.
pub fn greet(address: SocketAddr, internal: SocketAddr, state: &AppState) {
    let [address, internal] = [address, internal].map(reachable);
    let text = what_to_try(address, internal, &state.store);
    // Not `println!`, which panics when stdout is closed.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// An address that a client on this machine can use.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

fn what_to_try(address: SocketAddr, internal: SocketAddr, store: &Store) -> String {
    let hint = match store.path() {
        _ if store.is_shared() => "Its orders are in Postgres.".to_owned(),
        Some(file) => format!(
            "Its orders are in {}:\nmove that file away and back, and /readyz answers 503 and 200.",
            file.display()
        ),
        None => "Its orders are in memory, and gone when it stops.".to_owned(),
    };
    format!(
        r#"orders listens on http://{address}
  for operators: http://{internal}
  curl http://{address}/readyz
  curl http://{address}/livez
  curl http://{internal}/health
  http://{internal}/status in a browser
  curl http://{internal}/metrics
  curl http://{internal}/health/openapi.json
  curl http://{address}/orders -H 'content-type: application/json' -d '{{"item":"tea","quantity":2}}'
  curl http://{address}/orders
{hint}
"#
    )
}
