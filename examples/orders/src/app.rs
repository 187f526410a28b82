//! What the service consists of, and how it begins and ends, whatever serves it.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use health_core::HealthState;

use crate::disk::DiskSpace;
use crate::settings::Settings;
use crate::store::{OpenError, Store};
use crate::worker::Worker;

/// How long requests may still take once the drain is over.
pub const GRACE: Duration = Duration::from_secs(5);

/// What the handlers use, and the health checks: each field can be a parameter
/// of a check.
#[derive(Clone, Debug, HealthState)]
pub struct AppState {
    /// The orders.
    pub store: Store,
    /// The disk of the orders.
    pub disk: DiskSpace,
}

impl AppState {
    /// Opens the database and starts the worker.
    ///
    /// # Errors
    ///
    /// The database does not open.
    pub async fn open(settings: &Settings) -> Result<(Self, Worker), OpenError> {
        let store = Store::open(&settings.database_url).await?;
        let worker = Worker::start(store.clone());
        let state = AppState {
            disk: DiskSpace::beside(store.path(), settings.disk_min_free),
            store,
        };
        Ok((state, worker))
    }
}

/// Prints what to try.
pub fn greet(address: SocketAddr, state: &AppState) {
    // Not `println!`, which panics when nobody reads it any more.
    let _ = io::stdout().write_all(what_to_try(address, state.store.path()).as_bytes());
}

fn what_to_try(mut address: SocketAddr, database: Option<&Path>) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let hint = match database {
        Some(file) => format!(
            "Its orders are in {}:\nmove that file away and back, and /readyz answers 503 and 200.",
            file.display()
        ),
        None => "Its orders are in memory, and gone when it stops.".to_owned(),
    };
    format!(
        r#"orders listens on http://{address}
  curl http://{address}/readyz
  curl http://{address}/livez
  curl http://{address}/health
  http://{address}/status in a browser
  curl http://{address}/metrics
  curl http://{address}/health/openapi.json
  curl http://{address}/orders -H 'content-type: application/json' -d '{{"item":"tea","quantity":2}}'
  curl http://{address}/orders
{hint}
"#
    )
}
