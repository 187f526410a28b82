//! The metrics as a reader of OpenTelemetry collects them.

mod v0_32;
mod v0_33;
