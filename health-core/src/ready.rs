//! Waiting until the service is ready.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::health::Health;
use crate::verdict::causes::Causes;

/// The polling interval of the status, which costs two atomic loads.
const PAUSE: Duration = Duration::from_millis(5);

impl Health {
    /// Waits until readiness passes or warns, for at most `timeout`. Runs checks
    /// on demand, as a probe does.
    ///
    /// For tests that expect 200 right after the start, and for programs that act
    /// once they are ready.
    ///
    /// # Errors
    ///
    /// Fails after the timeout, with the checks that do not pass and their causes,
    /// and at once if a drain has begun.
    ///
    /// # Panics
    ///
    /// Panics if it is awaited outside a tokio runtime with a timer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use health_core::reported::Gate;
    /// use health_core::{CheckOptions, Health};
    ///
    /// let migrations = Gate::new("migrations");
    /// let health = Health::builder()
    ///     .check("database", CheckOptions::new().critical(), || async {})
    ///     .reported(&migrations, CheckOptions::new().startup().critical())
    ///     .start()?;
    ///
    /// let missing = health.ready(Duration::from_millis(50)).await.unwrap_err();
    /// assert!(missing.to_string().contains("migrations: error: not open yet"));
    ///
    /// migrations.open();
    /// health.ready(Duration::from_secs(10)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ready(&self, timeout: Duration) -> Result<(), NotReady> {
        let start = Instant::now();
        loop {
            // Starts the runs, and waits for none of them.
            let _ = self.monitor().request_outdated(|_| true);
            if self.status(Probe::Readiness) != Status::Fail {
                return Ok(());
            }
            let waited = start.elapsed();
            if waited >= timeout || self.monitor().is_closed() {
                return Err(NotReady {
                    waited,
                    draining: self.monitor().is_closed(),
                    causes: self.causes(),
                });
            }
            sleep(PAUSE.min(timeout.saturating_sub(waited))).await;
        }
    }
}

/// The service was not ready in time: see [`Health::ready`].
///
/// Displays each check that does not pass. The text contains private causes.
#[derive(Clone, Debug)]
pub struct NotReady {
    waited: Duration,
    draining: bool,
    causes: Causes,
}

impl NotReady {
    /// Returns the checks that do not pass.
    pub fn causes(&self) -> &Causes {
        &self.causes
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.draining {
            return f.write_str("not ready: the service is draining");
        }
        let waited = humantime::format_duration(Duration::from_millis(
            u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX),
        ));
        write!(f, "not ready after {waited}: {}", self.causes)
    }
}

impl Error for NotReady {}
