//! NATS, over a client of async-nats 0.51.
//!
//! ```
//! use health_core::HealthState;
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// NATS delivers messages.
//!     #[health(check = health_indicators::async_nats::round_trip, timeout = "1s")]
//!     nats: async_nats::Client,
//! }
//! ```
//!
//! A run sends one message over the application's own connection and opens none.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds the client without a connection | failing | `unreachable` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |
//!
//! The client connects again by itself and keeps the reason why it cannot, so
//! wrong credentials are `unreachable`, too. It notices a server that is frozen
//! only after minutes; the round trip does at once.

use async_nats::connection::State;
use async_nats::{Client, Request, RequestError, RequestErrorKind};
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::failure::{because, failure};

/// The server answers a request.
///
/// The request goes to a new inbox, to which nothing subscribes, so the server
/// itself answers that there is no responder. The client needs the permission
/// to publish to its own inboxes. `flush` of the client would only write to the
/// socket.
pub async fn round_trip(client: &Client) -> Outcome {
    if client.connection_state() != State::Connected {
        return failure(FailureClass::Unreachable);
    }
    let answer = client
        .send_request(client.new_inbox(), Request::new())
        .await;
    match answer {
        Ok(_) => Outcome::pass(),
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Outcome::pass(),
        Err(error) => because(class(&error), error),
    }
}

fn class(error: &RequestError) -> FailureClass {
    match error.kind() {
        RequestErrorKind::TimedOut => FailureClass::TimedOut,
        _ => FailureClass::Refused,
    }
}
