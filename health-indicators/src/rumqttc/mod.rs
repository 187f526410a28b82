//! MQTT 3.1.1 and MQTT 5, by what the event loop of rumqttc 0.25 yields.
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
//! MQTT 5 has the same types in `rumqttc::v5`. A [`ConnectionState`] takes the options
//! and the events of either.
//!
//! A run sends nothing. The event loop asks the broker itself, once in each
//! interval of `keep_alive`. A broker of MQTT 5 can ask for another interval, which
//! then counts.
//!
//! | the run | verdict | class |
//! |---|---|---|
//! | finds that the event loop has yielded nothing yet | failing | `starting` |
//! | finds the connection refused or lost | failing | `unreachable` |
//! | finds that the broker does not accept the credentials | failing | `unauthorized` |
//! | finds that the broker refuses the client for another reason | failing | `refused` |
//! | finds that nothing came from the broker for three intervals of `keep_alive`, or that the event loop is not polled | failing | `timed_out` |

mod version;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use health_core::Outcome;
use health_core::check::FailureClass;

use crate::failure::failure;
use version::News;

pub use version::{Options, Polled};

/// Checks that the broker is connected and alive, by the events of the event loop.
#[allow(
    clippy::unused_async,
    reason = "a plain `fn` would get a thread of its own"
)]
pub async fn connection(state: &ConnectionState) -> Outcome {
    let seen = state.lock();
    match &seen.last {
        Last::Nothing => failure(FailureClass::Starting),
        Last::Lost(class, text) => failure(*class).because(text.clone()),
        Last::Heard(at) if seen.is_too_long(at.elapsed()) => failure(FailureClass::TimedOut),
        Last::Heard(_) => Outcome::pass(),
    }
}

/// The last event of the event loop. Clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionState {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    last: Last,
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
    /// Creates the state of an event loop with these options, which are
    /// `rumqttc::MqttOptions` or `rumqttc::v5::MqttOptions`.
    pub fn new(options: &impl Options) -> Self {
        let seen = Seen {
            last: Last::Nothing,
            keep_alive: options.keep_alive(),
        };
        ConnectionState {
            seen: Arc::new(Mutex::new(seen)),
        }
    }

    /// Records an event, or the error, of `EventLoop::poll`.
    pub fn observe(&self, polled: &impl Polled) {
        let mut seen = self.lock();
        match polled.news() {
            News::Connected { keep_alive } => {
                seen.last = Last::Heard(Instant::now());
                seen.keep_alive = keep_alive.unwrap_or(seen.keep_alive);
            }
            News::Received => seen.last = Last::Heard(Instant::now()),
            // It shows nothing of the broker.
            News::Sent => {}
            News::Lost(class, text) => seen.last = Last::Lost(class, text),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// rumqttc gives up after two intervals.
    fn is_too_long(&self, silence: Duration) -> bool {
        !self.keep_alive.is_zero() && silence > self.keep_alive * 3
    }
}
