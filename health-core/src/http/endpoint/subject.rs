//! The status of a part of the service, for protocols other than HTTP.

use std::borrow::Cow;
use std::fmt;

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::endpoint::Endpoint;
use crate::registry::page::Page;

/// The part of a service that a status is about: a probe, the checks with a tag,
/// or one check.
///
/// ```
/// use health_core::http::Subject;
/// use health_core::Probe;
///
/// let ready: Subject = Probe::Readiness.into();
/// let storage = Subject::group("storage");
/// let database = Subject::check("database");
/// # let _ = (ready, storage, database);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    kind: SubjectKind,
    for_traffic: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum SubjectKind {
    Probe(Probe),
    Group(Cow<'static, str>),
    Check(Cow<'static, str>),
}

impl Subject {
    /// Creates the subject of one probe.
    pub const fn probe(probe: Probe) -> Self {
        Subject::new(SubjectKind::Probe(probe))
    }

    /// Creates the subject of the checks with this tag, whatever their probes.
    ///
    /// The status is that of [`HttpOptions::group`](crate::config::HttpOptions::group).
    /// The tag need not have a page.
    pub fn group(tag: impl Into<Cow<'static, str>>) -> Self {
        Subject::new(SubjectKind::Group(tag.into()))
    }

    /// Creates the subject of one check.
    pub fn check(name: impl Into<Cow<'static, str>>) -> Self {
        Subject::new(SubjectKind::Check(name.into()))
    }

    const fn new(kind: SubjectKind) -> Self {
        Subject {
            kind,
            for_traffic: false,
        }
    }

    /// Makes the status decide about traffic: it also fails until startup has passed,
    /// and from the beginning of a drain. Has no effect on a probe.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::http::Subject;
    /// use health_core::{CheckOptions, Health, Status};
    ///
    /// let options = CheckOptions::new().tags(["storage"]);
    /// let health = Health::builder().check("disk", options, || async {}).start()?;
    /// health.refresh("disk").await;
    /// let storage = Subject::group("storage");
    /// drop(health.drain());
    /// assert_eq!(health.status_of(&storage), Some(Status::Pass));
    /// assert_eq!(health.status_of(&storage.for_traffic()), Some(Status::Fail));
    /// # Ok(())
    /// # }
    /// ```
    pub fn for_traffic(mut self) -> Self {
        self.for_traffic = !matches!(self.kind, SubjectKind::Probe(_));
        self
    }
}

/// The name in messages: `readiness`, `the group "storage"`, `the check "disk"`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SubjectKind::Probe(probe) => write!(f, "{probe}"),
            SubjectKind::Group(tag) => write!(f, "the group {tag:?}"),
            SubjectKind::Check(name) => write!(f, "the check {name:?}"),
        }
    }
}

impl From<Probe> for Subject {
    fn from(probe: Probe) -> Self {
        Subject::probe(probe)
    }
}

/// The tag of a group.
impl From<&'static str> for Subject {
    fn from(tag: &'static str) -> Self {
        Subject::group(tag)
    }
}

/// A subject that exists.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    page: Page,
    check: Option<usize>,
    for_traffic: bool,
}

impl Endpoint {
    /// Returns the tags by which checks are grouped, each once: those of
    /// [`HttpOptions::group`](crate::config::HttpOptions::group) and
    /// [`Page::Group`].
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.inner.settings.paths.groups().into_iter()
    }

    pub(crate) fn find(&self, subject: &Subject) -> Option<Found> {
        let monitor = &self.inner.monitor;
        let (page, check) = match &subject.kind {
            SubjectKind::Probe(probe) => (Page::Probe(*probe), None),
            SubjectKind::Group(tag) if !monitor.has_tag(tag) => return None,
            SubjectKind::Group(tag) => (Page::Group(tag.clone()), None),
            SubjectKind::Check(name) => (Page::Health, Some(monitor.index_of(name)?)),
        };
        Some(Found {
            page,
            check,
            for_traffic: subject.for_traffic,
        })
    }

    pub(crate) fn status_of(&self, found: &Found) -> Status {
        let own = match found.check {
            Some(check) => self.inner.monitor.verdict(check).status(),
            None => self.inner.status(&found.page),
        };
        if found.for_traffic && !self.inner.monitor.takes_traffic() {
            return Status::Fail;
        }
        own
    }

    /// Runs the checks on demand of these subjects whose results are too old.
    pub(crate) async fn refresh_outdated<'a>(&self, subjects: impl IntoIterator<Item = &'a Found>) {
        let outdated = |found: &Found| self.inner.outdated(&found.page, found.check);
        let requests = subjects.into_iter().flat_map(outdated).collect();
        self.inner.wait_for(requests).await;
    }

    /// Returns whether the subject depends on a check on demand.
    pub(crate) fn is_on_demand(&self, found: &Found) -> bool {
        let mut on_demand = self.inner.monitor.on_demand().iter();
        on_demand.any(|&index| self.inner.concerns(&found.page, found.check, index))
    }
}
