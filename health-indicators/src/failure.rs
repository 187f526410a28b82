//! Converts the errors of clients to outcomes.
//!
//! The public texts are constants, because the texts of errors carry addresses
//! and passwords. The error itself becomes the private cause.

#![allow(dead_code, reason = "each client needs a part of it")]

use std::error::Error;

use health_core::Outcome;
use health_core::check::FailureClass;

/// A failure of this class, with its usual message.
pub(crate) fn failure(class: FailureClass) -> Outcome {
    Outcome::fail(text(class)).class(class)
}

/// A failure of this class with its error.
pub(crate) fn because(class: FailureClass, error: impl Error + Send + Sync + 'static) -> Outcome {
    failure(class).because(error)
}

/// Converts the failure to a warning.
pub(crate) fn degraded(failed: &Outcome) -> Outcome {
    let text = failed.message().unwrap_or_default().to_owned();
    let mut outcome = Outcome::warn(text);
    if let Some(class) = failed.failure_class() {
        outcome = outcome.class(class);
    }
    if failed.cause().is_empty() {
        return outcome;
    }
    outcome.because(failed.cause().join(": "))
}

/// Every connection of a pool is in use: the dependency may be fine, so the
/// check degrades.
pub(crate) fn saturated() -> Outcome {
    Outcome::warn(text(FailureClass::Saturated)).class(FailureClass::Saturated)
}

/// The class of an I/O error of a connection.
pub(crate) fn class_of_io(error: &std::io::Error) -> FailureClass {
    use std::io::ErrorKind;

    match error.kind() {
        ErrorKind::TimedOut => FailureClass::TimedOut,
        ErrorKind::InvalidInput => FailureClass::Misconfigured,
        ErrorKind::InvalidData => FailureClass::Refused,
        _ => FailureClass::Unreachable,
    }
}

fn text(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Unreachable => "no connection",
        FailureClass::Saturated => "every connection is in use",
        FailureClass::Unauthorized => "the credentials are not accepted",
        FailureClass::WrongRole => "it takes no writes",
        FailureClass::Starting => "it is starting",
        FailureClass::Misconfigured => "the client or the check is set up wrongly",
        FailureClass::TimedOut => "no answer in time",
        _ => "it answered with an error",
    }
}
