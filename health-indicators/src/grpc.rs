//! The errors of gRPC.

use std::error::Error;

use health_core::check::FailureClass;
use tonic::{Code, Status};

/// The class of an error, by its code.
pub(crate) fn class(status: &Status) -> FailureClass {
    match status.code() {
        Code::Unavailable => FailureClass::Unreachable,
        Code::Unauthenticated | Code::PermissionDenied => FailureClass::Unauthorized,
        Code::ResourceExhausted => FailureClass::Saturated,
        Code::NotFound | Code::Unimplemented => FailureClass::Misconfigured,
        // tonic cancels a call at the timeout of its channel.
        Code::DeadlineExceeded | Code::Cancelled => FailureClass::TimedOut,
        // A connection that breaks off during the call.
        Code::Unknown if status.source().is_some() => FailureClass::Unreachable,
        _ => FailureClass::Refused,
    }
}
