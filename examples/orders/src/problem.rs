//! The errors that a client receives.

use http::StatusCode;
use serde::Serialize;

use crate::payments::PaymentError;
use crate::store::CancelError;

/// An error response for the client, by RFC 9457.
#[derive(Debug, Serialize)]
pub struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    /// The media type of the JSON.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A client error; `detail` tells the client what to change.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem {
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    /// No order has this id.
    pub fn no_such_order() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "there is no such order")
    }

    /// No route has this path.
    pub fn no_such_path() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "there is no such path")
    }

    /// The route does not support this method.
    pub fn wrong_method() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Problem::new(status, "see `Allow` for the methods")
    }

    /// Returns the status of the response.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the seconds after which the client may retry, if at all.
    pub fn retry_after(&self) -> Option<&'static str> {
        (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some("2")
    }
}

/// The input was validated before, so the database itself failed: the client may
/// retry, and only the log has the reason.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again later")
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Declined => {
                Problem::new(StatusCode::PAYMENT_REQUIRED, "the payment was declined")
            }
            PaymentError::Failed(error) => {
                tracing::error!(%error, "a payment failed");
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again later")
            }
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Problem::no_such_order(),
            CancelError::TooLate(_) => Problem::new(StatusCode::CONFLICT, error.to_string()),
            CancelError::Database(error) => error.into(),
        }
    }
}
