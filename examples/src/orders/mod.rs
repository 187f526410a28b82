//! A small order service: orders are placed, and a worker ships them.
//!
//! | module | is |
//! |---|---|
//! | `model` | orders, and the rules that a new one obeys |
//! | `store` | the orders in SQLite |
//! | `worker` | ships accepted orders in the background |
//! | `disk` | the space that is left beside the database |
//! | `settings` | the environment variables |

mod database_file;
mod disk;
mod model;
mod settings;
mod store;
mod worker;

pub use disk::DiskSpace;
pub use model::{InvalidOrder, NewOrder, Order, Status};
pub use settings::{BadSetting, Settings};
pub use store::{CancelError, OpenError, PAGE_LIMIT, Store};
pub use worker::{Progress, Worker};
