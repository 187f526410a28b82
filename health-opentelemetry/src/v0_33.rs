//! For opentelemetry 0.33.

#[allow(
    clippy::duplicate_mod,
    reason = "once for each version of opentelemetry"
)]
#[path = "exporter.rs"]
mod exporter;

use ::opentelemetry;

pub use exporter::record;
