//! How it runs and ends, and who hears of it.

#[cfg(all(feature = "systemd", unix))]
use std::env;
use std::panic::Location;
use std::time::Duration;

use super::HealthBuilder;
use crate::event::Turned;
#[cfg(feature = "webhook")]
use crate::hook::Webhook;
use crate::problem::Place;
#[cfg(all(feature = "systemd", unix))]
use crate::systemd::Notifier;

impl HealthBuilder {
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
    /// use health_core::Health;
    ///
    /// let health = Health::builder().max_concurrent_runs(5).start()?;
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
    pub fn longest_poll(mut self, limit: Option<Duration>) -> Self {
        self.longest_poll = limit;
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
    /// use health_core::Health;
    ///
    /// let health = Health::builder().watch_runtime(Duration::from_secs(5)).start()?;
    /// assert!(health.check("runtime").is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn watch_runtime(mut self, threshold: Duration) -> Self {
        let place = Place::on_the_builder(Location::caller());
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

    /// How long the service goes on serving after a drain has begun, so that
    /// load balancers notice: at most 1 h, default 5 s. Zero ends the drain at
    /// once, for platforms that send no requests any more when they ask to stop.
    ///
    /// Kubernetes kills a pod 30 s after it asked it to stop
    /// (`terminationGracePeriodSeconds`), so the delay and the requests in
    /// flight must fit into that.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Whether readiness fails during a drain: default `true`.
    ///
    /// `false` is for platforms that take the instance out themselves before they
    /// ask it to stop, and for pods whose failing readiness raises alarms. The
    /// delay is served all the same.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().drain_readiness(false).start()?;
    /// let drained = health.drain();
    /// assert_eq!(health.status(Probe::Readiness), Status::Pass);
    /// # drop(drained);
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain_readiness(mut self, fails: bool) -> Self {
        self.drain_readiness = fails;
        self
    }

    /// How long the platform waits between asking the process to stop and killing
    /// it, such as the pod's `terminationGracePeriodSeconds`. `start` writes a
    /// warning to the log if the drain delay alone takes as long.
    ///
    /// No platform tells the process. Without this the defaults of Kubernetes
    /// (30 s), ECS (30 s) and Cloud Run (10 s) are assumed where their variables
    /// are set, and elsewhere nothing is said.
    pub fn termination_grace(mut self, grace: Duration) -> Self {
        self.termination_grace = Some(grace);
        self
    }

    /// Tells systemd how the service gets on, if it runs under systemd with
    /// `Type=notify`: elsewhere, and where `$NOTIFY_SOCKET` is not set, this does
    /// nothing.
    ///
    /// | message | when |
    /// |---|---|
    /// | `READY=1` | once, when readiness passes for the first time |
    /// | `STATUS=` | at each change: `ready`, or what is not well, in public words |
    /// | `WATCHDOG=1` | twice in `WatchdogSec=`, while liveness passes |
    /// | `STOPPING=1` | when a [drain](crate::Health::drain) begins |
    ///
    /// The messages come from a task on the runtime of the application: if that
    /// hangs, the watchdog gets none, and systemd starts the service again.
    #[cfg(feature = "systemd")]
    pub fn notify_systemd(self) -> Self {
        #[cfg(unix)]
        return HealthBuilder {
            systemd: Notifier::from_vars(env::var_os),
            ..self
        };
        #[cfg(not(unix))]
        self
    }

    /// Calls this at each turn of a check, on a thread of its own inside the
    /// runtime. Several hooks do not wait for each other.
    ///
    /// It cannot delay a check: it is fed by a queue of 256 turns, and when that
    /// is full the oldest is dropped, and the log says how many were. A panic is
    /// logged, and the next turn is told all the same. When health ends, what is
    /// still in the queue is told within 2 s; [`Health::stop`](crate::Health::stop) waits for that. A
    /// hook that never returns keeps its thread for ever.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), health_core::StartError> {
    /// use health_core::{CheckOptions, Health};
    ///
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let health = Health::builder()
    ///     .check("queue", CheckOptions::new(), || async { false })
    ///     .on_transition(move |turned| {
    ///         let _ = tell.send(format!("{} is {}", turned.report.name(), turned.report.verdict()));
    ///     })
    ///     .start()?;
    /// health.refresh("queue").await;
    /// health.stop().await;
    /// assert_eq!(told.recv().unwrap(), "queue is error");
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_transition(mut self, hook: impl Fn(&Turned) + Send + Sync + 'static) -> Self {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Tells an HTTP receiver of each turn: see [`Webhook`].
    #[cfg(feature = "webhook")]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
        self
    }
}
