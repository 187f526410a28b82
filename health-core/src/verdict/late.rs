//! The end of a run that has already been counted as timed out.
//!
//! A client that retries for longer than the timeout of its check returns its
//! error too late to be a result. The error is still the best explanation of the
//! timeout, so it becomes the cause of it.

use std::time::Duration;

use crate::check::outcome::{Outcome, Reason, Status};

/// How a run ended after its timeout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LateEnd {
    /// The check works, but takes too long.
    Passed,
    /// The texts of the failure: the public one, then the private ones.
    Failed(Vec<String>),
    /// The run was dropped after a second limit.
    Dropped,
}

impl From<&Outcome> for LateEnd {
    fn from(outcome: &Outcome) -> Self {
        // A thread whose run was given up reports a timeout.
        if outcome.is_timed_out() {
            return LateEnd::Dropped;
        }
        if outcome.status() != Status::Fail {
            return LateEnd::Passed;
        }
        let public = outcome
            .reason()
            .filter(|reason| **reason != Reason::Withheld);
        let public = public.map(|reason| reason.as_str().to_owned());
        LateEnd::Failed(public.into_iter().chain(outcome.cause().to_vec()).collect())
    }
}

/// The explanation of a timeout.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    pub(crate) end: LateEnd,
    /// The duration of the run.
    pub(crate) took: Duration,
}

impl Explanation {
    /// Returns the parts of the private cause.
    pub(crate) fn cause(&self) -> Vec<String> {
        let seconds = self.took.as_secs_f64();
        match &self.end {
            LateEnd::Passed => vec![format!("passed after {seconds:.1} s")],
            LateEnd::Failed(texts) => {
                let head = format!("failed after {seconds:.1} s");
                std::iter::once(head).chain(texts.clone()).collect()
            }
            LateEnd::Dropped => vec![format!("still running after {seconds:.1} s, then dropped")],
        }
    }

    /// Returns the options to change.
    #[cfg(feature = "tracing")]
    pub(crate) fn hint(&self) -> &'static str {
        match self.end {
            LateEnd::Passed => "the check works: raise its `timeout`, or make it cheaper",
            LateEnd::Failed(_) => {
                "the client gives up later than the check: shorten its own timeout \
                 (`acquire_timeout`, `connection_timeout`, `response_timeout`)"
            }
            LateEnd::Dropped => {
                "the client has no timeout of its own, or a very long one \
                 (`acquire_timeout`, `connection_timeout`, `response_timeout`)"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(outcome: &Outcome) -> String {
        let explanation = Explanation {
            end: LateEnd::from(outcome),
            took: Duration::from_millis(30_040),
        };
        explanation.cause().join(": ")
    }

    #[test]
    fn the_cause_has_the_duration_and_all_texts() {
        let failed = Outcome::fail("no connection").because("pool timed out");
        for (outcome, expected) in [
            (Outcome::pass(), "passed after 30.0 s"),
            (failed, "failed after 30.0 s: no connection: pool timed out"),
            (
                Outcome::panicked("index out of bounds".into()),
                "failed after 30.0 s: panicked: index out of bounds",
            ),
            (
                Outcome::timed_out(),
                "still running after 30.0 s, then dropped",
            ),
        ] {
            assert_eq!(cause(&outcome), expected);
        }
    }

    #[test]
    fn an_error_has_no_public_text() {
        use crate::check::outcome::IntoOutcome;
        let outcome = Err::<(), _>("pool timed out").into_outcome();
        assert_eq!(cause(&outcome), "failed after 30.0 s: pool timed out");
    }
}
