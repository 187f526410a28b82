//! HTTP requests to one receiver.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use ureq::{Agent, AsSendBody};

use crate::check::rules::HumanDuration;
use crate::registry::error::Problem;
use crate::text::bounded::cut;
use crate::text::mask::masked;

/// The maximum pause that a receiver can ask for.
const MAX_REST: Duration = Duration::from_secs(5 * 60);
/// The maximum length of a reason in the log, in bytes: it may contain the
/// answer.
const MAX_REASON_LEN: usize = 256;
/// The maximum timeout of one attempt.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(60);
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The address, method and headers of a receiver. The address and the headers
/// are secrets, so only the host is ever shown.
pub(super) struct Target {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Duration,
}

impl Target {
    pub(super) fn new(url: String) -> Self {
        Target {
            url,
            headers: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Returns the host, or an empty text if the address is invalid.
    pub(super) fn host(&self) -> String {
        host_of(&self.url).unwrap_or_default()
    }

    /// Validates the target. `what` names it in the problems; `example` is a
    /// valid value.
    pub(super) fn client(&self, what: &str, example: &str) -> Result<Client, Vec<Problem>> {
        let mut problems = Vec::new();
        problems.extend(address_problem(&self.url, what, example));
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            match header(what, name, value) {
                Ok((name, value)) => drop(headers.insert(name, value)),
                Err(wrong) => problems.extend(wrong),
            }
        }
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            problems.push(Problem::setting(
                format!(
                    "the timeout of a {what} cannot be {}",
                    HumanDuration(self.timeout)
                ),
                "it is more than 0 and at most 60 s",
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let config = Agent::config_builder()
            // A redirect would turn a POST into a GET and send its token to
            // another address.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("health/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client {
            agent: config.into(),
            url: self.url.clone(),
            headers,
            timeout: self.timeout,
        })
    }
}

/// Returns the problem of an invalid address.
pub(super) fn address_problem(url: &str, what: &str, example: &str) -> Option<Problem> {
    let wrong = host_of(url).err()?;
    Some(Problem::setting(
        format!("the address of a {what} {wrong}"),
        format!("write for example `{example}`"),
    ))
}

fn header(what: &str, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Vec<Problem>> {
    let bad = |what, help: &str| vec![Problem::setting(what, help)];
    let parsed = HeaderName::try_from(name).map_err(|_| {
        bad(
            format!("`{}` cannot be the name of a header", name.escape_debug()),
            "only letters, digits and `-` are safe in it",
        )
    })?;
    let value = HeaderValue::try_from(value).map_err(|_| {
        bad(
            format!("the value of the {what}'s header `{name}` cannot be sent"),
            "take the line breaks and control characters out of it; `trim()` often does",
        )
    })?;
    Ok((parsed, value))
}

fn host_of(url: &str) -> Result<String, &'static str> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let is_http = |scheme: &str| ["http", "https"].contains(&&*scheme.to_ascii_lowercase());
    if !scheme.is_some_and(is_http) {
        return Err("begins neither with `http://` nor with `https://`");
    }
    let url: Uri = url.parse().map_err(|_| "is no URL")?;
    match url.host() {
        Some(host) if !host.is_empty() => Ok(host.to_owned()),
        _ => Err("names no host"),
    }
}

/// Sends requests to one receiver.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    url: String,
    headers: HeaderMap,
    timeout: Duration,
}

/// The reason why a receiver did not accept a request.
pub(super) struct Refusal {
    /// The reason, without secrets.
    pub(super) why: String,
    /// The answer, if there was one.
    pub(super) status: Option<StatusCode>,
    /// The pause that the receiver asks for, or zero.
    pub(super) rest: Duration,
}

impl Refusal {
    /// Returns whether the receiver would refuse the same request again.
    pub(super) fn is_final(&self) -> bool {
        self.status.is_some_and(|status| {
            !status.is_server_error()
                && status != StatusCode::REQUEST_TIMEOUT
                && status != StatusCode::TOO_MANY_REQUESTS
        })
    }
}

impl Client {
    /// Returns the same client for another address, which must be valid.
    pub(super) fn at(&self, url: &str) -> Self {
        Client {
            url: url.to_owned(),
            ..self.clone()
        }
    }

    /// Sends one request within the timeout, and within `time_left` if the
    /// service is stopping. Any 2xx status means that it was accepted.
    pub(super) fn send(
        &self,
        method: Method,
        extra: &HeaderMap,
        body: &[u8],
        time_left: Option<Duration>,
    ) -> Result<(), Refusal> {
        let timeout = time_left.map_or(self.timeout, |left| self.timeout.min(left));
        let sent = if body.is_empty() && method != Method::POST {
            self.run(method, extra, (), timeout)
        } else {
            self.run(method, extra, body, timeout)
        };
        let response = sent.map_err(|error| Refusal {
            why: cut(&masked(&error.to_string()), MAX_REASON_LEN).to_owned(),
            status: None,
            rest: Duration::ZERO,
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        Err(Refusal {
            why: format!("it answered {status}"),
            status: Some(status),
            rest: rest(response.headers(), SystemTime::now()),
        })
    }

    fn run(
        &self,
        method: Method,
        extra: &HeaderMap,
        body: impl AsSendBody,
        timeout: Duration,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(&self.url);
        for (name, value) in self.headers.iter().chain(extra) {
            request = request.header(name, value);
        }
        let request = self.agent.configure_request(request.body(body)?);
        self.agent
            .run(request.timeout_global(Some(timeout)).build())
    }
}

/// Returns the pause in `Retry-After`, which is in seconds or a date.
fn rest(headers: &HeaderMap, now: SystemTime) -> Duration {
    let value = headers.get(RETRY_AFTER);
    let Some(value) = value.and_then(|value| value.to_str().ok()) else {
        return Duration::ZERO;
    };
    let rest = match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value)
            .ok()
            .and_then(|at| at.duration_since(now).ok()),
    };
    rest.unwrap_or_default().min(MAX_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_limited_to_five_minutes() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("3", 3),
            ("86400", 300),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            ("Sat, 31 Dec 1994 23:59:59 GMT", 300),
            ("Fri, 31 Dec 1993 23:59:59 GMT", 0),
            ("soon", 0),
            ("-1", 0),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(rest(&headers, now), Duration::from_secs(seconds), "{value}");
        }
        assert_eq!(rest(&HeaderMap::new(), now), Duration::ZERO);
    }

    #[test]
    fn a_response_outside_2xx_is_final_unless_it_is_temporary() {
        for (code, is_final) in [
            (301, true),
            (400, true),
            (401, true),
            (404, true),
            (408, false),
            (410, true),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let refusal = Refusal {
                why: String::new(),
                status: StatusCode::from_u16(code).ok(),
                rest: Duration::ZERO,
            };
            assert_eq!(refusal.is_final(), is_final, "{code}");
        }
        let no_answer = Refusal {
            why: String::new(),
            status: None,
            rest: Duration::ZERO,
        };
        assert!(!no_answer.is_final());
    }
}
