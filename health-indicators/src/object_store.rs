//! S3 and what speaks its protocol, by a store of `object_store` 0.14.
//!
//! ```no_run,standalone_crate
//! use std::sync::Arc;
//! use health_core::HealthState;
//! use health_indicators::object_store;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// The bucket of the receipts answers.
//!     #[health(check = object_store::head("health/probe"), timeout = "3s")]
//!     receipts: Arc<dyn ::object_store::ObjectStore>,
//! }
//! ```
//!
//! A run sends one request over the application's own store, with its credentials
//! and its pool of connections.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | gets 403: the credentials are wrong, or do not allow this request | degraded | `unauthorized` |
//! | gets 401 | failing | `unauthorized` |
//! | gets 404: there is no such bucket, or no such object in it | failing | `misconfigured` |
//! | gets another error as the answer | failing | `refused` |
//! | cannot connect, or loses the connection | failing | `unreachable` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |
//!
//! # Retries
//!
//! A store sends a request again after a lost connection and after the statuses
//! 429 and 5xx: ten times within three minutes, by default. It keeps the reason
//! until it gives up. The timeout of the check usually comes first, and the class is
//! then `timed_out`. A store with a short `RetryConfig` gives the reason:
//!
//! ```
//! use std::time::Duration;
//! use object_store::aws::AmazonS3Builder;
//! use object_store::{BackoffConfig, RetryConfig};
//!
//! let retry = RetryConfig {
//!     max_retries: 2,
//!     retry_timeout: Duration::from_secs(1),
//!     backoff: BackoffConfig::default(),
//! };
//! let builder = AmazonS3Builder::new().with_retry(retry);
//! # let _ = builder;
//! ```
//!
//! # Permissions
//!
//! The request needs `s3:GetObject` for the key alone; one for the bucket would need
//! `s3:ListBucket`. A service that lacks the permission may still be able to do its
//! work, so the check degrades. S3 also answers 403, and not 404, about an object
//! that is missing if the service may not list the bucket.

use std::error::Error as StdError;

use health_core::Outcome;
use health_core::check::{FailureClass, Indicator};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::failure::{because, degraded};

/// Creates a check of an object that is known to exist, as in
/// `head("health/probe")`.
///
/// A run asks for its metadata. This works with every store, also behind
/// `Arc<dyn ObjectStore>`.
pub fn head(key: impl Into<Path>) -> Head {
    Head { key: key.into() }
}

/// A check by the metadata of an object; created by [`head`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Head {
    key: Path,
}

impl Head {
    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check<S: ObjectStore>(&self, store: &S) -> Outcome {
        judge(store.head(&self.key).await)
    }
}

impl<S: ObjectStore> Indicator<S> for Head {
    async fn check(&self, store: &S) -> Outcome {
        Head::check(self, store).await
    }
}

fn judge(answer: Result<ObjectMeta, Error>) -> Outcome {
    match answer {
        Ok(_) => Outcome::pass(),
        Err(error @ Error::PermissionDenied { .. }) => {
            degraded(&because(FailureClass::Unauthorized, error))
        }
        Err(error) => because(class(&error), error),
    }
}

fn class(error: &Error) -> FailureClass {
    match error {
        Error::Unauthenticated { .. } => FailureClass::Unauthorized,
        Error::NotFound { .. } | Error::InvalidPath { .. } => FailureClass::Misconfigured,
        _ => match transport(error) {
            Some(HttpErrorKind::Timeout) => FailureClass::TimedOut,
            Some(HttpErrorKind::Decode) | None => FailureClass::Refused,
            Some(_) => FailureClass::Unreachable,
        },
    }
}

/// What kept the answer from coming, among the causes of an error.
fn transport(error: &(dyn StdError + 'static)) -> Option<HttpErrorKind> {
    match error.downcast_ref::<HttpError>() {
        Some(error) => Some(error.kind()),
        None => transport(error.source()?),
    }
}
