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

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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

/// Writes the log to standard error, filtered by the levels of targets in `RUST_LOG`.
///
/// The default level `info` includes each request and each change of a check
/// with its reason. `LOG_FORMAT=json` writes one JSON object per line.
pub fn log_to_stderr() {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let log = tracing_subscriber::registry().with(levels(env::var("RUST_LOG").ok()));
    if env::var_os("LOG_FORMAT").is_some_and(|format| format == "json") {
        log.with(lines.json().flatten_event(true)).init();
    } else {
        log.with(lines).init();
    }
}

/// Refuses any argument, so that a misspelled `probe` of a manifest does not start a second service.
///
/// # Errors
///
/// The message names the argument.
pub fn refuse_arguments() -> anyhow::Result<()> {
    match env::args_os().nth(1) {
        Some(unknown) => {
            let unknown = unknown.display();
            anyhow::bail!("unknown argument `{unknown}`: the only one is `probe`")
        }
        None => Ok(()),
    }
}

/// Without directives, or with invalid ones, the level is `info`.
///
/// `EnvFilter` also filters by spans and fields, and compiles a regex engine for it.
fn levels(directives: Option<String>) -> Targets {
    let default = Targets::new().with_default(LevelFilter::INFO);
    let Some(directives) = directives.filter(|directives| !directives.is_empty()) else {
        return default;
    };
    directives.parse().unwrap_or_else(|error| {
        eprintln!("RUST_LOG is ignored: {error}");
        default
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn the_log_level_of_each_target_is_an_environment_variable() {
        for (variable, orders, health) in [
            (None, Level::INFO, Level::INFO),
            (Some(""), Level::INFO, Level::INFO),
            (Some("orders=not_a_level"), Level::INFO, Level::INFO),
            (Some("debug,health=warn"), Level::DEBUG, Level::WARN),
        ] {
            let levels = levels(variable.map(String::from));
            for (target, level) in [("orders", orders), ("health", health)] {
                assert!(levels.would_enable(target, &level), "{variable:?}");
                let finer = match level {
                    Level::WARN => Level::INFO,
                    Level::INFO => Level::DEBUG,
                    _ => Level::TRACE,
                };
                assert!(!levels.would_enable(target, &finer), "{variable:?}");
            }
        }
    }
}
