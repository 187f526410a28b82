//! The options of how checks run.

use std::panic::Location;
use std::time::Duration;

use crate::registry::error::{Problem, SourceLocation};
use crate::verdict::history::{DEFAULT_KEPT, MOST_KEPT};

/// Far above what an async check needs between two awaits, and below what the
/// users of the same worker put up with.
const DEFAULT_LONGEST_POLL: Duration = Duration::from_millis(250);

/// How checks run, and what is kept of their results.
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
    pub(crate) watch: Option<(Duration, SourceLocation)>,
    pub(crate) trace_runs: bool,
    pub(crate) history: usize,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        RuntimeOptions {
            max_concurrent_runs: None,
            max_poll_time: Some(DEFAULT_LONGEST_POLL),
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

    /// Limits how many checks run at once, of all kinds together. A run that is
    /// over its timeout no longer counts.
    ///
    /// Write at most the number of connections that the checks share, so that no
    /// check times out while it waits for one: the timeout counts from when a run
    /// begins. Without a limit, at most 1,024 async runs and 64 plain functions run
    /// at once, and the first runs begin a few at a time, critical checks first: at
    /// most 8, and more as they return fast or as time passes.
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses 0.
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

    /// How long an async check may hold its thread between two awaits: default
    /// 250 ms, `None` for as long as it likes.
    ///
    /// A check that holds it longer (a blocking client in an `async fn` is the
    /// commonest mistake) stops whatever else waits for the same worker of the
    /// runtime. It is named in the log, and from then on runs on a thread of
    /// its own.
    pub fn max_poll_time(mut self, limit: Option<Duration>) -> Self {
        self.max_poll_time = limit;
        self
    }

    /// Fails liveness while a worker of the runtime is stuck: from 1 s to 1 h,
    /// default not at all.
    ///
    /// A worker that neither parks nor hands in the time in which it was busy for
    /// longer than this is inside of one poll, and serves nobody else. A thread
    /// of its own sees that, also when every worker is stuck, and the check
    /// `runtime`, which is critical for liveness, fails until the worker goes on.
    /// Its message names the check that holds the worker, if one does.
    ///
    /// Watched is the runtime on which health starts, each worker of the server
    /// with `health_actix`, and what is given to [`Health::watch_runtime`](crate::Health::watch_runtime).
    ///
    /// A worker that never parks hands in its time every 61 polls
    /// (`event_interval` of tokio's builder), so write more than 61 times what a
    /// poll takes under full load.
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
    pub fn watchdog(mut self, threshold: Duration) -> Self {
        let place = SourceLocation::on_the_builder(Location::caller());
        self.watch = Some((threshold, place));
        self
    }

    /// Whether each run has a span in the traces: default no.
    ///
    /// The span is `health_check` with the name of the check (target `health`,
    /// level info), a root of its own, and what the check itself logs stands in
    /// it, on whatever thread it runs.
    #[cfg(feature = "tracing")]
    pub fn trace_runs(mut self, yes: bool) -> Self {
        self.trace_runs = yes;
        self
    }

    /// How many results of each check are kept for the status page, the full
    /// report and [`CheckReport::history`](crate::report::CheckReport::history): at most
    /// 1,000, default 20, each takes four bytes.
    pub fn history(mut self, results: usize) -> Self {
        self.history = results;
        self
    }

    pub(crate) fn check(&self, problems: &mut Vec<Problem>) {
        if self.max_concurrent_runs == Some(0) {
            problems.push(Problem::InvalidSetting {
                what: "a limit of 0 concurrent runs lets no check run".into(),
                help: "write 1 or more, or leave `max_concurrent_runs` out".into(),
            });
        }
        if self.history > MOST_KEPT {
            problems.push(Problem::InvalidSetting {
                what: format!("a history of {} results is too long", self.history),
                help: format!("keep at most {MOST_KEPT}, and the rest where metrics are kept"),
            });
        }
    }
}
