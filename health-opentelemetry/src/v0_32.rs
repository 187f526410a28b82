//! For opentelemetry 0.32.

#[allow(
    clippy::duplicate_mod,
    reason = "once for each version of opentelemetry"
)]
#[path = "exporter.rs"]
mod exporter;

use opentelemetry_0_32 as opentelemetry;

pub use exporter::record;
