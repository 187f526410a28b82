//! How it runs and ends, and who hears of it.

#[cfg(all(feature = "systemd", unix))]
use std::env;
use std::panic::Location;
use std::time::Duration;

use crate::builder::HealthBuilder;
#[cfg(all(feature = "systemd", unix))]
use crate::lifecycle::systemd::Notifier;
use crate::registry::error::Place;
use crate::telemetry::event::Turned;
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::push::PushMonitor;
#[cfg(feature = "webhook")]
use crate::telemetry::hook::remote::webhook::Webhook;

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
    /// load balancers notice: at most 1 h, default 7 s. Zero ends the drain at
    /// once, for platforms that send no requests any more when they ask to stop.
    ///
    /// Kubernetes kills a pod 30 s after it asked it to stop
    /// (`terminationGracePeriodSeconds`), so the delay and the requests in
    /// flight must fit into that. The default is longer than the 6 s in which
    /// `HAProxy` with its own defaults notices, and shorter than the 10 s after
    /// which Docker and Cloud Run kill a process.
    ///
    /// An operator can set it without a build: see [`Settings`](crate::Settings).
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

    /// How long a start usually takes at most: above 0 to 24 h, default 30 s.
    ///
    /// Once it has passed and startup has not, the log names what startup waits
    /// for. It is also the time for which systemd is asked to go on waiting each
    /// time that the start makes progress (`notify_systemd`). Startup itself has
    /// no deadline.
    pub fn startup_patience(mut self, patience: Duration) -> Self {
        self.startup_patience = patience;
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
    /// | `EXTEND_TIMEOUT_USEC=` | while a start makes progress, and once when a drain begins |
    ///
    /// A start makes progress when a check has its first result, when a startup
    /// check passes, and when a gate opens. Each time systemd is asked to wait
    /// for [`startup_patience`](Self::startup_patience) more, if `TimeoutStartSec=`
    /// would end sooner; a start that hangs is ended. A drain asks for the rest of
    /// its delay, for the limit of [`finish_within`](crate::Health::finish_within)
    /// if that is called before the drain, and for 5 s. The application can send
    /// `RELOADING=1` and the `READY=1` after it by itself: `READY=1` is sent from
    /// here only once.
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

    /// Lets systemd restart the service as soon as liveness fails, by
    /// `WATCHDOG=trigger`: default no, so that `WatchdogSec=` has to pass first.
    ///
    /// The message is sent once, within a second of the failure and not during a
    /// drain. systemd then acts as if `WatchdogSec=` had passed, which it need not
    /// set: it ends the process by `WatchdogSignal=` (SIGABRT, which can write a
    /// core dump), and `Restart=on-failure` starts it again. Without
    /// [`notify_systemd`](Self::notify_systemd) this does nothing.
    ///
    /// ```
    /// use health_core::Health;
    ///
    /// let builder = Health::builder().notify_systemd().trigger_systemd_watchdog();
    /// # let _ = builder;
    /// ```
    #[cfg(feature = "systemd")]
    pub fn trigger_systemd_watchdog(self) -> Self {
        #[cfg(unix)]
        return HealthBuilder {
            triggers_watchdog: true,
            ..self
        };
        #[cfg(not(unix))]
        self
    }

    /// Calls `hook` at each transition of a check, on a thread of its own inside
    /// the runtime. Several hooks do not wait for each other.
    ///
    /// A hook cannot delay a check. It reads from a bounded queue of at least 256
    /// transitions. When the queue is full, the transitions of each check are
    /// merged into its newest one, whose [`from`](Turned::from) is then the state
    /// before the oldest; the log counts them. A panic is logged, and the hook is
    /// called again at the next transition. When health ends, the hook has 2 s for
    /// what is still queued, and [`Health::stop`](crate::Health::stop) waits for
    /// that. A hook that never returns keeps its thread.
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

    /// Adds an HTTP receiver of transitions: see [`Webhook`].
    #[cfg(feature = "webhook")]
    pub fn webhook(mut self, webhook: Webhook) -> Self {
        self.webhooks.push(webhook);
        self
    }

    /// Adds a monitor that is called while the service is alive and ready, and
    /// that alarms when the calls stop: see [`PushMonitor`].
    #[cfg(feature = "webhook")]
    pub fn push_monitor(mut self, monitor: PushMonitor) -> Self {
        self.push_monitors.push(monitor);
        self
    }
}
