//! The health checks of the required parts. The checks of the cache and of the
//! payment service are on the fields of `AppState`. Every program that links this
//! crate has all of them.

use std::io;

use health_core::{Outcome, health_check};

use crate::database::Store;
use crate::disk::DiskSpace;

/// Without the database no request can be served, so this decides readiness.
#[health_check(timeout = "2s", interval = "2s", critical, tags("storage"))]
async fn database(store: &Store) -> Result<Outcome, sqlx::Error> {
    store.probe().await
}

/// The disk has enough free space.
///
/// A plain function, since reading the free space can block.
#[health_check(tags("storage"), observes(bytes))]
fn disk(disk: &DiskSpace) -> io::Result<Outcome> {
    let free = disk.free()?;
    let outcome = if free < disk.least() {
        Outcome::warn("the disk is nearly full")
    } else {
        Outcome::pass()
    };
    Ok(outcome.observe(free, "bytes"))
}
