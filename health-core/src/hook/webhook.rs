//! Tells an HTTP receiver of each turn of a verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use ureq::Agent;

use crate::event::Turned;
use crate::hook::{LAST_WORDS, Listener, Queue, Turn};
use crate::incident::Incident;
use crate::mask::masked;
use crate::observe;
use crate::probe::Probe;
use crate::problem::Problem;
use crate::render::json::{milliseconds, timestamp};
use crate::verdict::Verdict;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_ATTEMPTS: u32 = 5;
const MOST_ATTEMPTS: u32 = 20;
const DEFAULT_BACKOFF: Duration = Duration::from_millis(500);
/// Between two attempts, whatever the receiver asks for: others wait behind.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An HTTP receiver that is told of the turns of checks: a POST of JSON, see
/// `schemas/webhook.schema.json` in this crate.
///
/// It works on a thread of its own and can delay no check. A turn that the
/// receiver does not take (no connection, a timeout, 408, 429 or 5xx) is sent
/// again, with pauses that double; another answer outside 2xx, a redirect among
/// them, is final. Turns wait in a queue of 256; when that is full the oldest is
/// dropped. The next body says how many the receiver has not got (`missed`).
/// When health ends, what still waits is sent within 2 s; [`Health::stop`] waits
/// for that.
///
/// A receiver can get a turn twice, if its answer came too late: the `id` of
/// both is the same. `HTTPS_PROXY` and the like are heard.
///
/// [`Health::stop`]: crate::Health::stop
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use std::time::Duration;
/// use health_core::{Health, Webhook};
///
/// let on_call = Webhook::new("https://alerts.example/hooks/health")
///     .bearer("a token from the environment")
///     .label("service", "orders")
///     .timeout(Duration::from_secs(2))
///     .when(|turned| turned.report.is_critical());
/// let health = Health::builder().webhook(on_call).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[must_use = "give it to `HealthBuilder::webhook`"]
pub struct Webhook {
    url: String,
    headers: Vec<(String, String)>,
    labels: BTreeMap<String, String>,
    timeout: Duration,
    attempts: u32,
    backoff: Duration,
    when: Box<dyn Fn(&Turned) -> bool + Send + Sync>,
    with_causes: bool,
}

impl Webhook {
    /// A receiver at this address, `http` or `https`. It is verified by
    /// [`start`](crate::HealthBuilder::start), and only its host is ever logged,
    /// since the rest often is a secret.
    pub fn new(url: impl Into<String>) -> Self {
        Webhook {
            url: url.into(),
            headers: Vec::new(),
            labels: BTreeMap::new(),
            timeout: DEFAULT_TIMEOUT,
            attempts: DEFAULT_ATTEMPTS,
            backoff: DEFAULT_BACKOFF,
            when: Box::new(is_news),
            with_causes: false,
        }
    }

    /// One more header of each request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `Authorization: Bearer` with this token.
    pub fn bearer(self, token: impl fmt::Display) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    /// One more entry of `labels` in the body, by which the receiver tells
    /// services and instances apart.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// For one attempt, from the look-up of the name to the end of the answer:
    /// default 5 s, at most 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often a turn is sent before it is given up, and logged: default 5,
    /// at most 20; 1 sends nothing again.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The pause after the first attempt, which doubles from one to the next up
    /// to 60 s: default 500 ms. Each is shortened at random, to a half at most,
    /// so that replicas do not knock together; `Retry-After` can prolong it.
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = first;
        self
    }

    /// Which turns are sent: default all but a first result that is good, or
    /// each deploy would be news. A later call replaces this.
    pub fn when(mut self, wanted: impl Fn(&Turned) -> bool + Send + Sync + 'static) -> Self {
        self.when = Box::new(wanted);
        self
    }

    /// Sends the texts of errors too, secrets masked as in the log. Without this
    /// the body says what the public answer does.
    pub fn with_causes(mut self) -> Self {
        self.with_causes = true;
        self
    }

    /// What is to be told, once everything has been verified.
    pub(crate) fn listener(self) -> Result<Sender, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut refuse = |what: String, help: &str| {
            let help = help.to_owned();
            problems.push(Problem::BadSetting { what, help });
        };
        let host = match host_of(&self.url) {
            Ok(host) => host,
            Err(what) => {
                refuse(
                    format!("the address of a webhook {what}"),
                    "write for example `Webhook::new(\"https://alerts.example/health\")`",
                );
                String::new()
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => drop(headers.insert(name, value)),
                (Err(_), _) => refuse(
                    format!("`{}` cannot be the name of a header", name.escape_debug()),
                    "only letters, digits and `-` are safe in it",
                ),
                (_, Err(_)) => refuse(
                    format!("the value of the webhook's header `{name}` cannot be sent"),
                    "take the line breaks and control characters out of it; `trim()` often does",
                ),
            }
        }
        if self.timeout.is_zero() || self.timeout > LONGEST_TIMEOUT {
            refuse(
                format!("the timeout of a webhook cannot be {:?}", self.timeout),
                "it is more than 0 and at most 60 s",
            );
        }
        if !(1..=MOST_ATTEMPTS).contains(&self.attempts) {
            refuse(
                format!("a webhook cannot make {} attempts", self.attempts),
                "it makes 1 to 20",
            );
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let config = Agent::config_builder()
            // A redirected POST would become a GET, and its token go elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("health/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Sender {
            agent: config.into(),
            host,
            headers,
            missed: 0,
            settings: self,
        })
    }
}

/// Not what it contains: the URL and the headers are secrets.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &host_of(&self.url).unwrap_or_default())
            .field("timeout", &self.timeout)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

fn is_news(turned: &Turned) -> bool {
    turned.from != Verdict::Unknown || turned.incident.is_some()
}

fn host_of(url: &str) -> Result<String, &'static str> {
    let url: Uri = url.parse().map_err(|_| "is no URL")?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("begins neither with `http://` nor with `https://`");
    }
    match url.host() {
        Some(host) if !host.is_empty() => Ok(host.to_owned()),
        _ => Err("names no host"),
    }
}

/// Sends turns to one receiver.
pub(crate) struct Sender {
    settings: Webhook,
    host: String,
    headers: HeaderMap,
    agent: Agent,
    /// Turns that the receiver has not got since the last one that it has.
    missed: u64,
}

/// Why a turn was not taken.
struct Refusal {
    why: String,
    /// Nothing is sent again.
    is_final: bool,
    /// The receiver asks to be left alone for so long.
    rest: Duration,
}

impl Listener for Sender {
    fn name(&self) -> String {
        format!("webhook {}", self.host)
    }

    fn listen(&mut self, queue: &Queue<Turn>) {
        while let Some((turn, missed)) = queue.pop() {
            self.hear(&turn.turned, missed, queue);
        }
    }
}

impl Sender {
    fn hear(&mut self, turned: &Turned, missed: u64, queue: &Queue<Turn>) {
        self.missed += missed;
        if !(self.settings.when)(turned) {
            return;
        }
        let body = serde_json::to_vec(&Body::new(&self.settings, turned, self.missed));
        let body = body.expect("plain structs can be written as JSON");
        let mut attempt = 1;
        loop {
            let Err(refusal) = self.send(&body, queue.time_left()) else {
                self.missed = 0;
                return;
            };
            let is_over = queue.time_left().is_some_and(|left| left.is_zero());
            if refusal.is_final || attempt == self.settings.attempts || is_over {
                let why = masked(&refusal.why);
                self.missed += 1;
                observe::webhook_gave_up(&self.name(), turned, attempt, &why);
                return;
            }
            let pause = pause(self.settings.backoff, attempt).max(refusal.rest);
            if !queue.pause(pause) {
                // Health has ended: there is no time for long pauses.
                thread::sleep(pause.min(LAST_WORDS / 4));
            }
            attempt += 1;
        }
    }
}

impl Sender {
    fn send(&self, body: &[u8], time_left: Option<Duration>) -> Result<(), Refusal> {
        let timeout = self.settings.timeout;
        let timeout = time_left.map_or(timeout, |left| timeout.min(left));
        let mut request = self.agent.post(&self.settings.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.config().timeout_global(Some(timeout)).build();
        let response = request.send(body).map_err(|error| Refusal {
            why: error.to_string(),
            is_final: false,
            rest: Duration::ZERO,
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        Err(Refusal {
            why: format!("it answered {status}"),
            is_final: !is_passing(status),
            rest: rest(response.headers()),
        })
    }
}

/// Whether a later attempt may succeed.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

/// `Retry-After`, as far as it is heard and given in seconds.
fn rest(headers: &HeaderMap) -> Duration {
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds = seconds.and_then(|value| value.parse().ok());
    seconds
        .map_or(Duration::ZERO, Duration::from_secs)
        .min(LONGEST_PAUSE)
}

/// The pause after an attempt, counted from 1.
fn pause(backoff: Duration, attempt: u32) -> Duration {
    let doubled = backoff.saturating_mul(1 << (attempt - 1).min(16));
    doubled
        .min(LONGEST_PAUSE)
        .mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[derive(serde::Serialize)]
struct Body<'a> {
    event: &'static str,
    /// The same in all attempts to send one turn.
    id: String,
    at: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    check: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'static [&'static str],
    probes: Vec<&'static str>,
    critical: bool,
    from: &'static str,
    to: &'static str,
    held_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_for: Option<&'a str>,
    consecutive: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<f64>,
    /// Turns before this one that the receiver has not got.
    missed: u64,
}

impl<'a> Body<'a> {
    fn new(settings: &'a Webhook, turned: &'a Turned, missed: u64) -> Self {
        let report = &turned.report;
        let probes = Probe::ALL.into_iter();
        let cause = report.cause();
        Body {
            event: "health.check.turned",
            id: format!("{:032x}", fastrand::u128(..)),
            at: timestamp(turned.at),
            labels: &settings.labels,
            check: report.name(),
            description: report.description(),
            tags: report.tags(),
            probes: probes
                .filter(|&probe| report.counts_for(probe))
                .map(Probe::as_str)
                .collect(),
            critical: report.is_critical(),
            from: turned.from.as_str(),
            to: report.verdict().as_str(),
            held_s: milliseconds(turned.held) / 1e3,
            incident: turned.incident,
            message: report.message(),
            cause: (settings.with_causes && !cause.is_empty())
                .then(|| masked(&cause.join(": ")).into_owned()),
            skipped_for: report.skipped_for(),
            consecutive: report.consecutive(),
            response_time_ms: report.response_time().map(milliseconds),
            missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_are_halved_at_most() {
        let first = Duration::from_secs(1);
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (7, 60), (20, 60)] {
            let longest = Duration::from_secs(longest);
            for _ in 0..100 {
                let pause = pause(first, attempt);
                assert!(
                    (longest / 2..=longest).contains(&pause),
                    "{attempt}: {pause:?}"
                );
            }
        }
    }

    #[test]
    fn only_the_host_is_shown() {
        let webhook = Webhook::new("https://hooks.example/T0/B0/secret").bearer("secret");
        let shown = format!("{webhook:?}");
        assert!(
            shown.contains("hooks.example") && !shown.contains("secret"),
            "{shown}"
        );
    }

    #[test]
    fn a_receiver_can_ask_for_rest_but_not_for_ever() {
        for (value, seconds) in [
            ("3", 3),
            ("86400", 60),
            ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(rest(&headers), Duration::from_secs(seconds), "{value}");
        }
    }
}
