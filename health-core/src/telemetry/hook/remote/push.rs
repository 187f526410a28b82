//! Periodic requests to a monitor that raises an alarm when they stop.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use crate::check::options::MAX_ON_DEMAND_WAIT;
use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::check::rules::HumanDuration;
use crate::registry::error::Problem;
use crate::telemetry::hook::remote::client::{Client, Target, address_problem};
use crate::telemetry::hook::remote::retry::Retry;
use crate::telemetry::hook::remote::{Listener, Popped, Queue, QueuedTransition};

const DEFAULT_PERIOD: Duration = Duration::from_secs(60);
const MIN_PERIOD: Duration = Duration::from_secs(1);
const MAX_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);
/// The period at which the state is read between two beats. An elapsed deadline
/// can fail a probe without a transition.
const POLL_PERIOD: Duration = Duration::from_secs(1);
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Calls a URL periodically while the service is alive and ready: a dead man's
/// switch.
///
/// A monitor that polls cannot reach a service behind a firewall, and a monitor
/// inside the same cluster fails together with it. A push monitor
/// (healthchecks.io, Uptime Kuma, Gatus, Better Stack, Opsgenie and others)
/// expects calls instead and raises an alarm when they stop. The guide
/// [Notifications] shows how to set up each of them.
///
/// The first beat is sent when liveness and readiness pass for the first time
/// after the start, further beats every [`period`](Self::period). While one of
/// the probes fails, no beat is sent; [`failure_url`](Self::failure_url) is
/// called instead, if it is set. Nothing is sent during a drain or after a
/// stop, so that a deployment does not report a failure. A lost beat is
/// repeated with increasing pauses.
///
/// The beats are sent by a separate thread. To stop the beats while the runtime
/// is blocked, let liveness fail then: see
/// [`RuntimeOptions::watchdog`](crate::config::RuntimeOptions::watchdog).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::config::RuntimeOptions;
/// use health_core::notify::PushMonitor;
/// use health_core::Health;
///
/// let health = Health::builder()
///     .runtime(RuntimeOptions::new().watchdog(Duration::from_secs(5)))
///     .notify(
///         PushMonitor::new("https://hc-ping.com/3f1c9a52-5d0c-4a6e-9f57-0b1a6f3f7f0e")
///             .failure_url("https://hc-ping.com/3f1c9a52-5d0c-4a6e-9f57-0b1a6f3f7f0e/fail")
///             .period(Duration::from_secs(60)),
///     )
///     .start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
///
/// [Notifications]: https://docs.rs/health-axum/latest/health_axum/_guides/notifications/index.html#recipes
#[must_use = "give it to `HealthBuilder::notify`"]
pub struct PushMonitor {
    target: Target,
    failure_url: Option<String>,
    method: String,
    body: String,
    period: Duration,
    probes: Vec<Probe>,
}

impl PushMonitor {
    /// Creates a push monitor that calls this `http` or `https` URL.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if the URL has another
    /// scheme or no host. Only its host is logged, because the rest is a secret. At the level `trace`, ureq logs
    /// the whole request including headers: exclude the targets `ureq` and
    /// `ureq_proto` from such a log.
    pub fn new(url: impl Into<String>) -> Self {
        PushMonitor {
            target: Target::new(url.into()),
            failure_url: None,
            method: Method::GET.to_string(),
            body: String::new(),
            period: DEFAULT_PERIOD,
            probes: vec![Probe::Liveness, Probe::Readiness],
        }
    }

    /// Sets the time between two beats. Default 60 s, from 1 s to 24 h.
    ///
    /// Configure the monitor to raise an alarm after at least twice this time,
    /// so that one lost request is tolerated.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is not from 1 s
    /// to 24 h.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// Sets the URL that is called while the service is failing: within 2 s,
    /// and then every [`period`](Self::period). Default none: the monitor only
    /// notices that beats stop.
    pub fn failure_url(mut self, url: impl Into<String>) -> Self {
        self.failure_url = Some(url.into());
        self
    }

    /// Sets the method. Default `GET`.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is not `GET`,
    /// `HEAD`, `POST`, `PUT` or `PATCH`.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = method.into();
        self
    }

    /// Adds a header to each request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.target.headers.push((name.into(), value.into()));
        self
    }

    /// Adds `Authorization: Bearer` with this token to each request.
    pub fn bearer(self, token: impl fmt::Display) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    /// Sets the body of each request. Default empty.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the timeout of one request. Default 5 s, at most 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.target.timeout = timeout;
        self
    }

    /// Sends beats while this probe passes, instead of both liveness and
    /// readiness.
    ///
    /// With [`Probe::Liveness`], beats continue while the service is alive but
    /// cannot serve because a dependency is down.
    pub fn probe(mut self, probe: Probe) -> Self {
        self.probes = vec![probe];
        self
    }

    /// Validates all options.
    pub(crate) fn listener(self, readings: Readings) -> Result<Pusher, Vec<Problem>> {
        let what = "push monitor";
        let example = "PushMonitor::new(\"https://hc-ping.com/<uuid>\")";
        let mut problems = Vec::new();
        let beat = self.target.client(what, example);
        let beat = beat.map_err(|wrong| problems.extend(wrong)).ok();
        let failure_url = self.failure_url.as_deref();
        problems.extend(failure_url.and_then(|url| address_problem(url, what, example)));
        if !(MIN_PERIOD..=MAX_PERIOD).contains(&self.period) {
            problems.push(Problem::setting(
                format!(
                    "the period of a {what} cannot be {}",
                    HumanDuration(self.period)
                ),
                "it is 1 s to 24 h",
            ));
        }
        let method = Method::from_bytes(self.method.as_bytes()).ok();
        let method = method.filter(|method| {
            const USUAL: [Method; 5] = [
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
            ];
            USUAL.contains(method)
        });
        if method.is_none() {
            problems.push(Problem::setting(
                format!(
                    "a {what} cannot use the method `{}`",
                    self.method.escape_debug()
                ),
                "use `GET`, `HEAD`, `POST`, `PUT` or `PATCH`",
            ));
        }
        let (Some(beat), Some(method), true) = (beat, method, problems.is_empty()) else {
            return Err(problems);
        };
        let name = format!("push monitor {}", self.target.host());
        Ok(Pusher {
            retry: Retry::new(name.clone(), FIRST_BACKOFF, self.period),
            name,
            failure: failure_url.map(|url| beat.at(url)),
            beat,
            method,
            body: self.body.into_bytes(),
            period: self.period,
            probes: self.probes,
            readings,
            last_sent: None,
        })
    }
}

/// Only shows the host: the rest of the URL and the headers are secrets.
impl fmt::Debug for PushMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushMonitor")
            .field("host", &self.target.host())
            .field("period", &self.period)
            .field("timeout", &self.target.timeout)
            .finish_non_exhaustive()
    }
}

/// Reads the verdicts, once there is a monitor. Weak, because the monitor owns
/// the threads that hold this.
#[derive(Clone, Default)]
pub(crate) struct Readings(Arc<OnceLock<Weak<dyn Reader>>>);

/// Reads the verdicts like a prober.
pub(crate) trait Reader: fmt::Debug + Send + Sync {
    fn status(&self, probe: Probe) -> Status;

    fn is_draining(&self) -> bool;

    /// Starts the checks on demand whose results are too old. Returns whether
    /// there is one.
    fn request_outdated(&self) -> bool;
}

impl Readings {
    pub(crate) fn connect(&self, reader: Weak<dyn Reader>) {
        let _ = self.0.set(reader);
    }

    fn monitor(&self) -> Option<Arc<dyn Reader>> {
        self.0.get()?.upgrade()
    }
}

/// The state that is sent to a push monitor.
#[derive(Clone, Copy, PartialEq)]
enum ServiceState {
    Passing,
    Failing,
}

/// The last state that was sent.
#[derive(Clone, Copy)]
struct Sent {
    state: ServiceState,
    at: Instant,
    /// The time at which the state is sent again.
    again_at: Instant,
}

/// Sends the state to one push monitor.
pub(crate) struct Pusher {
    name: String,
    beat: Client,
    failure: Option<Client>,
    method: Method,
    body: Vec<u8>,
    period: Duration,
    probes: Vec<Probe>,
    readings: Readings,
    retry: Retry,
    last_sent: Option<Sent>,
}

impl Listener for Pusher {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn listen(&mut self, queue: &Queue<QueuedTransition>) {
        loop {
            // A transition only triggers a read of the state; its content is
            // not used.
            queue.take_all();
            self.update(queue);
            match queue.pop(Some(Instant::now() + POLL_PERIOD)) {
                Popped::Record(..) | Popped::Nothing => {}
                Popped::Closed => return,
            }
        }
    }
}

impl Pusher {
    fn update(&mut self, queue: &Queue<QueuedTransition>) {
        let now = Instant::now();
        let is_due = self.last_sent.is_none_or(|last| last.again_at <= now);
        if is_due {
            self.run_on_demand(queue);
        }
        let Some(state) = self.state() else {
            return;
        };
        // A flapping check must not cause a request for each transition.
        let has_changed = |last: Sent| last.state != state && last.at + POLL_PERIOD <= now;
        if is_due || self.last_sent.is_some_and(has_changed) {
            self.send(state, queue);
        }
    }

    /// Runs the checks on demand whose results are too old. Waits for them as long
    /// as an answer to a probe does.
    fn run_on_demand(&self, queue: &Queue<QueuedTransition>) {
        let Some(monitor) = self.readings.monitor() else {
            return;
        };
        if monitor.is_draining() {
            return;
        }
        if !monitor.request_outdated() {
            return;
        }
        drop(monitor);
        let until = Instant::now() + MAX_ON_DEMAND_WAIT;
        while let Popped::Record(..) = queue.pop(Some(until)) {}
    }

    /// Returns the state to send: none before the first pass, during a drain
    /// and after a stop.
    fn state(&self) -> Option<ServiceState> {
        let monitor = self.readings.monitor()?;
        if monitor.is_draining() {
            return None;
        }
        let fails = |&probe: &Probe| monitor.status(probe) == Status::Fail;
        if !self.probes.iter().any(fails) {
            return Some(ServiceState::Passing);
        }
        self.last_sent.map(|_| ServiceState::Failing)
    }

    fn send(&mut self, state: ServiceState, queue: &Queue<QueuedTransition>) {
        let client = match state {
            ServiceState::Passing => Some(&self.beat),
            ServiceState::Failing => self.failure.as_ref(),
        };
        let sent = client.map_or(Ok(()), |client| {
            let method = self.method.clone();
            client.send(method, &HeaderMap::new(), &self.body, queue.time_left())
        });
        let now = Instant::now();
        let pause = match sent {
            Ok(()) => {
                if client.is_some() {
                    self.retry.succeeded(now);
                }
                self.period
            }
            Err(refusal) if refusal.is_final() => {
                self.retry.refused(&refusal, now);
                self.period
            }
            Err(refusal) => self.retry.failed(&refusal, now).min(self.period),
        };
        self.last_sent = Some(Sent {
            state,
            at: now,
            again_at: now + pause,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_is_shown() {
        let monitor = PushMonitor::new("https://hc-ping.com/hunter2")
            .failure_url("https://hc-ping.com/hunter2/fail")
            .bearer("hunter2");
        let shown = format!("{monitor:?}");
        assert!(
            shown.contains("hc-ping.com") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
