//! Checks and probes that are required at startup.

use crate::check::probe::Probe;

/// A check or a probe without which [`HealthBuilder::start`] fails.
///
/// Converts from the name of a check and from a [`Probe`]; see
/// [`HealthBuilder::require`].
///
/// [`HealthBuilder::require`]: crate::HealthBuilder::require
/// [`HealthBuilder::start`]: crate::HealthBuilder::start
#[derive(Clone, Debug)]
pub struct Requirement(pub(super) Required);

#[derive(Clone, Debug)]
pub(super) enum Required {
    Check(String),
    Probe(Probe),
}

impl From<&str> for Requirement {
    fn from(check: &str) -> Self {
        Requirement(Required::Check(check.to_owned()))
    }
}

impl From<String> for Requirement {
    fn from(check: String) -> Self {
        Requirement(Required::Check(check))
    }
}

impl From<Probe> for Requirement {
    fn from(probe: Probe) -> Self {
        Requirement(Required::Probe(probe))
    }
}
