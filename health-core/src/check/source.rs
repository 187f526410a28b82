//! Checks that are reported instead of run: their state is stored elsewhere and
//! read.
//!
//! The state belongs to a handle of the application, such as a
//! [`Gate`](crate::reported::Gate), which can outlive any `Health`. Health
//! reads it when the source reports a change and when a reading expires.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::check::outcome::Outcome;
use crate::check::rules::Mistake;
use crate::sync::Mutex;
use crate::time::clock::{Clock, Moment};

/// State that is reported from outside.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// Returns the current reading for a reader that has been connected since
    /// `since`.
    ///
    /// It is called under a lock and must not notify its [`Subscribers`].
    fn read(&self, now: Moment, since: Moment, view: &View<'_>) -> Reading;

    /// The subscribers that are notified of a change.
    fn subscribers(&self) -> &Subscribers;

    /// Returns the permitted time without a report once a dependency works again.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns the reports so far, for a source that repeats them.
    fn reports(&self) -> Option<Reports> {
        None
    }

    /// Returns whether the application turns the check off and on by hand.
    #[cfg(feature = "status-page")]
    fn is_switch(&self) -> bool {
        false
    }

    /// Returns why the source can never work, and what to write instead.
    fn broken_rule(&self) -> Option<Mistake> {
        None
    }
}

/// A check whose state is reported: its name and its source.
///
/// Converts from a reference to a [`Gate`], a [`Heartbeat`], a [`Switch`] or a
/// [`Supervised`] task; see [`HealthBuilder::reported`].
///
/// [`Gate`]: crate::reported::Gate
/// [`Heartbeat`]: crate::reported::Heartbeat
/// [`Switch`]: crate::reported::Switch
/// [`Supervised`]: crate::reported::Supervised
/// [`HealthBuilder::reported`]: crate::HealthBuilder::reported
#[derive(Clone, Debug)]
pub struct Reported {
    pub(crate) name: String,
    pub(crate) source: Arc<dyn Source>,
}

/// The state of the service that a source may depend on.
pub(crate) struct View<'a> {
    pub(crate) clock: &'a Clock,
    /// Whether the service is draining.
    pub(crate) draining: bool,
}

/// The current state of a source.
#[derive(Debug)]
pub(crate) struct Reading {
    /// `None` before the first report.
    pub(crate) outcome: Option<Outcome>,
    /// When the reading expires without a report.
    pub(crate) until: Option<Moment>,
    /// There was no report yet: the outcome counts for the probes but is no
    /// result.
    pub(crate) is_pending: bool,
    /// The task has ended, which is no failure during a drain.
    pub(crate) is_orderly_end: bool,
}

impl Reading {
    /// Nothing has been reported yet.
    pub(crate) const NONE: Reading = Reading {
        outcome: None,
        until: None,
        is_pending: false,
        is_orderly_end: false,
    };

    /// A reading that stays valid until the source reports a change.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Reading {
            outcome: Some(outcome),
            ..Reading::NONE
        }
    }
}

/// The reports of a source that repeats them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reports {
    pub(crate) count: u64,
    /// The time of the last report.
    pub(crate) last: Instant,
}

impl Reports {
    /// Returns the wall-clock time of the last report.
    pub(crate) fn at(self) -> Option<SystemTime> {
        SystemTime::now().checked_sub(self.last.elapsed())
    }
}

/// Reads sources and is notified of their changes.
pub(crate) trait Subscriber: Send + Sync {
    /// Notifies that the source of this check has changed.
    fn changed(&self, check: usize);

    /// Notifies that the gate of this check was dropped without being opened.
    fn gate_abandoned(&self, check: usize);
}

/// The subscribers of a source.
#[derive(Default)]
pub(crate) struct Subscribers(Mutex<Vec<(Weak<dyn Subscriber>, usize)>>);

impl Subscribers {
    pub(crate) fn add(&self, subscriber: Weak<dyn Subscriber>, check: usize) {
        let mut subscribers = self.0.lock();
        subscribers.retain(|(subscriber, _)| subscriber.strong_count() > 0);
        subscribers.push((subscriber, check));
    }

    /// Notifies all subscribers. Must be called without any lock, after the
    /// change.
    pub(crate) fn notify(&self) {
        for (subscriber, check) in self.all() {
            subscriber.changed(check);
        }
    }

    pub(crate) fn notify_abandoned(&self) {
        for (subscriber, check) in self.all() {
            subscriber.gate_abandoned(check);
        }
    }

    fn all(&self) -> Vec<(Arc<dyn Subscriber>, usize)> {
        let subscribers = self.0.lock();
        let alive = |(subscriber, check): &(Weak<dyn Subscriber>, usize)| {
            Some((subscriber.upgrade()?, *check))
        };
        subscribers.iter().filter_map(alive).collect()
    }
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribers").finish_non_exhaustive()
    }
}
