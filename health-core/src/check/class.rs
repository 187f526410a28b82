//! What kind of failure it is.

use std::fmt;

use serde::Serialize;

/// What kind of failure it is, as far as a check can tell.
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
    /// Connections fail, or break off.
    Unreachable,
    /// Every connection of the pool is in use, or a resource is used up. The
    /// dependency itself may be fine.
    Saturated,
    /// It answered with an error.
    Refused,
    /// It does not accept the credentials.
    Unauthorized,
    /// It is not what the service needs, such as a read-only replica for writes.
    WrongRole,
    /// It is starting, and will answer later.
    Starting,
    /// The check or the client is set up in a way that cannot work.
    Misconfigured,
    /// Nothing came back before the timeout of the check. The framework says
    /// this of every run that is over its timeout.
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

    /// The word that stands for it in answers, logs and metrics.
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
