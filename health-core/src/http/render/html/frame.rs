//! The data that the parts of the page share.

use std::time::Duration;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::render::shown::Shown;
use crate::http::service_info::ServiceInfo;
use crate::verdict::changes::Changes;
use crate::verdict::day::Day;

/// The data about the service as a whole.
#[derive(Default)]
pub(crate) struct PageFrame<'a> {
    pub(crate) service: Service<'a>,
    pub(crate) uptime: Option<Duration>,
    pub(crate) probes: Option<[(Probe, Status); Probe::ALL.len()]>,
    /// Readiness fails because of the drain.
    pub(crate) draining: bool,
    /// The status regardless of the drain.
    pub(crate) without_drain: Option<Status>,
    pub(crate) changes: Changes,
}

impl PageFrame<'_> {
    /// Returns whether the service only fails because of the drain.
    pub(super) fn is_only_draining(&self) -> bool {
        self.draining
            && self
                .without_drain
                .is_some_and(|status| status != Status::Fail)
    }

    /// Returns whether startup has not passed yet, and no restart is needed.
    pub(super) fn is_starting(&self) -> bool {
        let fails = |probe| {
            let probes = self.probes.iter().flatten();
            probes
                .filter(|(other, _)| *other == probe)
                .any(|(_, status)| *status == Status::Fail)
        };
        !self.draining && fails(Probe::Startup) && !fails(Probe::Liveness)
    }
}

/// The names of the service, as far as the client may see them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Service<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) version: Option<&'a str>,
    pub(crate) instance: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    /// Its description, notes and links.
    pub(crate) info: Option<&'a ServiceInfo>,
}

/// The subject of the page.
#[derive(Clone, Copy, Debug)]
pub(super) enum PageSubject<'a> {
    Service(Status),
    Group(&'a str, Status),
    Check(Shown<'a>),
}

/// A check, and its index in the snapshot.
pub(crate) type Indexed<'a> = (usize, Shown<'a>);
/// Returns the last day of these checks.
pub(crate) type Days<'a> = &'a dyn Fn(&[usize]) -> Vec<Option<Day>>;
