//! [`Switch`]: a check that is turned off and on manually.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::check::outcome::Outcome;
use crate::check::source::{Reading, Reported, Source, Subscribers, View};
use crate::sync::Mutex;
use crate::time::clock::Moment;

/// The maximum length of a reason, in characters.
const MAX_REASON_LEN: usize = 256;

/// A check that the application turns off and on: for maintenance, an
/// operator's command or load shedding.
///
/// Give it to [`HealthBuilder::reported`](crate::HealthBuilder::reported). If
/// it is critical for readiness, the instance is out of rotation while the
/// switch is off; otherwise it is degraded. Unlike a
/// [drain](crate::Health::drain) it can be reverted.
///
/// All clones share one switch, which is initially on. A switch that is off
/// stays off when the clones are dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::reported::Switch;
/// use health_core::{CheckOptions, Health, Probe, Status};
///
/// let maintenance = Switch::new("maintenance");
/// let health = Health::builder()
///     .reported(&maintenance, CheckOptions::new().critical())
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
    subscribers: Subscribers,
}

#[derive(Debug)]
struct Off {
    reason: String,
    /// The time at which the switch turns on again automatically.
    until: Option<Instant>,
}

impl From<&Switch> for Reported {
    fn from(switch: &Switch) -> Self {
        Reported {
            name: switch.state.name.clone(),
            source: Arc::clone(&switch.state) as _,
        }
    }
}

impl Switch {
    /// Creates a switch that is on.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if the name breaks the
    /// rules for check names.
    pub fn new(name: impl Into<String>) -> Self {
        let state = State {
            name: name.into(),
            off: Mutex::new(None),
            subscribers: Subscribers::default(),
        };
        Switch {
            state: Arc::new(state),
        }
    }

    /// Turns the switch off until [`on`](Self::on) is called. The reason is
    /// public and is cut at 256 characters.
    pub fn off(&self, reason: impl Into<String>) {
        self.state.set(Some(Off {
            reason: cut(&reason.into()),
            until: None,
        }));
    }

    /// Turns the switch off for this long, counted from now. It replaces an
    /// earlier call. The switch turns on again automatically.
    pub fn off_for(&self, reason: impl Into<String>, time: Duration) {
        self.state.set(Some(Off {
            reason: cut(&reason.into()),
            // `None` if the time is beyond the range of the clock.
            until: Instant::now().checked_add(time),
        }));
    }

    /// Turns the switch on.
    pub fn on(&self) {
        self.state.set(None);
    }

    /// Returns whether the switch is on now.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let now = Instant::now();
        let off = self.state.off.lock();
        let is_off = off
            .as_ref()
            .is_some_and(|off| off.until.is_none_or(|until| now < until));
        !is_off
    }
}

impl State {
    fn set(&self, off: Option<Off>) {
        *self.off.lock() = off;
        self.subscribers.notify();
    }
}

impl Source for State {
    fn read(&self, now: Moment, _: Moment, view: &View<'_>) -> Reading {
        let off = self.off.lock();
        let Some(off) = off.as_ref() else {
            return Reading::of(Outcome::pass());
        };
        let until = off.until.map(|until| view.clock.at(until));
        if until.is_some_and(|until| now >= until) {
            return Reading::of(Outcome::pass());
        }
        Reading {
            until,
            ..Reading::of(Outcome::fail(off.reason.clone()))
        }
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    #[cfg(feature = "status-page")]
    fn is_switch(&self) -> bool {
        true
    }
}

fn cut(reason: &str) -> String {
    reason.chars().take(MAX_REASON_LEN).collect()
}
