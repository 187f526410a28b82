//! Starts the checks that the other crates declare.

use health_core::{Health, HealthBuilder};
use invoices_queue::Queue;
use invoices_store::Store;

/// The names of all checks. A crate that is no longer linked is missed at the start.
pub const NAMES: [&str; 2] = ["invoices-store", "invoices-queue"];

pub fn checks(store: &Store, queue: &Queue) -> HealthBuilder {
    Health::builder()
        .provide(store.clone())
        .provide(queue.clone())
        .require(NAMES)
}
