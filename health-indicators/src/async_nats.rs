//! NATS, over a client of async-nats 0.51.
//!
//! ```no_run,standalone_crate
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
//! | finds that the server does not accept the credentials, by [`observed_round_trip`] | failing | `unauthorized` |
//! | gets no answer before the timeout of the client or of the check | failing | `timed_out` |
//!
//! The client notices a server that is frozen only after minutes; the round trip
//! does at once.
//!
//! # Wrong credentials
//!
//! The client connects again by itself. It gives the reason why it cannot to its
//! event callback alone, so [`round_trip`] does not tell wrong credentials from a
//! server that is down. Hand the events to a [`ConnectionState`] to tell them:
//!
//! ```no_run,standalone_crate
//! use async_nats::ConnectOptions;
//! use health_core::HealthState;
//! use health_indicators::async_nats::{ConnectionState, ObservedClient};
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     /// NATS delivers messages.
//!     #[health(check = health_indicators::async_nats::observed_round_trip, timeout = "1s")]
//!     nats: ObservedClient,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), async_nats::ConnectError> {
//! let connection = ConnectionState::new();
//! let events = connection.clone();
//! let client = ConnectOptions::new()
//!     .event_callback(move |event| {
//!         events.observe(&event);
//!         async {}
//!     })
//!     .connect("nats.internal")
//!     .await?;
//! let state = AppState { nats: connection.of(client) };
//! # drop(state);
//! # Ok(())
//! # }
//! ```

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_nats::connection::State;
use async_nats::{
    Client, ClientError, ConnectErrorKind, Event, Request, RequestError, RequestErrorKind,
    ServerError,
};
use health_core::Outcome;
use health_core::check::FailureClass;

use crate::failure::{because, failure};

/// Checks that the server answers a request.
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

/// Checks the same as [`round_trip`], and tells wrong credentials from a server
/// that is down.
pub async fn observed_round_trip(client: &ObservedClient) -> Outcome {
    let is_connected = client.connection_state() == State::Connected;
    if !is_connected && client.connection.is_unauthorized() {
        return failure(FailureClass::Unauthorized);
    }
    round_trip(client).await
}

fn class(error: &RequestError) -> FailureClass {
    match error.kind() {
        RequestErrorKind::TimedOut => FailureClass::TimedOut,
        _ => FailureClass::Refused,
    }
}

/// The result of the last attempt to connect, by the events of the client. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct ConnectionState {
    unauthorized: Arc<AtomicBool>,
}

impl ConnectionState {
    /// Creates the state before the first event.
    #[must_use]
    pub fn new() -> Self {
        ConnectionState::default()
    }

    /// Records an event of `ConnectOptions::event_callback`.
    pub fn observe(&self, event: &Event) {
        let unauthorized = match event {
            Event::Connected => false,
            Event::ServerError(error) => *error == ServerError::AuthorizationViolation,
            Event::ClientError(ClientError::Other(text)) => is_of_credentials(text),
            // They tell nothing of an attempt to connect.
            _ => return,
        };
        self.unauthorized.store(unauthorized, Ordering::Relaxed);
    }

    /// Returns the client with this state, for [`observed_round_trip`]. The client
    /// must be the one whose events are [observed](ConnectionState::observe).
    #[must_use]
    pub fn of(&self, client: Client) -> ObservedClient {
        ObservedClient {
            client,
            connection: self.clone(),
        }
    }

    fn is_unauthorized(&self) -> bool {
        self.unauthorized.load(Ordering::Relaxed)
    }
}

/// The client gives the kind of an error as its text.
fn is_of_credentials(text: &str) -> bool {
    [
        ConnectErrorKind::AuthorizationViolation,
        ConnectErrorKind::Authentication,
    ]
    .iter()
    .any(|kind| kind.to_string() == text)
}

/// A client with its [`ConnectionState`], made by [`ConnectionState::of`]. It
/// dereferences to the client.
#[derive(Clone, Debug)]
pub struct ObservedClient {
    client: Client,
    connection: ConnectionState,
}

impl Deref for ObservedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
