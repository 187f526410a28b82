//! Options of startup and shutdown.

#[cfg(all(feature = "systemd", unix))]
use std::env;
use std::time::Duration;

use crate::check::rules::HumanDuration;
#[cfg(all(feature = "systemd", unix))]
use crate::lifecycle::systemd::Notifier;
use crate::registry::error::Problem;

/// HAProxy's own default notices a failure after 6 s (`inter 2s fall 3`), and
/// Docker and Cloud Run kill a process 10 s after they ask it to stop.
const DEFAULT_DRAIN_DELAY: Duration = Duration::from_secs(7);
/// Most services start within this time.
const DEFAULT_STARTUP_PATIENCE: Duration = Duration::from_secs(30);
const MAX_STARTUP_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_DRAIN_DELAY: Duration = Duration::from_secs(60 * 60);

/// How the service starts, drains and reports to its platform.
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

    /// Sets how long the service keeps serving after a drain has begun, so that
    /// load balancers notice. At most 1 h; default 7 s. Zero ends the drain at
    /// once, for platforms that send no requests after they signal termination.
    ///
    /// Kubernetes kills a pod 30 s after it signals termination
    /// (`terminationGracePeriodSeconds`), so the delay and the requests in
    /// flight must fit into that period. The default is longer than the 6 s
    /// after which `HAProxy` with its own defaults notices a failure, and
    /// shorter than the 10 s after which Docker and Cloud Run kill a process.
    ///
    /// An operator can change it without a build: see
    /// [`Settings`](crate::config::Settings).
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is longer than
    /// 1 h.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Sets whether readiness fails during a drain. Default `true`.
    ///
    /// `false` is for platforms that remove the instance before they signal
    /// termination, and for pods whose failing readiness raises alarms. The
    /// drain delay still applies.
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

    /// Sets how long the platform waits between signalling termination and
    /// killing the process, such as the pod's `terminationGracePeriodSeconds`.
    /// `start` logs a warning if the drain delay alone takes as long.
    ///
    /// The process cannot read this value from the platform. Without it the
    /// defaults of Kubernetes (30 s), ECS (30 s) and Cloud Run (10 s) are
    /// assumed where their environment variables are set, and no warning is
    /// logged elsewhere.
    pub fn termination_grace(mut self, grace: Duration) -> Self {
        self.termination_grace = Some(grace);
        self
    }

    /// Sets the expected maximum duration of startup. Above 0 to 24 h; default
    /// 30 s.
    ///
    /// If startup has not passed by then, the log lists what startup waits for.
    /// Startup itself has no deadline. With `notify_systemd` it is also how
    /// much longer systemd is asked to wait each time that startup makes
    /// progress.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is zero or longer
    /// than 24 h.
    pub fn startup_patience(mut self, patience: Duration) -> Self {
        self.startup_patience = patience;
        self
    }

    /// Notifies systemd of the state of the service if it runs under systemd
    /// with `Type=notify`. Does nothing where `$NOTIFY_SOCKET` is not set.
    ///
    /// | message | when |
    /// |---|---|
    /// | `READY=1` | once, when readiness passes for the first time |
    /// | `STATUS=` | at each change: `ready`, or a public description of the problem |
    /// | `WATCHDOG=1` | twice in `WatchdogSec=`, while liveness passes |
    /// | `STOPPING=1` | when a [drain](crate::Health::drain) begins |
    /// | `EXTEND_TIMEOUT_USEC=` | while startup makes progress, and once when a drain begins |
    ///
    /// Startup makes progress when a check has its first result, when a startup
    /// check passes, and when a gate opens. Each time systemd is asked to wait
    /// for another [`startup_patience`](Self::startup_patience) if
    /// `TimeoutStartSec=` would end sooner; a startup that hangs is ended. A
    /// drain asks for the rest of its delay, plus the limit of
    /// [`shutdown_timeout`](crate::Health::shutdown_timeout) if that is called
    /// before the drain, plus 5 s. `READY=1` is sent only once, so the
    /// application can send `RELOADING=1` and the following `READY=1` itself.
    ///
    /// The messages are sent by a task on the runtime of the application. If
    /// that runtime hangs, the watchdog gets no messages, and systemd restarts
    /// the service.
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

    /// Makes systemd restart the service as soon as liveness fails, by sending
    /// `WATCHDOG=trigger`. By default systemd waits until `WatchdogSec=` has
    /// passed.
    ///
    /// The message is sent once, within a second of the failure, and not during
    /// a drain. systemd then acts as if `WatchdogSec=` had passed; the setting
    /// itself is not required. It ends the process with `WatchdogSignal=`
    /// (SIGABRT, which can write a core dump), and `Restart=on-failure` starts
    /// it again. Without [`notify_systemd`](Self::notify_systemd) this does
    /// nothing.
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
        if self.drain_delay > MAX_DRAIN_DELAY {
            problems.push(Problem::setting(
                format!(
                    "the drain delay {} is too long",
                    HumanDuration(self.drain_delay)
                ),
                "the longest drain delay is 1 h, and Kubernetes waits 30 s by default",
            ));
        }
        if self.startup_patience.is_zero() || self.startup_patience > MAX_STARTUP_PATIENCE {
            problems.push(Problem::setting(
                format!(
                    "a startup patience of {} is out of range",
                    HumanDuration(self.startup_patience)
                ),
                "write more than zero and at most 24 h; the default is 30 s",
            ));
        }
    }
}
