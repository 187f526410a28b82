//! Checks that nobody runs: what is held of them is kept elsewhere, and looked at.
//!
//! The state belongs to a handle of the application's ([`Gate`](crate::Gate) is
//! one), which lives before, during and after any `Health`. Whoever holds
//! checks looks at it when it says that it has changed, and when it has said
//! before that time alone would change it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::time::Instant;

use crate::options::Rule;
use crate::outcome::Outcome;

/// State that is reported from outside.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// What it says at this moment to somebody who looks since `since`.
    ///
    /// Called under a lock, so it never tells its [`Audience`].
    fn look(&self, now: Instant, since: Instant) -> Look;

    /// Who is told when it says something else.
    fn audience(&self) -> &Audience;

    /// What keeps it from ever being of use, and what to write instead.
    fn broken_rule(&self) -> Option<Rule> {
        None
    }
}

/// What a source says.
#[derive(Debug)]
pub(crate) struct Look {
    /// `None` while there is nothing to say, which is only before the first time.
    pub(crate) outcome: Option<Outcome>,
    /// When it says something else without being told.
    pub(crate) until: Option<Instant>,
}

impl Look {
    /// What it says until it says so.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Look {
            outcome: Some(outcome),
            until: None,
        }
    }
}

/// Who holds checks, and hears of their sources.
pub(crate) trait Listener: Send + Sync {
    /// The source of this check has changed.
    fn changed(&self, check: usize);
}

/// Those who look at a source.
#[derive(Default)]
pub(crate) struct Audience(Mutex<Vec<(Weak<dyn Listener>, usize)>>);

impl Audience {
    pub(crate) fn join(&self, listener: Weak<dyn Listener>, check: usize) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|(listener, _)| listener.strong_count() > 0);
        listeners.push((listener, check));
    }

    /// Called without any lock, after the change: who is told writes to the log
    /// as well, and that is code of the application, which may report something.
    pub(crate) fn tell(&self) {
        for (listener, check) in self.listeners() {
            listener.changed(check);
        }
    }

    pub(crate) fn has_listeners(&self) -> bool {
        !self.listeners().is_empty()
    }

    fn listeners(&self) -> Vec<(Arc<dyn Listener>, usize)> {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alive =
            |(listener, check): &(Weak<dyn Listener>, usize)| Some((listener.upgrade()?, *check));
        listeners.iter().filter_map(alive).collect()
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience").finish_non_exhaustive()
    }
}
