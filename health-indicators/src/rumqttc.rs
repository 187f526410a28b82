//! MQTT, by what the event loop of rumqttc 0.25 yields.
//!
//! A client of rumqttc does not know whether it is connected; its event loop
//! does. Hand each event to a [`ConnectionState`], and check that:
//!
//! ```no_run,standalone_crate
//! use health_core::HealthState;
//! use health_indicators::rumqttc::ConnectionState;
//! use rumqttc::{AsyncClient, MqttOptions};
//!
//! #[derive(Clone, HealthState)]
//! struct AppState {
//!     client: AsyncClient,
//!     /// The broker delivers measurements.
//!     #[health(check = health_indicators::rumqttc::connection)]
//!     broker: ConnectionState,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let options = MqttOptions::new("orders", "broker.internal", 1883);
//! let broker = ConnectionState::new(&options);
//! let (client, mut event_loop) = AsyncClient::new(options, 10);
//! let state = AppState { client, broker: broker.clone() };
//! tokio::spawn(async move {
//!     loop {
//!         let event = event_loop.poll().await;
//!         broker.observe(&event);
//!         if event.is_err() {
//!             tokio::time::sleep(std::time::Duration::from_secs(1)).await;
//!         }
//!     }
//! });
//! # let _ = (state.client, state.broker);
//! # }
//! ```
//!
//! A run sends nothing. The event loop asks the broker itself, once in each
//! interval of `keep_alive`.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds that the event loop has yielded nothing yet | failing | `starting` |
//! | finds the connection refused or lost | failing | `unreachable` |
//! | finds that the broker does not accept the credentials | failing | `unauthorized` |
//! | finds that the broker refuses the client for another reason | failing | `refused` |
//! | finds that nothing came from the broker for three intervals of `keep_alive`, or that the event loop is not polled | failing | `timed_out` |

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use health_core::Outcome;
use health_core::check::FailureClass;
use rumqttc::{ConnectReturnCode, ConnectionError, Event, MqttOptions, StateError};

use crate::failure::{class_of_io, failure};

/// The broker is connected and alive, by the events of the event loop.
#[allow(
    clippy::unused_async,
    reason = "a plain `fn` would get a thread of its own"
)]
pub async fn connection(state: &ConnectionState) -> Outcome {
    let last = state.last.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Last::Nothing => failure(FailureClass::Starting),
        Last::Lost(class, text) => failure(*class).because(text.clone()),
        Last::Heard(at) if state.is_too_long(at.elapsed()) => failure(FailureClass::TimedOut),
        Last::Heard(_) => Outcome::pass(),
    }
}

/// What the event loop has yielded last; clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionState {
    last: Arc<Mutex<Last>>,
    keep_alive: Duration,
}

#[derive(Debug)]
enum Last {
    Nothing,
    Lost(FailureClass, String),
    /// Something came from the broker.
    Heard(Instant),
}

impl ConnectionState {
    /// For an event loop with these options.
    pub fn new(options: &MqttOptions) -> Self {
        ConnectionState {
            last: Arc::new(Mutex::new(Last::Nothing)),
            keep_alive: options.keep_alive(),
        }
    }

    /// Records an event, or the error, of `EventLoop::poll`.
    pub fn observe(&self, polled: &Result<Event, ConnectionError>) {
        let last = match polled {
            Ok(Event::Incoming(_)) => Last::Heard(Instant::now()),
            // It shows nothing of the broker.
            Ok(Event::Outgoing(_)) => return,
            Err(error) => Last::Lost(class(error), error.to_string()),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// rumqttc gives up after two intervals.
    fn is_too_long(&self, silence: Duration) -> bool {
        !self.keep_alive.is_zero() && silence > self.keep_alive * 3
    }
}

fn class(error: &ConnectionError) -> FailureClass {
    match error {
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => {
            class_of_io(error)
        }
        ConnectionError::MqttState(StateError::AwaitPingResp)
        | ConnectionError::NetworkTimeout
        | ConnectionError::FlushTimeout => FailureClass::TimedOut,
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => FailureClass::Unauthorized,
        ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable) => {
            FailureClass::Unreachable
        }
        ConnectionError::ConnectionRefused(_) => FailureClass::Refused,
        _ => FailureClass::Unreachable,
    }
}
