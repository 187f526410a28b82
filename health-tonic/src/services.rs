//! The services and their subjects.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::{error, fmt};

use health_core::http::Subject;
use health_core::{Health, Probe};

use crate::answer::Answers;
use crate::pb::health_server::HealthServer;

/// Returns the services of this health. Names can be added before they are served.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use health_tonic::Health;
/// use tonic::transport::Server;
///
/// let health = Health::builder().start()?;
/// let router = Server::builder().add_service(health_tonic::services(&health).build()?);
/// # let _ = router;
/// # Ok(())
/// # }
/// ```
pub fn services(health: &Health) -> Services {
    Services {
        health: health.clone(),
        named: Vec::new(),
        with_checks: false,
    }
}

/// The services of one [`Health`]; created by [`services`].
#[derive(Clone, Debug)]
#[must_use = "nothing is served until `build`"]
pub struct Services {
    health: Health,
    named: Vec<(String, Subject)>,
    with_checks: bool,
}

impl Services {
    /// Adds a service with this name, usually that of one of the application's own
    /// gRPC services. Its status is that of a group, given by its tag, of a
    /// [`Probe`], or of another [`Subject`].
    ///
    /// The status of a group or check is [for traffic](Subject::for_traffic):
    /// `NOT_SERVING` also until startup has passed and from the beginning of a
    /// drain.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use health_tonic::http::Subject;
    /// use health_tonic::{CheckOptions, Health, Probe};
    ///
    /// let options = CheckOptions::new().tags(["storage"]);
    /// let health = Health::builder().check("exports", options, || async {}).start()?;
    /// let services = health_tonic::services(&health)
    ///     .service("orders.v1.Orders", "storage")
    ///     .service("orders.v1.Reports", Subject::check("exports"))
    ///     .service("orders-liveness", Probe::Liveness)
    ///     .build()?;
    /// # let _ = services;
    /// # Ok(())
    /// # }
    /// ```
    pub fn service(mut self, name: impl Into<String>, subject: impl Into<Subject>) -> Self {
        self.named.push((name.into(), subject.into().for_traffic()));
        self
    }

    /// Adds a service for each check, with the name of the check.
    pub fn with_checks(mut self) -> Self {
        self.with_checks = true;
        self
    }

    /// Creates the server, for `add_service` of tonic's router.
    ///
    /// # Errors
    ///
    /// Fails if two services have the same name, or if no check and no tag has the
    /// name that was given for a service. The error lists all of them.
    pub fn build(self) -> Result<HealthServer<Answers>, ServicesError> {
        let mut table = Table::default();
        table.add("", Probe::Readiness.into());
        for probe in Probe::ALL {
            table.add(probe.as_str(), probe.into());
        }
        let endpoint = self.health.endpoint();
        for tag in endpoint.groups() {
            table.add(tag, Subject::group(tag.to_owned()));
        }
        for (name, subject) in self.named {
            if self.health.status_of(&subject).is_none() {
                table.problems.push(Problem::Unknown {
                    name: name.clone(),
                    subject: subject.clone(),
                });
            }
            table.add(&name, subject);
        }
        if self.with_checks {
            for check in self.health.snapshot().checks() {
                table.add(check.name(), Subject::check(check.name().to_owned()));
            }
        }
        if table.problems.is_empty() {
            Ok(HealthServer::new(Answers::new(self.health, table.subjects)))
        } else {
            Err(ServicesError(table.problems))
        }
    }
}

#[derive(Default)]
struct Table {
    subjects: BTreeMap<String, Subject>,
    problems: Vec<Problem>,
}

impl Table {
    fn add(&mut self, name: &str, subject: Subject) {
        match self.subjects.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(subject);
            }
            Entry::Occupied(_) => self.problems.push(Problem::Twice(name.to_owned())),
        }
    }
}

/// Why the services cannot be served: see [`Services::build`].
///
/// Its [`Debug`](fmt::Debug) is the same text as its `Display`, because `main`
/// prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServicesError(Vec<Problem>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Twice(String),
    Unknown { name: String, subject: Subject },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Twice(name) => write!(
                f,
                "there are two services named {name:?}\n  = help: give the group, the check or \
                 the service another name",
            ),
            Problem::Unknown { name, subject } => write!(
                f,
                "the service {name:?} depends on {subject}, which does not exist\n  = help: \
                 write the tag of a check, or `Subject::check` with its name",
            ),
        }
    }
}

impl fmt::Display for ServicesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the health services cannot be served")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

impl fmt::Debug for ServicesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for ServicesError {}
