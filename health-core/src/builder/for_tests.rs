//! A start without checks, for the tests of an application.

use std::sync::Arc;
use std::time::Duration;

use crate::builder::HealthBuilder;
use crate::check::function::ResultSource;
use crate::check::outcome::Outcome;
use crate::check::source::{Reading, Source, Subscribers, View};
use crate::registry::Check;
use crate::time::clock::Moment;

impl HealthBuilder {
    /// Starts without running a check, for the tests of the application: every
    /// check passes, the service is ready when [`start`](Self::start) returns, and
    /// a drain takes no time.
    ///
    /// Webhooks and push monitors send nothing, systemd is not notified, and the
    /// watchdog is off. Everything else is as in production: `start()` finds a
    /// missing parameter or a duplicate name, the routes answer, and a
    /// [`Fake`](crate::testing::Fake) makes a check fail.
    ///
    /// Needs the feature `testing`, so that a release cannot call it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::testing::Fake;
    /// use health_core::{CheckOptions, Health, Probe, Status};
    ///
    /// let health = Health::builder()
    ///     .check("database", CheckOptions::new().critical(), || async {
    ///         unreachable!("the tests have no database")
    /// #       ; #[allow(unreachable_code)] ()
    ///     })
    ///     .for_tests()
    ///     .start()?;
    /// assert_eq!(health.status(Probe::Readiness), Status::Pass);
    ///
    /// Fake::of(&health, "database").fail("down");
    /// assert_eq!(health.status(Probe::Readiness), Status::Fail);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "testing")]
    pub fn for_tests(mut self) -> Self {
        self.for_tests = true;
        self
    }

    /// Cuts the connections to the outside, if this is a start for tests.
    pub(super) fn isolate_for_tests(&mut self) {
        if !self.for_tests {
            return;
        }
        self.lifecycle.drain_delay = Duration::ZERO;
        #[cfg(all(feature = "systemd", unix))]
        {
            self.lifecycle.systemd = None;
        }
        #[cfg(feature = "watchdog")]
        {
            self.runtime.watch = None;
        }
        #[cfg(feature = "webhook")]
        {
            self.webhooks.clear();
            self.push_monitors.clear();
        }
    }
}

/// Replaces every check by one that always passes, if this is a start for tests.
pub(super) fn replace(checks: &mut [Check], for_tests: bool) {
    for check in checks.iter_mut().filter(|_| for_tests) {
        check.source = ResultSource::Reports(Arc::new(Passing::default()));
        // A forced outcome is released at once.
        let plan = Arc::make_mut(&mut check.plan);
        plan.failure_threshold = 1;
        plan.success_threshold = 1;
    }
}

/// A source that always passes.
#[derive(Debug, Default)]
struct Passing {
    subscribers: Subscribers,
}

impl Source for Passing {
    fn read(&self, _: Moment, _: Moment, _: &View<'_>) -> Reading {
        Reading::of(Outcome::pass())
    }

    fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }
}
