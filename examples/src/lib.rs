//! What the examples share. No web framework is in here: an example's own file
//! shows everything that concerns its framework.

pub mod orders;

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// `RUST_LOG` says how much; the default shows each check that turns, and why.
pub fn log_to_stderr() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}
