//! The three probes of an orchestrator.

use std::fmt;

/// A probe of the whole service: liveness, readiness or startup.
///
/// The three are those of Kubernetes ([*Liveness, Readiness, and Startup
/// Probes*][docs]). Load balancers and uptime monitors use readiness.
///
/// [docs]: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Probe {
    /// Whether the process should keep running; a failure restarts it. Do not
    /// add checks of other services here.
    Liveness,
    /// Whether this instance should receive traffic.
    Readiness,
    /// Whether the service has finished starting. Once passed, it stays passed.
    Startup,
}

impl Probe {
    /// All probes, in the order in which they are shown.
    pub const ALL: [Probe; 3] = [Probe::Liveness, Probe::Readiness, Probe::Startup];

    /// Returns the name that the attribute, the settings and the reports use.
    ///
    /// ```
    /// assert_eq!(health_core::Probe::Readiness.as_str(), "readiness");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Probe::Liveness => "liveness",
            Probe::Readiness => "readiness",
            Probe::Startup => "startup",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of probes, usable in a `const`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Probes(u8);

impl Probes {
    pub(crate) const NONE: Probes = Probes(0);
    pub(crate) const ALL: Probes = Probes(0b111);

    pub(crate) const fn with(self, probe: Probe) -> Probes {
        Probes(self.0 | probe.bit())
    }

    pub(crate) const fn contains(self, probe: Probe) -> bool {
        self.0 & probe.bit() != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn difference(self, other: Probes) -> Probes {
        Probes(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Probe> {
        Probe::ALL
            .into_iter()
            .filter(move |&probe| self.contains(probe))
    }
}

impl FromIterator<Probes> for Probes {
    fn from_iter<T: IntoIterator<Item = Probes>>(sets: T) -> Self {
        sets.into_iter()
            .fold(Probes::NONE, |Probes(all), Probes(set)| Probes(all | set))
    }
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
