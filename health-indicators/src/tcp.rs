//! Any server that listens, by a TCP connection.
//!
//! ```standalone_crate
//! use health_core::{Outcome, health_check};
//! use health_indicators::tcp;
//!
//! /// The mail server listens.
//! #[health_check(timeout = "2s", interval = "1m")]
//! async fn mail() -> Outcome {
//!     tcp::connect("mail.example:25").check().await
//! }
//! ```
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | cannot resolve the name, or cannot connect | failing | `unreachable` |
//! | has an address without a port | failing | `misconfigured` |
//! | gets no answer before the timeout of the check | failing | `timed_out` |
//!
//! A connection that is accepted proves little: the kernel accepts it, even while
//! the process behind it is frozen. Use the check of the client where there is one.

use health_core::Outcome;
use health_core::check::Indicator;
use tokio::net::TcpStream;

use crate::failure::{because, class_of_io};

/// Creates a check that a server accepts TCP connections at this address, as in
/// `mail.example:25`.
///
/// A run opens a connection and closes it without sending anything.
pub fn connect(address: impl Into<String>) -> Connect {
    Connect {
        address: address.into(),
    }
}

/// A check by a TCP connection; created by [`connect`].
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until its `check` runs"]
pub struct Connect {
    address: String,
}

impl Connect {
    /// Runs the check once, for use in a function or a closure on the builder.
    pub async fn check(&self) -> Outcome {
        match TcpStream::connect(&self.address).await {
            Ok(_) => Outcome::pass(),
            Err(error) => because(class_of_io(&error), error),
        }
    }
}

impl<T: Sync + ?Sized> Indicator<T> for Connect {
    async fn check(&self, _: &T) -> Outcome {
        Connect::check(self).await
    }
}
