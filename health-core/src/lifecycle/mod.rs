//! The end of the process: drain, signals, systemd.

pub(crate) mod drain;
#[cfg(feature = "signal")]
pub(crate) mod signal;
#[cfg(all(feature = "systemd", unix))]
pub(crate) mod systemd;
