use health_core::check::{FailureClass, Indicator};
use health_core::report::{Answer, Verdict};
use health_core::{Outcome, Status};
use reqwest::Client;
use serde::Deserialize;
use serde_json::json;

use super::{redirected, send};
use crate::failure::{because, degraded, failure};

/// Failures from further away do not count, and no longer path is shown.
const MOST_HOPS: usize = 8;
/// Longer names are not shown.
const LONGEST_NAME: usize = 64;

/// Creates a check of another service whose checks are those of this framework, by
/// the URL of its `/health`. Only an internal mount of it shows which check fails.
///
/// `this` is the name of the service that checks.
///
/// A run sends one `GET` request with the application's own client. It judges the
/// service as a whole and names the check at the root of a failure, through other
/// services, too: `unhealthy because of ledger > database`.
///
/// | the run | verdict | class |
/// |---|---|---|
/// | reads `healthy` or `degraded`, which serves requests | passing | |
/// | reads `unhealthy` | degraded | `refused` |
/// | reads no health of this framework, or is redirected | degraded | `misconfigured` |
/// | cannot connect, and so on, as for [`get`](super::get) | degraded | that of `get` |
/// | gets no answer before the timeout of the check | failing | `timed_out` |
///
/// The check degrades and does not fail, since a failure would pass on to
/// the callers of this service, and one database could take down all of them.
/// [`fails`](Service::fails) changes that.
///
/// # Loops
///
/// Two services that check each other must not keep each other failing. The check
/// publishes on which path its verdict came, and a verdict that came through this
/// service does not count. Neither does one that came through more than 8
/// services. Both need checks with an interval: with `cache` each would wait for
/// the run of the other.
///
/// ```no_run,standalone_crate
/// use health_core::HealthState;
/// use health_indicators::http;
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     /// The payment service serves requests.
///     #[health(check = http::service("orders", "http://payments:9090/health"), timeout = "2s")]
///     payments: reqwest::Client,
/// }
/// ```
pub fn service(this: impl Into<String>, url: impl Into<String>) -> Service {
    Service {
        this: this.into(),
        url: url.into(),
        fails: false,
    }
}

/// A check of another service with this framework; created by [`service`].
#[derive(Clone)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Service {
    /// The name of the service that checks, by which it finds itself in a loop.
    this: String,
    url: String,
    fails: bool,
}

impl Service {
    /// Lets the check fail where it degrades by default.
    ///
    /// With `critical`, this service then takes no requests while the other one
    /// does not.
    pub fn fails(mut self) -> Self {
        self.fails = true;
        self
    }

    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check(&self, client: &Client) -> Outcome {
        let request = match client.get(&self.url).build() {
            Ok(request) => request,
            Err(error) => {
                let error = error.without_url();
                return self.graded(because(FailureClass::Misconfigured, error));
            }
        };
        match send(client, request).await {
            Ok(answer) if answer.is_redirected => self.graded(redirected()),
            Ok(answer) => self.read(&answer.body),
            Err(failed) => self.graded(failed),
        }
    }

    fn read(&self, body: &[u8]) -> Outcome {
        match serde_json::from_slice::<Answer>(body) {
            Ok(answer) if answer.status == Status::Fail => self.judge(answer),
            Ok(_) => Outcome::pass(),
            Err(error) => self.graded(because(FailureClass::Misconfigured, error)),
        }
    }

    fn judge(&self, answer: Answer) -> Outcome {
        let failing: Vec<_> = failing(answer).collect();
        let counting = failing.iter().filter(|cause| self.counts(cause));
        let deepest = counting.max_by_key(|cause| cause.names.len());
        match deepest {
            // A service that shows no checks.
            None if failing.is_empty() => self.graded(failure(FailureClass::Refused)),
            None => Outcome::pass(),
            Some(cause) => self.unhealthy(cause),
        }
    }

    /// Whether it did not come from here, nor from too far away.
    fn counts(&self, cause: &Cause) -> bool {
        cause.via.len() < MOST_HOPS && !cause.via.contains(&self.this)
    }

    fn unhealthy(&self, cause: &Cause) -> Outcome {
        let text = format!("unhealthy because of {}", cause.names.join(" > "));
        let mut via = vec![&self.this];
        via.extend(&cause.via);
        let outcome = if self.fails {
            Outcome::fail(text)
        } else {
            Outcome::warn(text)
        };
        let path = json!({ "cause": cause.names, "via": via });
        outcome.class(FailureClass::Refused).detail(path)
    }

    /// A failure, or the same as a warning.
    fn graded(&self, failed: Outcome) -> Outcome {
        if self.fails {
            failed
        } else {
            degraded(&failed)
        }
    }
}

impl Indicator<Client> for Service {
    async fn check(&self, client: &Client) -> Outcome {
        Service::check(self, client).await
    }
}

impl std::fmt::Debug for Service {
    /// Without the URL, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("this", &self.this)
            .field("fails", &self.fails)
            .finish_non_exhaustive()
    }
}

/// The detail of a [`Service`] that is unhealthy.
#[derive(Default, Deserialize)]
struct Path {
    cause: Vec<String>,
    via: Vec<String>,
}

/// A check of the other service that makes it unhealthy.
struct Cause {
    /// Its name, and those of the causes behind it in further services.
    names: Vec<String>,
    /// The services from which the verdict came.
    via: Vec<String>,
}

/// Returns the checks that make a service unhealthy. One that is degraded or
/// skipped does not.
fn failing(answer: Answer) -> impl Iterator<Item = Cause> {
    let checks = answer.checks.into_iter();
    let failing = checks.filter(|(_, check)| {
        check.critical && matches!(check.status, Verdict::Fail | Verdict::Unknown)
    });
    failing.map(|(name, check)| {
        let detail = check.detail.unwrap_or_default();
        let path: Path = serde_json::from_value(detail).unwrap_or_default();
        let names = [name].into_iter().chain(path.cause);
        let names = names.filter(|name| is_shown(name)).take(MOST_HOPS);
        Cause {
            names: names.collect(),
            via: path.via,
        }
    })
}

/// Whatever answers there, only what can be a name is published here.
fn is_shown(name: &str) -> bool {
    let is_usual =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    name.len() <= LONGEST_NAME && name.bytes().all(is_usual)
}
