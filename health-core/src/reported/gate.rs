//! [`Gate`]: a startup step of the application.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::check::outcome::Outcome;
use crate::check::rules::Mistake;
use crate::check::source::{Reading, Reported, Source, Subscribers, View};
use crate::time::clock::Moment;

/// A startup step of the application, such as migrations or warming a cache.
/// [Startup](crate::Probe::Startup) fails until the gate is opened, and
/// readiness fails until startup has passed.
///
/// A gate counts as a critical startup check, so other checks can name it in
/// [`after`](crate::CheckOptions::after). Use a startup check instead if the
/// step can be checked repeatedly.
///
/// All clones share one gate. It cannot be closed again. If all clones are
/// dropped before it is opened, startup never passes; the report and the log
/// give the reason.
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

/// The state shared by the clones. Dropping it means that the last clone is
/// gone.
#[derive(Debug)]
struct Handles {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    name: String,
    phase: AtomicU8,
    subscribers: Subscribers,
}

const CLOSED: u8 = 0;
const OPEN: u8 = 1;
const ABANDONED: u8 = 2;

impl From<&Gate> for Reported {
    fn from(gate: &Gate) -> Self {
        Reported {
            name: gate.handles.state.name.clone(),
            source: Arc::clone(&gate.handles.state) as _,
        }
    }
}

impl Gate {
    /// Creates a closed gate.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if the name breaks the
    /// rules for check names, or if all clones have been dropped before.
    pub fn new(name: impl Into<String>) -> Self {
        let state = State {
            name: name.into(),
            phase: AtomicU8::new(CLOSED),
            subscribers: Subscribers::default(),
        };
        let handles = Handles {
            state: Arc::new(state),
        };
        Gate {
            handles: Arc::new(handles),
        }
    }

    /// Opens the gate permanently. Can be called from any thread; a second call
    /// has no effect.
    pub fn open(&self) {
        self.handles.state.leave_closed(OPEN);
    }

    /// Returns whether the gate is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.handles.state.phase() == OPEN
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        if self.state.leave_closed(ABANDONED) {
            self.state.subscribers.notify_abandoned();
        }
    }
}

impl State {
    fn phase(&self) -> u8 {
        self.phase.load(Ordering::Acquire)
    }

    /// Changes the state if the gate is closed. Returns whether it was.
    fn leave_closed(&self, to: u8) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let turned = self.phase.compare_exchange(CLOSED, to, success, failure);
        if turned.is_ok() {
            self.subscribers.notify();
        }
        turned.is_ok()
    }
}

impl Source for State {
    fn read(&self, _: Moment, _: Moment, _: &View<'_>) -> Reading {
        match self.phase() {
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
        (self.phase() == ABANDONED).then(|| Mistake {
            what: "the gate was dropped, so it can never be opened".into(),
            help: "keep a clone of it where the step ends that startup waits for".into(),
        })
    }
}
