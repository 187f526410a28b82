//! Other services over HTTP, by a client of reqwest 0.13.
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//! use health_indicators::http;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The payment service is up.
//!     #[health(check = http::get("https://pay.example/up").expect(204), timeout = "2s")]
//!     payments: reqwest::Client,
//! }
//! ```
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | cannot connect, or loses the connection | failing | `unreachable` |
//! | gets 401 or 403 | failing | `unauthorized` |
//! | gets 429 | failing | `saturated` |
//! | gets another status than the expected one | failing | `refused` |
//! | is led to another URL by a redirect | failing | `misconfigured` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |

mod service;

use health_core::Outcome;
use health_core::check::{FailureClass, Indicator};
use reqwest::{Client, Request, StatusCode};

use crate::failure::{because, failure};

pub use self::service::{Service, service};

/// So much of a body is read, so that the connection can be used again.
const LONGEST_BODY: usize = 64 * 1024;

/// Creates a check by a `GET` request to a URL, which must succeed.
///
/// The application's own client sends it, with its pool, its TLS and its proxy.
/// A check must see what the URL itself answers: where the client follows
/// redirects, one fails the check.
pub fn get(url: impl Into<String>) -> Get {
    Get {
        url: url.into(),
        expected: None,
        headers: Vec::new(),
    }
}

/// A check by a `GET` request; created by [`get`].
#[derive(Clone)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Get {
    url: String,
    expected: Option<u16>,
    headers: Vec<(String, String)>,
}

impl Get {
    /// Sets the status that means success; by default each from 200 to 299.
    pub fn expect(mut self, status: u16) -> Self {
        self.expected = Some(status);
        self
    }

    /// Adds a header to the request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check(&self, client: &Client) -> Outcome {
        let mut request = client.get(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = match request.build() {
            Ok(request) => request,
            Err(error) => return because(FailureClass::Misconfigured, error.without_url()),
        };
        let answer = match send(client, request).await {
            Ok(answer) => answer,
            Err(failed) => return failed,
        };
        let outcome = if answer.is_redirected {
            redirected()
        } else {
            self.judge(answer.status)
        };
        outcome.observe(answer.status.as_u16(), "status")
    }

    fn judge(&self, status: StatusCode) -> Outcome {
        let is_expected = match self.expected {
            Some(expected) => status.as_u16() == expected,
            None => status.is_success(),
        };
        if is_expected {
            return Outcome::pass();
        }
        failure(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FailureClass::Unauthorized,
            StatusCode::TOO_MANY_REQUESTS => FailureClass::Saturated,
            _ => FailureClass::Refused,
        })
    }
}

impl Indicator<Client> for Get {
    async fn check(&self, client: &Client) -> Outcome {
        Get::check(self, client).await
    }
}

impl std::fmt::Debug for Get {
    /// Without the URL and the headers, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Get")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

/// An answer, with at most the beginning of its body.
struct Answer {
    status: StatusCode,
    is_redirected: bool,
    body: Vec<u8>,
}

/// Sends a request. The body is read, so that the connection can be used again.
async fn send(client: &Client, request: Request) -> Result<Answer, Outcome> {
    let url = request.url().clone();
    let mut response = match client.execute(request).await {
        Ok(response) => response,
        Err(error) => return Err(because(class(&error), error.without_url())),
    };
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_BODY {
            break;
        }
    }
    Ok(Answer {
        status: response.status(),
        is_redirected: *response.url() != url,
        body,
    })
}

fn redirected() -> Outcome {
    failure(FailureClass::Misconfigured).because("the request was redirected")
}

fn class(error: &reqwest::Error) -> FailureClass {
    if error.is_timeout() {
        FailureClass::TimedOut
    } else if error.is_builder() || error.is_redirect() {
        FailureClass::Misconfigured
    } else {
        FailureClass::Unreachable
    }
}
