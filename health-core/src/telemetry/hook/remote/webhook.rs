//! Sends states of checks as POST requests to an HTTP receiver.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use std::{fmt, thread};

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::check::rules::HumanDuration;
use crate::registry::error::Problem;
use crate::telemetry::event::Transition;
use crate::telemetry::hook::remote::body::Body;
use crate::telemetry::hook::remote::client::{Client, Refusal, Target};
use crate::telemetry::hook::remote::outbox::Outbox;
use crate::telemetry::hook::remote::retry::Retry;
use crate::telemetry::hook::remote::sign::{self, Secret, SigningKey};
use crate::telemetry::hook::remote::{Listener, Popped, Queue, QueuedTransition, SHUTDOWN_TIMEOUT};
use crate::telemetry::log;
use crate::telemetry::log::delivery;
use crate::text::panic::caught;

const DEFAULT_MIN_INTERVAL: Duration = Duration::from_secs(10);
const MAX_MIN_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_BACKOFF: Duration = Duration::from_millis(500);
/// Together with the timeout of an attempt this equals the default interval of
/// checks, so a receiver that is available again has all states within one
/// interval.
const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(5);
const MAX_BACKOFF: Duration = Duration::from_secs(60 * 60);
const DEFAULT_MAX_BATCH: usize = 100;
const MAX_BATCH: usize = 1_000;
/// The longest sleep of an idle webhook; a new state ends it.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// Sends the state of each check to an HTTP receiver whenever it changes.
///
/// Each state is a POST of JSON, described by `schemas/webhook.schema.json` of
/// this crate. The webhook has its own thread and delays no check.
///
/// While a receiver is unavailable (no connection, a timeout, 408, 429 or 5xx),
/// the newest state of each check is kept and sent again with increasing
/// pauses, without a limit of attempts. Older states of the same check are
/// merged into it, and `missed` counts them. Any other status outside 2xx,
/// including redirects, is a final refusal: it is logged, the states of that
/// body are sent once more after the receiver has accepted another body, and
/// then dropped.
///
/// | what | when it is sent |
/// |---|---|
/// | a check fails, degrades, recovers or is skipped | at once; another change of the same check after [`min_interval`](Self::min_interval) |
/// | a check passes at its first result after a start | within 2 s, together with the other checks |
/// | several changes wait for the receiver | in one body, up to [`max_batch`](Self::max_batch) |
/// | the service stops | within 2 s, with the states that are still waiting |
///
/// A receiver can get a body twice if its answer was lost; `id` is the same in
/// both. Proxy variables such as `HTTPS_PROXY` are respected. Only the host of
/// the URL is logged. At the level `trace`, ureq logs the whole request
/// including headers: exclude the targets `ureq` and `ureq_proto` from such a
/// log.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::notify::Webhook;
/// use health_core::Health;
///
/// let on_call = Webhook::new("https://alerts.example/hooks/health")
///     .sign_with("a secret that the receiver has too")
///     .label("service", "orders")
///     .min_interval(Duration::from_secs(60))
///     .when(|turned| turned.report.is_critical());
/// let health = Health::builder().notify(on_call).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[must_use = "give it to `HealthBuilder::notify`"]
pub struct Webhook {
    target: Target,
    secret: Option<Secret>,
    labels: BTreeMap<String, String>,
    min_interval: Duration,
    backoff: Duration,
    max_backoff: Duration,
    max_batch: usize,
    when: Box<dyn Fn(&Transition) -> bool + Send + Sync>,
    with_causes: bool,
}

impl Webhook {
    /// Creates a webhook for a receiver at this `http` or `https` URL.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if the URL has another
    /// scheme or no host.
    pub fn new(url: impl Into<String>) -> Self {
        Webhook {
            target: Target::new(url.into()),
            secret: None,
            labels: BTreeMap::new(),
            min_interval: DEFAULT_MIN_INTERVAL,
            backoff: DEFAULT_BACKOFF,
            max_backoff: DEFAULT_MAX_BACKOFF,
            max_batch: DEFAULT_MAX_BATCH,
            when: Box::new(|_| true),
            with_causes: false,
        }
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

    /// Signs each body with HMAC-SHA256, so that the receiver can verify the
    /// sender.
    ///
    /// The signature is sent in the header `X-Hub-Signature-256`, as by GitHub:
    /// `sha256=` and 64 hexadecimal digits over the raw body. The guide
    /// [Notifications] shows how a receiver verifies it.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if the secret is empty
    /// or ends with a line break.
    ///
    /// [Notifications]: https://docs.rs/health-axum/latest/health_axum/_guides/notifications/index.html#verify-a-body
    pub fn sign_with(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.secret = Some(Secret::Value(secret.into()));
        self
    }

    /// Signs each body like [`sign_with`](Self::sign_with), with the secret
    /// from an environment variable.
    ///
    /// [`start`](crate::HealthBuilder::start) reads the variable. It returns an error
    /// if the variable is not set, is empty, or ends with a line break.
    pub fn sign_with_env(mut self, variable: impl Into<String>) -> Self {
        self.secret = Some(Secret::Variable(variable.into()));
        self
    }

    /// Adds an entry to `labels` in the body, which identifies the service or
    /// the instance.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Sets the timeout of one attempt, from DNS resolution to the end of the
    /// answer. Default 5 s, at most 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.target.timeout = timeout;
        self
    }

    /// Sets the minimum time between two states of one check. Default 10 s, at
    /// most 24 h; zero disables it.
    ///
    /// A flapping check causes one request within this time, and the newest
    /// state is sent at the end of it.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is longer than
    /// 24 h.
    pub fn min_interval(mut self, interval: Duration) -> Self {
        self.min_interval = interval;
        self
    }

    /// Sets the maximum number of checks in one body. Default 100, at most
    /// 1,000.
    ///
    /// With 1, every body has the event `health.check.turned`.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is not from 1 to
    /// 1,000.
    pub fn max_batch(mut self, checks: usize) -> Self {
        self.max_batch = checks;
        self
    }

    /// Sets the pause after the first failed attempt. Default 500 ms.
    ///
    /// The pause doubles with each attempt up to
    /// [`max_backoff`](Self::max_backoff). A random part of at most a half is
    /// subtracted, so that replicas do not retry at the same moment.
    /// `Retry-After` extends the pause, up to 5 min.
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is zero or longer
    /// than [`max_backoff`](Self::max_backoff).
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = first;
        self
    }

    /// Sets the maximum pause between two attempts. Default 5 s, at most 1 h.
    ///
    /// A receiver that is available again gets the newest states within this
    /// pause plus one [`timeout`](Self::timeout).
    ///
    /// [`start`](crate::HealthBuilder::start) returns an error if it is zero or longer
    /// than 1 h.
    pub fn max_backoff(mut self, longest: Duration) -> Self {
        self.max_backoff = longest;
        self
    }

    /// Sets which states are sent. Default all. A second call replaces the
    /// first.
    ///
    /// `Transition::from` is the last state that the receiver has got, so the
    /// predicate sees the change from the receiver's point of view. A state
    /// that is not wanted replaces a waiting older one, which is outdated and
    /// no longer sent. If the predicate panics, the panic is logged and the
    /// state is sent.
    pub fn when(mut self, wanted: impl Fn(&Transition) -> bool + Send + Sync + 'static) -> Self {
        self.when = Box::new(wanted);
        self
    }

    /// Includes the texts of errors, with secrets masked as in the log. By
    /// default the body only has the public message.
    ///
    /// If the cause of a timeout becomes known later, the state is sent again,
    /// with an unchanged verdict.
    pub fn with_causes(mut self) -> Self {
        self.with_causes = true;
        self
    }

    /// Validates all options.
    pub(crate) fn listener(self) -> Result<Sender, Vec<Problem>> {
        let mut problems = self.problems();
        let example = "Webhook::new(\"https://alerts.example/health\")";
        let client = self.target.client("webhook", example);
        let key = self.secret.as_ref().map(Secret::key).transpose();
        match (client, key) {
            (Ok(client), Ok(key)) if problems.is_empty() => Ok(Sender::new(self, client, key)),
            (client, key) => {
                problems.splice(0..0, client.err().unwrap_or_default());
                problems.extend(key.err().unwrap_or_default());
                Err(problems)
            }
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |is_wrong: bool, what: String, help: &str| {
            if is_wrong {
                problems.push(Problem::setting(what, help));
            }
        };
        refuse(
            self.min_interval > MAX_MIN_INTERVAL,
            format!(
                "a webhook cannot wait {} between states",
                HumanDuration(self.min_interval)
            ),
            "`min_interval` is at most 24 h",
        );
        refuse(
            self.max_backoff.is_zero() || self.max_backoff > MAX_BACKOFF,
            format!(
                "a webhook cannot pause for {}",
                HumanDuration(self.max_backoff)
            ),
            "`max_backoff` is more than 0 and at most 1 h",
        );
        refuse(
            self.backoff.is_zero() || self.backoff > self.max_backoff,
            format!(
                "a webhook cannot pause for {} first",
                HumanDuration(self.backoff)
            ),
            "`backoff` is more than 0 and at most `max_backoff`, which is 5 s by default",
        );
        refuse(
            !(1..=MAX_BATCH).contains(&self.max_batch),
            format!(
                "a body of a webhook cannot contain the states of {} checks",
                self.max_batch
            ),
            "`max_batch` is 1 to 1000",
        );
        problems
    }
}

/// Only shows the host: the rest of the URL and the headers are secrets.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.target.host())
            .field("timeout", &self.target.timeout)
            .field("min_interval", &self.min_interval)
            .finish_non_exhaustive()
    }
}

/// Sends states to one receiver.
pub(crate) struct Sender {
    settings: Webhook,
    name: String,
    client: Client,
    key: Option<SigningKey>,
    outbox: Outbox,
    retry: Retry,
    max_batch: usize,
    /// The current body. It is sent again with the same `id` until one of its
    /// states is outdated.
    pending: Option<PendingBody>,
    not_before: Option<Instant>,
}

/// A body that is being sent.
struct PendingBody {
    checks: Vec<usize>,
    headers: HeaderMap,
    json: Vec<u8>,
}

/// The result of one attempt.
enum Attempt {
    /// The receiver accepted or refused the body.
    Over,
    /// The same body must be sent again after this pause.
    After(Duration),
}

impl Listener for Sender {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn wants_explanations(&self) -> bool {
        self.settings.with_causes
    }

    fn listen(&mut self, queue: &Queue<QueuedTransition>) {
        loop {
            // Takes the newest states first, so that no outdated one is sent.
            for turn in queue.take_all() {
                self.accept(turn);
            }
            let now = Instant::now();
            let next = self.next_attempt(now);
            if next <= now {
                if let Attempt::After(pause) = self.attempt(queue.time_left()) {
                    self.not_before = Some(Instant::now() + pause);
                }
                continue;
            }
            match queue.pop(Some(next)) {
                Popped::Record(turn, _) => self.accept(turn),
                Popped::Nothing => {}
                Popped::Closed => return self.finish(queue),
            }
        }
    }
}

impl Sender {
    fn new(settings: Webhook, client: Client, key: Option<SigningKey>) -> Self {
        let name = format!("webhook {}", settings.target.host());
        Sender {
            outbox: Outbox::new(settings.min_interval),
            retry: Retry::new(name.clone(), settings.backoff, settings.max_backoff),
            max_batch: settings.max_batch,
            pending: None,
            not_before: None,
            name,
            client,
            key,
            settings,
        }
    }

    fn accept(&mut self, turn: QueuedTransition) {
        let pending = self.pending.as_ref();
        if pending.is_some_and(|pending| pending.checks.contains(&turn.check)) {
            self.pending = None;
        }
        let (when, name) = (&self.settings.when, &self.name);
        let is_wanted = |turn: &QueuedTransition| {
            caught(|| when(&turn.turned)).unwrap_or_else(|text| {
                log::hook_panicked(name, &text);
                true
            })
        };
        self.outbox.accept(turn, is_wanted, Instant::now());
    }

    /// Returns when the next request is due, or when to check again.
    fn next_attempt(&self, now: Instant) -> Instant {
        let due = match self.pending {
            Some(_) => Some(now),
            None => self.outbox.next_due(now),
        };
        let due = due.unwrap_or(now + IDLE);
        self.not_before.map_or(due, |at| at.max(due))
    }

    /// Returns whether something is due now or later.
    fn has_work(&self) -> bool {
        self.pending.is_some() || self.outbox.next_due(Instant::now()).is_some()
    }

    /// Sends the current body, or a new one with the states that are due.
    fn attempt(&mut self, time_left: Option<Duration>) -> Attempt {
        self.not_before = None;
        let Some(pending) = self.pending.take().or_else(|| self.next_body()) else {
            return Attempt::Over;
        };
        let sent = self.post(&pending, time_left);
        let now = Instant::now();
        let Err(refusal) = sent else {
            self.retry.succeeded(now);
            self.outbox.taken(&pending.checks, now);
            return Attempt::Over;
        };
        if !refusal.is_final() {
            self.pending = Some(pending);
            return Attempt::After(self.retry.failed(&refusal, now));
        }
        if refusal.status == Some(StatusCode::PAYLOAD_TOO_LARGE) && pending.checks.len() > 1 {
            self.max_batch = pending.checks.len() / 2;
            return Attempt::Over;
        }
        self.retry.refused(&refusal, now);
        self.outbox.refused(&pending.checks);
        Attempt::Over
    }

    fn post(&self, pending: &PendingBody, time_left: Option<Duration>) -> Result<(), Refusal> {
        self.client
            .send(Method::POST, &pending.headers, &pending.json, time_left)
    }

    /// Creates a body with the states that are due.
    fn next_body(&self) -> Option<PendingBody> {
        let due = self.outbox.due(Instant::now(), self.max_batch);
        if due.is_empty() {
            return None;
        }
        let body = Body::of(&due, &self.settings.labels, self.settings.with_causes);
        let checks = due.iter().map(|turn| turn.check).collect();
        Some(self.pending_body(checks, &body))
    }

    fn pending_body(&self, checks: Vec<usize>, body: &Body<'_>) -> PendingBody {
        let json = body.json();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.key {
            headers.insert(HeaderName::from_static(sign::HEADER), key.sign(&json));
        }
        PendingBody {
            checks,
            headers,
            json,
        }
    }

    /// Sends the waiting states and the stop of the service in the remaining
    /// time.
    fn finish(&mut self, queue: &Queue<QueuedTransition>) {
        let left = || queue.time_left().unwrap_or_default();
        self.outbox.hasten(Instant::now());
        while !left().is_zero() && self.has_work() {
            if let Attempt::After(pause) = self.attempt(Some(left())) {
                thread::sleep(pause.min(SHUTDOWN_TIMEOUT / 4).min(left()));
            }
        }
        let is_stop_sent = self.send_stop(left());
        let waiting = self.outbox.len();
        if waiting > 0 || !is_stop_sent {
            delivery::undelivered(&self.name, waiting);
        }
    }

    /// Sends the stop of the service. Returns whether the receiver answered.
    fn send_stop(&mut self, left: Duration) -> bool {
        if left.is_zero() {
            return false;
        }
        let stop = self.pending_body(Vec::new(), &Body::of_a_stop(&self.settings.labels));
        match self.post(&stop, Some(left)) {
            Ok(()) => true,
            Err(refusal) if refusal.is_final() => {
                self.retry.refused(&refusal, Instant::now());
                true
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_is_shown() {
        let webhook = Webhook::new("https://hooks.example/T0/B0/hunter2")
            .bearer("hunter2")
            .sign_with("hunter2");
        let shown = format!("{webhook:?}");
        assert!(
            shown.contains("hooks.example") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
