//! The status codes of the answers.

use http::StatusCode;

use crate::outcome::Status;
use crate::problem::Problem;

/// One code for each status: what probers read before anything else.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    pass: StatusCode,
    warn: StatusCode,
    fail: StatusCode,
    problems: Vec<Problem>,
}

impl Default for Codes {
    fn default() -> Self {
        Codes {
            pass: StatusCode::OK,
            warn: StatusCode::OK,
            fail: StatusCode::SERVICE_UNAVAILABLE,
            problems: Vec::new(),
        }
    }
}

impl Codes {
    /// A code that a prober would misread is refused: for AWS, Envoy and Google
    /// only 200 is healthy, for kubelet everything from 200 to 399.
    pub(crate) fn set(&mut self, status: Status, code: u16) {
        let legal = match status {
            Status::Pass | Status::Warn => 200..=299,
            Status::Fail => 400..=599,
        };
        let known = StatusCode::from_u16(code)
            .ok()
            .filter(|_| legal.contains(&code));
        let Some(code) = known else {
            self.problems.push(Problem::BadSetting {
                what: format!("a prober would misread the code {code} for `{status}`"),
                help: format!("take one from {} to {}", legal.start(), legal.end()),
            });
            return;
        };
        match status {
            Status::Pass => self.pass = code,
            Status::Warn => self.warn = code,
            Status::Fail => self.fail = code,
        }
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn of(&self, status: Status) -> StatusCode {
        match status {
            Status::Pass => self.pass,
            Status::Warn => self.warn,
            Status::Fail => self.fail,
        }
    }
}
