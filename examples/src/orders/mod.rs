//! A small order service: orders are placed, and a worker ships them.
//!
//! | module | is |
//! |---|---|
//! | `app` | the parts together: how the service begins and ends |
//! | `checks` | its health checks |
//! | `model` | orders, and the rules that a new one obeys |
//! | `page` | the list of orders, a page at a time |
//! | `problem` | what a client is told when something goes wrong |
//! | `database` | the orders, in SQLite or in Postgres |
//! | `store` | the orders in SQLite |
//! | `postgres` | the orders in Postgres |
//! | `cache` | orders that do not change any more, in Redis |
//! | `payments` | the payment service |
//! | `worker` | ships accepted orders in the background |
//! | `disk` | the space that is left beside the database |
//! | `settings` | the environment variables |

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

pub use app::{AppState, GRACE, greet};
pub use cache::Cache;
pub use checks::with_dependencies;
pub use database::Store;
pub use disk::DiskSpace;
pub use model::{InvalidOrder, NewOrder, Order, Status};
pub use page::{Orders, Page};
pub use payments::{PaymentError, Payments};
pub use problem::Problem;
pub use settings::{InvalidSetting, Settings};
pub use store::{CancelError, OpenError, PAGE_LIMIT};
pub use worker::Worker;
