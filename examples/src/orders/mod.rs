//! A small order service: orders are placed, and a worker ships them.
//!
//! | module | is |
//! |---|---|
//! | `app` | the parts together: how the service begins and ends |
//! | `checks` | its health checks |
//! | `model` | orders, and the rules that a new one obeys |
//! | `page` | the list of orders, a page at a time |
//! | `problem` | what a client is told when something goes wrong |
//! | `store` | the orders in SQLite |
//! | `worker` | ships accepted orders in the background |
//! | `disk` | the space that is left beside the database |
//! | `settings` | the environment variables |

mod app;
mod checks;
mod database_file;
mod disk;
mod model;
mod page;
mod problem;
mod settings;
mod store;
mod worker;

pub use app::{AppState, GRACE, greet};
pub use disk::DiskSpace;
pub use model::{InvalidOrder, NewOrder, Order, Status};
pub use page::{Orders, Page};
pub use problem::Problem;
pub use settings::{InvalidSetting, Settings};
pub use store::{CancelError, OpenError, PAGE_LIMIT, Store};
pub use worker::Worker;
