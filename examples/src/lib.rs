//! What the examples share. No web framework is in here: an example's own file
//! shows everything that concerns its framework.

pub mod orders;

use std::{env, io};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// `RUST_LOG` says how much; the default shows each request, each check that
/// turns, and why. `LOG_FORMAT=json` is for machines.
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
