//! Options of the checks' execution.

#[cfg(feature = "watchdog")]
use std::panic::Location;
use std::time::Duration;

use crate::engine::run::RunConfig;
use crate::registry::error::Problem;
#[cfg(feature = "watchdog")]
use crate::registry::error::SourceLocation;
use crate::verdict::history::{DEFAULT_KEPT, MAX_KEPT};

/// Far above what an async check needs between two awaits, but short enough for
/// other tasks on the same worker.
const DEFAULT_LONGEST_POLL: Duration = Duration::from_millis(250);

/// How checks are executed, and how many results are kept.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::Health;
/// use health_core::config::RuntimeOptions;
///
/// let runtime = RuntimeOptions::new().max_concurrent_runs(5).history(100);
/// let health = Health::builder().runtime(runtime).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options apply once they are given to `HealthBuilder::runtime`"]
pub struct RuntimeOptions {
    pub(crate) max_concurrent_runs: Option<usize>,
    pub(crate) max_poll_time: Option<Duration>,
    #[cfg(feature = "watchdog")]
    pub(crate) watch: Option<(Duration, SourceLocation)>,
    pub(crate) trace_runs: bool,
    pub(crate) history: usize,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        RuntimeOptions {
            max_concurrent_runs: None,
            max_poll_time: Some(DEFAULT_LONGEST_POLL),
            #[cfg(feature = "watchdog")]
            watch: None,
            trace_runs: false,
            history: DEFAULT_KEPT,
        }
    }
}

impl RuntimeOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        RuntimeOptions::default()
    }

    /// Limits the number of concurrent runs of all checks. A run that exceeds
    /// its timeout no longer counts.
    ///
    /// Set it to at most the number of connections that the checks share, so
    /// that no check times out while it waits for one: the timeout starts when
    /// a run begins. Without a limit, at most 1,024 async runs and 64 plain
    /// functions run concurrently. The first runs after the start are spread:
    /// at most 8 begin at once, critical checks first, and more as they return
    /// or as time passes.
    ///
    /// # Errors
    ///
    /// [`start`](crate::HealthBuilder::start) fails if `limit` is 0.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::config::RuntimeOptions;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().runtime(RuntimeOptions::new().max_concurrent_runs(5)).start()?;
    /// # let _ = health;
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_concurrent_runs(mut self, limit: usize) -> Self {
        self.max_concurrent_runs = Some(limit);
        self
    }

    /// Sets how long one poll of an async check may block its thread. Default
    /// 250 ms; `None` disables the limit.
    ///
    /// A check that blocks longer, most often because of a blocking client in
    /// an `async fn`, delays all tasks of the same worker. The check is named
    /// in the log, and runs on its own thread from then on.
    pub fn max_poll_time(mut self, limit: Option<Duration>) -> Self {
        self.max_poll_time = limit;
        self
    }

    /// Fails liveness while a worker of the runtime is blocked. From 1 s to 1
    /// h; disabled by default.
    ///
    /// A worker counts as blocked if it has been busy in one poll for longer
    /// than `threshold`. A separate thread detects that, even when every worker
    /// is blocked. The check `runtime`, which is critical for liveness, fails
    /// until the worker continues. Its message names the check that blocks the
    /// worker, if any.
    ///
    /// The watchdog observes the runtime on which health starts, each worker of
    /// the server with `health_actix`, and runtimes that are passed to
    /// [`Health::watch_runtime`](crate::Health::watch_runtime).
    ///
    /// A worker that never parks updates its metrics every 61 polls
    /// (`event_interval` of tokio's builder), so `threshold` must exceed 61
    /// times the duration of a poll under full load.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if `threshold` is not
    /// from 1 s to 1 h.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use std::time::Duration;
    /// use health_core::config::RuntimeOptions;
    /// use health_core::Health;
    ///
    /// let health = Health::builder().runtime(RuntimeOptions::new().watchdog(Duration::from_secs(5))).start()?;
    /// assert!(health.check("runtime").is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    #[cfg(feature = "watchdog")]
    pub fn watchdog(mut self, threshold: Duration) -> Self {
        let place = SourceLocation::on_the_builder(Location::caller());
        self.watch = Some((threshold, place));
        self
    }

    /// Sets whether each run has a tracing span. Default `false`.
    ///
    /// The span is named `health_check`, has the name of the check (target
    /// `health`, level info), and is a root span. It contains what the check
    /// itself logs, on any thread.
    #[cfg(feature = "tracing")]
    pub fn trace_runs(mut self, yes: bool) -> Self {
        self.trace_runs = yes;
        self
    }

    /// Sets how many results of each check are kept for the status page, the
    /// full report and
    /// [`CheckReport::history`](crate::report::CheckReport::history). At most
    /// 1,000; default 20. Each takes four bytes.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is more than
    /// 1,000.
    pub fn history(mut self, results: usize) -> Self {
        self.history = results;
        self
    }

    pub(crate) fn run_config(&self) -> RunConfig {
        RunConfig {
            max_poll_time: self.max_poll_time,
            traced: self.trace_runs,
            limit: self.max_concurrent_runs,
        }
    }

    pub(crate) fn check(&self, problems: &mut Vec<Problem>) {
        if self.max_concurrent_runs == Some(0) {
            problems.push(Problem::setting(
                "a limit of 0 concurrent runs lets no check run",
                "write 1 or more, or leave `max_concurrent_runs` out",
            ));
        }
        if self.history > MAX_KEPT {
            problems.push(Problem::setting(
                format!("a history of {} results is too long", self.history),
                format!("keep at most {MAX_KEPT}, and the rest where metrics are kept"),
            ));
        }
    }
}
