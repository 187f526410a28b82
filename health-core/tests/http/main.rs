//! How requests are answered: formats, paths, guards and the server.

mod bounds;
mod formats;
mod groups;
mod guard;
mod hostile;
mod properties;
mod read_back;
mod serve;
mod status_page;

use std::time::Duration;

use health_core::{Health, HealthBuilder};

/// Starts health under the paused clock, and returns it after the first runs.
async fn started(builder: HealthBuilder) -> Health {
    let health = builder.start().expect("it starts");
    tokio::time::sleep(Duration::from_secs(1)).await;
    health
}
