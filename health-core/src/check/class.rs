//! The class of a failure.

use std::fmt;

use serde::Serialize;

/// The class of a failure, as the check reports it.
///
/// A class is public: it is in answers, in the log, in webhooks and as a label
/// in the metrics. It holds no secret, unlike the text of an error.
///
/// ```
/// use health_core::check::FailureClass;
/// use health_core::Outcome;
///
/// let outcome = Outcome::fail("no connection is free").class(FailureClass::Saturated);
/// assert_eq!(outcome.failure_class(), Some(FailureClass::Saturated));
/// assert_eq!(FailureClass::Saturated.as_str(), "saturated");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// A connection cannot be established, or breaks.
    Unreachable,
    /// Every connection of the pool is in use, or a resource is used up. The
    /// dependency itself may be fine.
    Saturated,
    /// The dependency answers with an error.
    Refused,
    /// The dependency rejects the credentials.
    Unauthorized,
    /// The dependency is not in the role that the service needs, such as a read-only
    /// replica for writes.
    WrongRole,
    /// The dependency is starting and will answer later.
    Starting,
    /// The check or the client is misconfigured.
    Misconfigured,
    /// There is no answer before the timeout of the check. The framework sets this
    /// class for every run that exceeds its timeout.
    TimedOut,
}

impl FailureClass {
    pub(crate) const ALL: [FailureClass; 8] = [
        FailureClass::Unreachable,
        FailureClass::Saturated,
        FailureClass::Refused,
        FailureClass::Unauthorized,
        FailureClass::WrongRole,
        FailureClass::Starting,
        FailureClass::Misconfigured,
        FailureClass::TimedOut,
    ];

    /// Returns the word for the class in answers, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            FailureClass::Unreachable => "unreachable",
            FailureClass::Saturated => "saturated",
            FailureClass::Refused => "refused",
            FailureClass::Unauthorized => "unauthorized",
            FailureClass::WrongRole => "wrong_role",
            FailureClass::Starting => "starting",
            FailureClass::Misconfigured => "misconfigured",
            FailureClass::TimedOut => "timed_out",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_a_word() {
        for (index, class) in FailureClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
            assert_eq!(serde_json::json!(class), class.as_str());
        }
    }
}
