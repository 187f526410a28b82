//! Startup and shutdown of the service: drain, signals, systemd.

pub(crate) mod drain;
pub(crate) mod options;
#[cfg(feature = "signal")]
pub(crate) mod signal;
#[cfg(all(feature = "systemd", unix))]
pub(crate) mod systemd;
