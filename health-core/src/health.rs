//! [`Health`]: the running health of one service.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "signal")]
use tokio::time::timeout_at;
use tokio::time::{Instant, sleep_until};

use crate::builder::HealthBuilder;
use crate::endpoint::Endpoint;
use crate::event::Events;
use crate::monitor::Monitor;
use crate::observe;
use crate::outcome::Status;
use crate::probe::Probe;
use crate::schedule::Supervisors;
#[cfg(feature = "signal")]
use crate::signal::Signals;
use crate::snapshot::{CheckReport, Snapshot};

/// The running health of one service.
///
/// Cheap to clone; all clones are one. The checks run in the background, on
/// the runtime on which [`start`](HealthBuilder::start) was called, until the
/// last clone is dropped (the mounted routes hold one).
///
/// ```
/// use health_core::{Health, health_check};
///
/// #[health_check(timeout = "2s", critical)]
/// async fn database() -> Result<(), std::io::Error> {
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let health = Health::builder().expect(["database"]).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the checks stop when the last `Health` is dropped"]
pub struct Health {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) supervisors: Arc<Supervisors>,
    pub(crate) endpoint: Endpoint,
    pub(crate) drain_delay: Duration,
}

impl Health {
    /// The way to start: give it what the checks need, then
    /// [`start`](HealthBuilder::start).
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Health {
            shared: Arc::new(shared),
        }
    }

    /// The answer to one probe, now: a few loads, whatever the number of checks.
    pub fn status(&self, probe: Probe) -> Status {
        self.shared.monitor.status(probe)
    }

    /// What is held of one check now, or `None` if no check has this name.
    pub fn check(&self, name: &str) -> Option<CheckReport> {
        let index = self.shared.monitor.index_of(name)?;
        Some(self.shared.monitor.report(index))
    }

    /// What is held of every check now.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.monitor.snapshot()
    }

    pub(crate) fn monitor(&self) -> &Arc<Monitor> {
        &self.shared.monitor
    }

    /// Every run and every turn of a verdict from now on, for hooks, metrics
    /// and tests of your own.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Event, Health, Verdict};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { false })
    ///     .start()?;
    /// let mut events = health.subscribe();
    /// # let watching = async move {
    /// while let Some(event) = events.next().await {
    ///     if let Event::Turned(turn) = event {
    ///         println!("{}: {} → {}", turn.report.name(), turn.from, turn.report.verdict());
    ///         # break;
    ///     }
    /// }
    /// # };
    /// # watching.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self) -> Events {
        self.shared.monitor.subscribe()
    }

    /// Runs a check out of turn and says how it stands then, or `None` if no
    /// check has this name.
    ///
    /// Joins a run that is under way. If a run is in flight whose timeout has
    /// passed, no other may start, and the report says so at once. So it does
    /// where no run will come: for a startup check once startup has passed, and
    /// when the runtime of the checks is gone.
    ///
    /// # Panics
    ///
    /// As tokio's timers do, if it is awaited outside a runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health, Verdict};
    ///
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { true })
    ///     .start()?;
    /// let queue = health.refresh("queue").await.expect("there is such a check");
    /// assert_eq!(queue.verdict(), Verdict::Pass);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn refresh(&self, name: &str) -> Option<CheckReport> {
        let monitor = &self.shared.monitor;
        let index = monitor.index_of(name)?;
        if let Some(asked) = monitor.ask(index) {
            monitor.answered(asked).await;
        }
        Some(monitor.report(index))
    }

    /// The HTTP answers, for an adapter or a framework of your own.
    pub fn endpoint(&self) -> Endpoint {
        self.shared.endpoint.clone()
    }

    /// Takes the service out of rotation: readiness fails from this call on,
    /// liveness goes on passing, and the future ends after the
    /// [drain delay](HealthBuilder::drain_delay), when callers have noticed and
    /// the server may stop accepting.
    ///
    /// Nothing flips back during a drain, and a second call joins the first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().drain_delay(Duration::from_millis(10)).start()?;
    /// let drained = health.drain();
    /// assert_eq!(health.status(Probe::Readiness), Status::Fail);
    /// assert_eq!(health.status(Probe::Liveness), Status::Pass);
    /// drained.await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain(&self) -> impl Future<Output = ()> + Send + use<> {
        let end = self.begin_drain();
        async move { sleep_until(end).await }
    }

    /// Returns when the drain is over.
    pub(crate) fn begin_drain(&self) -> Instant {
        let (since, first) = self.shared.monitor.start_drain();
        if first {
            observe::draining(self.shared.drain_delay);
        }
        since + self.shared.drain_delay
    }

    /// Ends every check and waits until they are gone: for tests, and for
    /// applications that start health again. Readiness fails from this call on.
    ///
    /// A run that holds its thread cannot be interrupted; it is left to itself
    /// after 1 s. Without this, the checks end when the last `Health` is dropped,
    /// and nobody waits.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().start()?;
    /// health.stop().await;
    /// assert_eq!(health.status(Probe::Readiness), Status::Fail);
    ///
    /// let again = Health::builder().start()?;
    /// assert_eq!(again.status(Probe::Readiness), Status::Pass);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop(&self) {
        self.shared.monitor.start_drain();
        self.shared.supervisors.stop().await;
    }

    /// [Drains](Self::drain) when the process is asked to stop: SIGTERM or
    /// SIGINT, Ctrl-C elsewhere. A second signal ends the delay at once.
    ///
    /// Made for `axum::serve(..).with_graceful_shutdown(health.drain_on_signal())`.
    /// The signals are caught from this call on. Where they cannot be caught
    /// the reason is logged and the future never ends.
    ///
    /// # Panics
    ///
    /// As tokio's signals do: outside a runtime, or in one without I/O.
    #[cfg(feature = "signal")]
    pub fn drain_on_signal(&self) -> impl Future<Output = ()> + Send + use<> {
        let signals = Signals::listen();
        let health = self.clone();
        async move {
            match signals {
                Ok(mut signals) => {
                    signals.next().await;
                    let end = health.begin_drain();
                    // Whichever comes first: the end of the delay or a second signal.
                    let _ = timeout_at(end, signals.next()).await;
                }
                Err(error) => {
                    observe::no_signals(&error);
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}
