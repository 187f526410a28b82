//! [`Gate`]: a step of the start that the application takes by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::check::outcome::Outcome;
use crate::check::rules::Mistake;
use crate::check::source::{Reading, Reported, Source, Subscribers, View};
use crate::time::clock::Moment;

/// A step of the start that the application takes by itself, such as migrations
/// or a warm cache: [startup](crate::Probe::Startup) waits until it is opened,
/// and readiness waits for startup.
///
/// It counts as a critical startup check of its name, so other checks can come
/// [`after`](crate::CheckOptions::after) it. A startup check is the better
/// choice where the step can be looked at again and again.
///
/// All clones are one gate. To open it is final. If all of them are dropped
/// before, nobody can open it any more: its report and the log say so, and
/// startup never passes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::CheckOptions;
/// use health_core::reported::Gate;
/// use health_core::{Health, Probe, Status};
///
/// let migrated = Gate::new("migrations");
/// let health = Health::builder().reported(&migrated, CheckOptions::new().startup().critical()).start()?;
/// assert_eq!(health.status(Probe::Startup), Status::Fail);
/// assert_eq!(health.status(Probe::Readiness), Status::Fail);
/// assert_eq!(health.status(Probe::Liveness), Status::Pass);
///
/// migrated.open();
/// assert_eq!(health.status(Probe::Startup), Status::Pass);
/// assert_eq!(health.status(Probe::Readiness), Status::Pass);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "startup waits until the gate is opened"]
pub struct Gate {
    handles: Arc<Handles>,
}

/// What the clones share. Its drop says that the last of them is gone.
#[derive(Debug)]
struct Handles {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    name: String,
    stands: AtomicU8,
    subscribers: Subscribers,
}

const CLOSED: u8 = 0;
const OPEN: u8 = 1;
const ABANDONED: u8 = 2;

impl From<&Gate> for Reported {
    fn from(gate: &Gate) -> Self {
        Reported {
            name: gate.name().to_owned(),
            source: gate.source(),
        }
    }
}

impl Gate {
    /// A closed gate. The name obeys the rules of the names of checks, which
    /// [`start`](crate::HealthBuilder::start) verifies.
    pub fn new(name: impl Into<String>) -> Self {
        let state = State {
            name: name.into(),
            stands: AtomicU8::new(CLOSED),
            subscribers: Subscribers::default(),
        };
        let handles = Handles {
            state: Arc::new(state),
        };
        Gate {
            handles: Arc::new(handles),
        }
    }

    /// Opens it for good. Can be called from any thread, and again without effect.
    pub fn open(&self) {
        self.handles.state.turn(OPEN);
    }

    /// Whether it has been opened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.handles.state.stands() == OPEN
    }

    pub(crate) fn name(&self) -> &str {
        &self.handles.state.name
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.handles.state) as _
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        if self.state.turn(ABANDONED) {
            self.state.subscribers.notify_abandoned();
        }
    }
}

impl State {
    fn stands(&self) -> u8 {
        self.stands.load(Ordering::Acquire)
    }

    /// Whether it was closed until now.
    fn turn(&self, to: u8) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let turned = self.stands.compare_exchange(CLOSED, to, success, failure);
        if turned.is_ok() {
            self.subscribers.notify();
        }
        turned.is_ok()
    }
}

impl Source for State {
    fn read(&self, _: Moment, _: Moment, _: &View<'_>) -> Reading {
        match self.stands() {
            OPEN => Reading::of(Outcome::pass()),
            ABANDONED => Reading::of(Outcome::fail("dropped before it was opened")),
            _ => Reading {
                is_pending: true,
                ..Reading::of(Outcome::fail("not open yet"))
            },
        }
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    fn broken_rule(&self) -> Option<Mistake> {
        (self.stands() == ABANDONED).then(|| Mistake {
            what: "the gate has been dropped, so nobody can open it".into(),
            help: "keep a clone of it where the step ends that startup waits for".into(),
        })
    }
}
