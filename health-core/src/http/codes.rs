//! Status codes of the responses.

use http::StatusCode;

use crate::check::outcome::Status;
use crate::registry::error::Problem;

/// The status code for each status.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    by_status: [StatusCode; Status::ALL.len()],
    pub(crate) problems: Vec<Problem>,
}

impl Default for Codes {
    fn default() -> Self {
        Codes {
            by_status: [
                StatusCode::OK,
                StatusCode::OK,
                StatusCode::SERVICE_UNAVAILABLE,
            ],
            problems: Vec::new(),
        }
    }
}

impl Codes {
    /// Sets a status code. Rejects a code that a prober would misread: AWS,
    /// Envoy and Google accept 200 only, kubelet accepts 200 to 399. Also
    /// rejects codes for which HTTP defines no body or a partial one: with a
    /// body, HTTP/2 resets the stream, and HTTP/1.1 clients read it as the next
    /// response.
    pub(crate) fn set(&mut self, status: Status, code: u16) {
        let legal = match status {
            Status::Pass | Status::Warn => 200..=299,
            Status::Fail => 400..=599,
        };
        let known = StatusCode::from_u16(code).ok();
        let Some(known) = known.filter(|_| legal.contains(&code)) else {
            return self.problems.push(Problem::setting(
                format!("a prober would misread the code {code} for `{status}`"),
                format!("take one from {} to {}", legal.start(), legal.end()),
            ));
        };
        if matches!(code, 204..=206) {
            return self.problems.push(Problem::setting(
                format!("an answer with the code {code} has no complete body"),
                format!("take 200 for `{status}`, or another code from 200 to 299"),
            ));
        }
        self.by_status[status as usize] = known;
    }

    pub(super) fn of(&self, status: Status) -> StatusCode {
        self.by_status[status as usize]
    }
}
