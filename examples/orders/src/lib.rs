//! A small order service: orders are placed, and a worker ships them.
//!
//! | module | is |
//! |---|---|
//! | `app` | the parts together: how the service begins and ends |
//! | `checks` | the health checks of the database and the disk |
//! | `model` | orders, and the rules that a new one obeys |
//! | `page` | the list of orders, a page at a time |
//! | `problem` | the errors that a client receives |
//! | `database` | the orders, in SQLite or in Postgres |
//! | `store` | the orders in SQLite |
//! | `postgres` | the orders in Postgres |
//! | `cache` | a cache of orders that no longer change, in Redis |
//! | `payments` | the payment service |
//! | `worker` | ships accepted orders in the background |
//! | `disk` | the space that is left beside the database |
//! | `settings` | the environment variables |
//!
//! The library uses no web framework. Each binary contains everything that
//! concerns its framework.

mod app;
mod cache;
mod checks;
mod database;
mod database_file;
mod disk;
mod model;
mod page;
mod payments;
mod postgres;
mod problem;
mod settings;
mod store;
mod worker;

use std::{env, io};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub use app::{AppState, GRACE, greet};
pub use cache::Cache;
pub use database::Store;
pub use disk::DiskSpace;
pub use model::{InvalidOrder, NewOrder, Order, Status};
pub use page::{Orders, Page};
pub use payments::{PaymentError, Payments};
pub use problem::Problem;
pub use settings::{InvalidSetting, Settings};
pub use store::{CancelError, OpenError, PAGE_LIMIT};
pub use worker::Worker;

/// Writes the log to standard error, filtered by `RUST_LOG`.
///
/// The default level `info` includes each request and each change of a check
/// with its reason. `LOG_FORMAT=json` writes one JSON object per line.
pub fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    if env::var_os("LOG_FORMAT").is_some_and(|format| format == "json") {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
}
