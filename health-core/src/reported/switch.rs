//! [`Switch`]: a check that people turn off and on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::outcome::Outcome;
use crate::source::{Audience, Look, Source};

/// In characters.
const LONGEST_REASON: usize = 256;

/// A check that the application turns off and on: for maintenance, for an
/// operator's command, for load that it sheds.
///
/// Give it to [`HealthBuilder::switch`](crate::HealthBuilder::switch): critical
/// for readiness it takes the instance out of rotation while it is off, and
/// otherwise degrades it. Unlike a [drain](crate::Health::drain) it can be
/// turned back, and the service goes on.
///
/// All clones are one switch, and it begins switched on. What was switched off
/// stays off when the clones are dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::{CheckOptions, Health, Probe, Status, Switch};
///
/// let maintenance = Switch::new("maintenance");
/// let health = Health::builder()
///     .switch(&maintenance, CheckOptions::new().critical())
///     .start()?;
/// assert_eq!(health.status(Probe::Readiness), Status::Pass);
///
/// maintenance.off_for("the index is rebuilt", Duration::from_secs(600));
/// assert_eq!(health.status(Probe::Readiness), Status::Fail);
///
/// maintenance.on();
/// assert_eq!(health.status(Probe::Readiness), Status::Pass);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Switch {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    name: String,
    off: Mutex<Option<Off>>,
    audience: Audience,
}

#[derive(Debug)]
struct Off {
    reason: String,
    /// When it is on again by itself.
    until: Option<Instant>,
}

impl Switch {
    /// A switch that is on. The name obeys the rules of the names of checks,
    /// which [`start`](crate::HealthBuilder::start) verifies.
    pub fn new(name: impl Into<String>) -> Self {
        let state = State {
            name: name.into(),
            off: Mutex::new(None),
            audience: Audience::default(),
        };
        Switch {
            state: Arc::new(state),
        }
    }

    /// Switches it off until [`on`](Self::on) is called. The reason is public;
    /// what is longer than 256 bytes is cut.
    pub fn off(&self, reason: impl Into<String>) {
        self.state.set(Some(Off {
            reason: cut(&reason.into()),
            until: None,
        }));
    }

    /// Switches it off for this long, from now; whatever was said before no
    /// longer counts. It comes back by itself, so nobody can forget it.
    pub fn off_for(&self, reason: impl Into<String>, time: Duration) {
        self.state.set(Some(Off {
            reason: cut(&reason.into()),
            // Beyond the reach of the clock is for ever.
            until: Instant::now().checked_add(time),
        }));
    }

    /// Switches it on.
    pub fn on(&self) {
        self.state.set(None);
    }

    /// Whether it is on now.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.state.off_at(Instant::now()).is_none()
    }

    pub(crate) fn name(&self) -> &str {
        &self.state.name
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::clone(&self.state) as _
    }
}

impl State {
    fn set(&self, off: Option<Off>) {
        *self.lock() = off;
        self.audience.tell();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Off>> {
        self.off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reason and the end, while it is off.
    fn off_at(&self, now: Instant) -> Option<(String, Option<Instant>)> {
        let off = self.lock();
        let off = off.as_ref()?;
        let is_over = off.until.is_some_and(|until| now >= until);
        (!is_over).then(|| (off.reason.clone(), off.until))
    }
}

impl Source for State {
    fn look(&self, now: Instant, _: Instant) -> Look {
        match self.off_at(now) {
            Some((reason, until)) => Look {
                outcome: Some(Outcome::fail(reason)),
                until,
            },
            None => Look::of(Outcome::pass()),
        }
    }

    fn audience(&self) -> &Audience {
        &self.audience
    }
}

fn cut(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}
