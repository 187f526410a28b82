//! The options of how the service starts and ends.

#[cfg(all(feature = "systemd", unix))]
use std::env;
use std::time::Duration;

#[cfg(all(feature = "systemd", unix))]
use crate::lifecycle::systemd::Notifier;
use crate::registry::error::Problem;

/// HAProxy's own default notices a failure after 6 s (`inter 2s fall 3`), and
/// Docker and Cloud Run kill a process 10 s after they ask it to stop.
const DEFAULT_DRAIN_DELAY: Duration = Duration::from_secs(7);
/// As long as most starts take.
const DEFAULT_STARTUP_PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_STARTUP_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_DRAIN_DELAY: Duration = Duration::from_secs(60 * 60);

/// How the service starts and ends, and what the platform is told of it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::Health;
/// use health_core::config::LifecycleOptions;
///
/// let lifecycle = LifecycleOptions::new()
///     .drain_delay(Duration::from_secs(10))
///     .termination_grace(Duration::from_secs(60));
/// let health = Health::builder().lifecycle(lifecycle).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "options apply once they are given to `HealthBuilder::lifecycle`"]
pub struct LifecycleOptions {
    pub(crate) drain_delay: Duration,
    pub(crate) drain_readiness: bool,
    pub(crate) termination_grace: Option<Duration>,
    pub(crate) startup_patience: Duration,
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) systemd: Option<Notifier>,
    #[cfg(all(feature = "systemd", unix))]
    pub(crate) triggers_watchdog: bool,
}

impl Default for LifecycleOptions {
    fn default() -> Self {
        LifecycleOptions {
            drain_delay: DEFAULT_DRAIN_DELAY,
            drain_readiness: true,
            termination_grace: None,
            startup_patience: DEFAULT_STARTUP_PATIENCE,
            #[cfg(all(feature = "systemd", unix))]
            systemd: None,
            #[cfg(all(feature = "systemd", unix))]
            triggers_watchdog: false,
        }
    }
}

impl LifecycleOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        LifecycleOptions::default()
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
    /// An operator can set it without a build: see [`Settings`](crate::config::Settings).
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
    /// use health_core::config::LifecycleOptions;
    /// use health_core::{Health, Probe, Status};
    ///
    /// let health = Health::builder().lifecycle(LifecycleOptions::new().fail_readiness_while_draining(false)).start()?;
    /// let drained = health.drain();
    /// assert_eq!(health.status(Probe::Readiness), Status::Pass);
    /// # drop(drained);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fail_readiness_while_draining(mut self, fails: bool) -> Self {
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
    /// its delay, for the limit of [`shutdown_timeout`](crate::Health::shutdown_timeout)
    /// if that is called before the drain, and for 5 s. The application can send
    /// `RELOADING=1` and the `READY=1` after it by itself: `READY=1` is sent from
    /// here only once.
    ///
    /// The messages come from a task on the runtime of the application: if that
    /// hangs, the watchdog gets none, and systemd starts the service again.
    #[cfg(feature = "systemd")]
    pub fn notify_systemd(self) -> Self {
        #[cfg(unix)]
        return LifecycleOptions {
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
    /// use health_core::config::LifecycleOptions;
    /// use health_core::Health;
    ///
    /// let builder = Health::builder().lifecycle(LifecycleOptions::new().notify_systemd().trigger_systemd_watchdog());
    /// # let _ = builder;
    /// ```
    #[cfg(feature = "systemd")]
    pub fn trigger_systemd_watchdog(self) -> Self {
        #[cfg(unix)]
        return LifecycleOptions {
            triggers_watchdog: true,
            ..self
        };
        #[cfg(not(unix))]
        self
    }

    pub(crate) fn check(&self, problems: &mut Vec<Problem>) {
        if self.drain_delay > LONGEST_DRAIN_DELAY {
            problems.push(Problem::InvalidSetting {
                what: format!("the drain delay {:?} is too long", self.drain_delay),
                help: "the longest drain delay is 1 h, and Kubernetes waits 30 s by default".into(),
            });
        }
        if self.startup_patience.is_zero() || self.startup_patience > LONGEST_STARTUP_PATIENCE {
            problems.push(Problem::InvalidSetting {
                what: format!(
                    "a startup patience of {:?} is out of range",
                    self.startup_patience
                ),
                help: "write more than zero and at most 24 h; the default is 30 s".into(),
            });
        }
    }
}
